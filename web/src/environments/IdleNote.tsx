import { type Environment, idleNotice } from '@terrarium/contract';
import { useNow } from '../ui/clock.ts';
import classes from './IdleNote.module.css';

/** When it will sleep or pause, where that is near, or why it stays; that is left out where it is to be brief. */
export function IdleNote({ environment, isBrief = false }: { environment: Environment; isBrief?: boolean }) {
  const now = useNow(1000);
  const notice = idleNotice(environment, now);
  if (notice === undefined || (isBrief && notice.kind === 'busy')) return null;
  return (
    <span className={classes.note} data-urgent={notice.isUrgent || undefined} title={notice.text}>
      {isBrief ? notice.brief : notice.text}
    </span>
  );
}
