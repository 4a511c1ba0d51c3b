import type { IAwareness } from '@jupyter/ydoc';
import type { User } from '@jupyterlab/services';
import * as z from 'zod';

const PersonOfState = z.object({
  user: z.object({
    username: z.string(),
    display_name: z.string().nullish(),
    name: z.string().nullish(),
    initials: z.string().nullish(),
    color: z.string().nullish(),
  }),
});

/** Somebody who has the notebook open. */
export interface Person {
  readonly username: string;
  readonly name: string;
  readonly initials: string;
  /** CSS. */
  readonly color: string;
}

/** Dark enough for white initials, light enough for a cursor on a dark page. */
const colors = ['#2f6fb7', '#b4532a', '#7d4bb0', '#0b8573', '#c03a6b', '#8a6d0f', '#4f6d8f'];

/** Everybody else who is here, each once, by name. */
export function othersHere(awareness: IAwareness, self: string): Person[] {
  const people = new Map<string, Person>();
  for (const [client, state] of awareness.getStates()) {
    const person = personOf(state);
    if (client === awareness.clientID || person === undefined || person.username === self) continue;
    people.set(person.username, person);
  }
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export function personOf(state: unknown): Person | undefined {
  const parsed = PersonOfState.safeParse(state).data?.user;
  if (parsed === undefined) return undefined;
  const name = parsed.display_name || parsed.name || parsed.username;
  return {
    username: parsed.username,
    name,
    initials: parsed.initials || initialsOf(name),
    color: parsed.color || colorFor(parsed.username, new Set()),
  };
}

export function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => word.slice(0, 1).toUpperCase())
    .join('');
}

/** The same colour for a person everywhere, as long as nobody here has it already. */
export function colorFor(username: string, taken: ReadonlySet<string>): string {
  let sum = 0;
  for (const char of username) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  const order = colors.map((_, n) => colors[(sum + n) % colors.length] ?? '');
  return order.find((color) => !taken.has(color)) ?? order[0] ?? '';
}

/**
 * Tells the others in a room who this is, in a colour of one's own.
 * @returns a way to end that
 */
export function showWhoIsHere(awareness: IAwareness, user: User.IManager): () => void {
  const show = (): void => {
    const { identity } = user;
    if (identity === null) return;
    const taken = new Set<string>();
    for (const [client, state] of awareness.getStates()) {
      const person = personOf(state);
      // Of two who took the same colour at once, the one with the higher number keeps it.
      if (person !== undefined && person.username !== identity.username && client > awareness.clientID)
        taken.add(person.color);
    }
    const name = identity.display_name || identity.name || identity.username;
    const shown = {
      ...identity,
      initials: identity.initials || initialsOf(name),
      color: colorFor(identity.username, taken),
    };
    const before: unknown = awareness.getLocalState()?.['user'];
    if (JSON.stringify(before) !== JSON.stringify(shown)) awareness.setLocalStateField('user', shown);
  };
  const onChange = (_: unknown, origin: unknown): void => {
    if (origin !== 'local') show();
  };
  user.ready.then(show, () => undefined);
  user.userChanged.connect(show);
  awareness.on('change', onChange);
  return () => {
    user.userChanged.disconnect(show);
    awareness.off('change', onChange);
  };
}
