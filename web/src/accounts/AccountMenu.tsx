import {
  Menu,
  SegmentedControl,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  type MantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconKey, IconLock, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { messageOf } from '../api.ts';
import { links } from '../links.ts';
import shell from '../shell/Shell.module.css';
import { MenuLink } from '../ui/links.tsx';
import { signOut, useAccount } from './session.ts';

const themes: { value: MantineColorScheme; label: string }[] = [
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
  { value: 'auto', label: 'System' },
];

export function AccountMenu() {
  const account = useAccount();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="top-start" width={240} shadow="md">
      <Menu.Target>
        <UnstyledButton className={shell.item} aria-label={`Account: ${account.email}`}>
          <IconUserCircle size={16} stroke={1.75} aria-hidden />
          <span className={shell.accountName}>{account.email}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {account.name}
          {account.isOperator && ' (operator)'}
        </Menu.Label>
        <MenuLink {...links.tokens()} leftSection={<IconKey size={16} aria-hidden />}>
          API tokens
        </MenuLink>
        <MenuLink {...links.password()} leftSection={<IconLock size={16} aria-hidden />}>
          Set password
        </MenuLink>
        <Menu.Divider />
        <Menu.Label>Theme</Menu.Label>
        <SegmentedControl
          aria-label="Theme"
          fullWidth
          size="xs"
          mx={8}
          mb={8}
          data={themes}
          value={colorScheme}
          onChange={setColorScheme}
        />
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => {
            signOut().catch((error: unknown) => {
              notifications.show({ color: 'red', title: 'You are still signed in', message: messageOf(error) });
            });
          }}
        >
          <Text span fz="inherit">
            Sign out
          </Text>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
