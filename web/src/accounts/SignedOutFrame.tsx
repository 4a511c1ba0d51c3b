import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './SignedOutFrame.module.css';

/** A screen outside the shell, for someone who is not signed in yet. */
export function SignedOutFrame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={classes.frame}>
      <title>{`${title.replace(/ to Terrarium$/, '')} · Terrarium`}</title>
      <div className={classes.card}>
        <div className={classes.brand}>
          <img src="/favicon.svg" alt="" width={32} height={32} />
          <Title order={1}>{title}</Title>
        </div>
        {children}
      </div>
    </main>
  );
}
