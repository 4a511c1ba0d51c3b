import type { NotebookSummary } from '@terrarium/contract';

const named = 2;

/** "Ada is here", "You and Ada are here", "You, Ada and 3 others are here"; undefined when nobody is. */
export function peopleText(people: NotebookSummary['people'], ownId: string | undefined): string | undefined {
  if (people.length === 0) return undefined;
  const isYou = people.some(({ id }) => id === ownId);
  const names = [
    ...(isYou ? ['You'] : []),
    ...people
      .flatMap(({ id, name }) => (id === ownId ? [] : [name]))
      .toSorted((left, right) => left.localeCompare(right)),
  ];
  const verb = names.length === 1 && !isYou ? 'is' : 'are';
  if (names.length <= named) return `${names.join(' and ')} ${verb} here`;
  const rest = names.length - named;
  return `${names.slice(0, named).join(', ')} and ${rest === 1 ? '1 other' : `${String(rest)} others`} are here`;
}
