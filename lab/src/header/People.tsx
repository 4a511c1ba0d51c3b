import * as React from 'react';
import type { LiveNotebook } from '../documents/live-notebook.ts';
import { othersHere, type Person } from '../documents/people.ts';
import type { Savings } from '../documents/savings.ts';
import { workspace } from '../workspace.ts';
import { useSignal } from './use-signal.ts';

const mostShown = 5;

/** Everybody else who has the notebook in front open. */
export function People({ savings }: { readonly savings: Savings }): React.JSX.Element | null {
  useSignal(savings.changed);
  const people = useOthers(savings.notebook);
  if (people.length === 0) return null;
  const hidden = people.slice(mostShown);
  return (
    <ul className="tr-People" aria-label="Also here">
      {people.slice(0, mostShown).map((person) => (
        <li
          key={person.username}
          className="tr-Person"
          style={{ background: person.color }}
          title={`${person.name} has this notebook open`}
          aria-label={person.name}
        >
          {person.initials}
        </li>
      ))}
      {hidden.length > 0 && (
        <li className="tr-Person tr-Person-more" title={hidden.map(({ name }) => name).join(', ')}>
          +{hidden.length}
        </li>
      )}
    </ul>
  );
}

function useOthers(notebook: LiveNotebook | undefined): readonly Person[] {
  const subscribe = React.useCallback(
    (onChange: () => void) => {
      const awareness = notebook?.sharedModel.awareness;
      awareness?.on('change', onChange);
      return () => awareness?.off('change', onChange);
    },
    [notebook],
  );
  // A text, because a list would be another one each time it is looked at.
  const people = React.useSyncExternalStore(subscribe, () =>
    JSON.stringify(notebook === undefined ? [] : othersHere(notebook.sharedModel.awareness, workspace.userEmail)),
  );
  return React.useMemo(() => JSON.parse(people) as Person[], [people]);
}
