import type { ReactNode } from 'react';
import classes from './StateWord.module.css';

export type StateKind = 'running' | 'working' | 'asleep' | 'error' | 'off';

/** A state in words with its mark. The words alone carry the meaning; colour and motion only help. */
export function StateWord({ kind, title, children }: { kind: StateKind; title?: string; children: ReactNode }) {
  return (
    <span className={classes.status} data-kind={kind} title={title}>
      <span className={classes.mark} aria-hidden />
      {children}
    </span>
  );
}
