import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { titleOf } from './names.ts';
import classes from './NotebookBanner.module.css';

interface NotebookBannerProps {
  path: string;
  /** How the notebook is shown here. */
  mode: string;
  beside?: ReactNode;
  /** What one can do with it. */
  children: ReactNode;
}

/** The head of a page that shows one notebook. */
export function NotebookBanner({ path, mode, beside, children }: NotebookBannerProps) {
  return (
    <div className={classes.banner}>
      <div className={classes.names}>
        <Title order={2}>{titleOf(path)}</Title>
        <span className={classes.mode}>{mode}</span>
        {beside}
      </div>
      <div className={classes.actions}>{children}</div>
    </div>
  );
}
