import { AppShell, Burger, Group } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { startLiveUpdates } from './live.ts';
import { Logo } from './Logo.tsx';
import { Rail } from './Rail.tsx';
import classes from './Shell.module.css';
import { SignedOutWatch } from './SignedOutWatch.tsx';

/** The frame of every screen but sign-in: the rail on the left, a bar with a menu button on a phone. */
export function Shell() {
  const [isRailOpen, { close, toggle }] = useDisclosure(false);
  const queryClient = useQueryClient();
  // Mantine's breakpoint `sm`, where the rail becomes a drawer.
  const isPhone = useMediaQuery('(max-width: 47.99em)');
  const router = useRouter();
  useEffect(() => startLiveUpdates(queryClient), [queryClient]);
  // On a phone the rail covers the page: going somewhere closes it.
  useEffect(() => router.subscribe('onResolved', close), [router, close]);
  return (
    <AppShell
      header={{ height: { base: 48, sm: 0 } }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isRailOpen } }}
      padding={0}
    >
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <AppShell.Header hiddenFrom="sm" className={classes.bar}>
        <Group h="100%" px="xs" gap="xs">
          <Burger
            opened={isRailOpen}
            onClick={toggle}
            size="sm"
            aria-label={isRailOpen ? 'Close navigation' : 'Open navigation'}
          />
          <Logo />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.rail} component="div" inert={isPhone && !isRailOpen}>
        <Rail />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <ConnectionBanner />
        <SignedOutWatch />
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
