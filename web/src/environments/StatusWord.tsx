import { environmentStatusWord, transitional, type EnvironmentStatus } from '@terrarium/contract';
import classes from './StatusWord.module.css';

/** A status in words with its mark. The word alone carries the meaning; colour and motion only help. */
export function StatusWord({ status }: { status: EnvironmentStatus }) {
  const kind = transitional.has(status)
    ? 'working'
    : status === 'Running'
      ? 'running'
      : status === 'Error'
        ? 'error'
        : 'off';
  return (
    <span className={classes.status} data-kind={kind}>
      <span className={classes.mark} aria-hidden />
      {environmentStatusWord[status]}
      {kind === 'working' && '…'}
    </span>
  );
}
