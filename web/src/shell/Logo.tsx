import { Link } from '@tanstack/react-router';
import { links } from '../links.ts';
import classes from './Shell.module.css';

export function Logo() {
  return (
    <Link {...links.workspaces()} className={classes.logo} activeProps={{}}>
      <img src="/favicon.svg" alt="" width={20} height={20} />
      Terrarium
    </Link>
  );
}
