import { IconBox, IconCoin, IconCpu, IconDatabase } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { AccountMenu } from '../accounts/AccountMenu.tsx';
import { links } from '../links.ts';
import { Logo } from './Logo.tsx';
import classes from './Shell.module.css';

const places = [
  { title: 'Workspaces', link: links.workspaces(), Icon: IconBox },
  { title: 'Environments', link: links.environments(), Icon: IconCpu },
  { title: 'Disks', link: links.disks(), Icon: IconDatabase },
  { title: 'Billing', link: links.billing(), Icon: IconCoin },
] as const;

/** The left rail: where one can go, and the account. */
export function Rail() {
  return (
    <nav aria-label="Main" className={classes.railInside}>
      <div className={classes.railLogo}>
        <Logo />
      </div>
      <ul className={classes.items}>
        {places.map(({ title, link, Icon }) => (
          <li key={title}>
            <Link {...link} className={classes.item} activeOptions={{ includeSearch: false }}>
              <Icon size={16} stroke={1.75} aria-hidden />
              {title}
            </Link>
          </li>
        ))}
      </ul>
      <div className={classes.account}>
        <AccountMenu />
      </div>
    </nav>
  );
}
