import type { NotebookSummary } from '@terrarium/contract';
import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '../accounts/session.ts';
import { StateWord } from '../ui/StateWord.tsx';
import classes from './Presence.module.css';
import { peopleText } from './people-text.ts';

/** Who has a notebook open now and whether it runs; nothing while neither is so. */
export function Presence({ notebook }: { notebook: Pick<NotebookSummary, 'people' | 'isRunning'> }) {
  const session = useQuery(sessionQuery);
  const people = peopleText(notebook.people, session.data?.id);
  if (people === undefined && !notebook.isRunning) return null;
  return (
    <span className={classes.presence} role="status">
      {notebook.isRunning && <StateWord kind="working">Running</StateWord>}
      {people !== undefined && <span>{people}</span>}
    </span>
  );
}
