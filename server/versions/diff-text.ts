import { diffArrays, diffWordsWithSpace } from 'diff';
import type { DiffLine } from '@terrarium/contract';

/**
 * How much work a comparison may still take, shared by all texts of a notebook. To find a difference of n lines or words
 * takes about n² steps, so texts that have nothing in common would keep everybody else waiting.
 */
export interface Effort {
  steps: number;
}

export const wholeEffort = 2_000_000;
// To look at a long line word by word takes time even where little changed.
const longestLine = 2000;
// Less in common than this, and marking words would only be noise.
const leastCommonShare = 0.3;

/** The lines of both texts: those of `before` are the same and removed ones, those of `after` the same and added ones. */
export function diffText(before: string, after: string, effort: Effort = { steps: wholeEffort }): DiffLine[] {
  return inOneDirection(before, after, (from, to) => changesOf(from, to, effort), invertLines);
}

/** @returns undefined when the difference is larger than what effort is left for */
function within<Change extends { added: boolean; removed: boolean; count: number }>(
  effort: Effort,
  compute: (options: { maxEditLength: number }) => Change[] | undefined,
): Change[] | undefined {
  const most = Math.floor(Math.sqrt(Math.max(0, effort.steps)));
  const changes = compute({ maxEditLength: most });
  const edits = changes?.reduce((sum, { added, removed, count }) => sum + (added || removed ? count : 0), 0) ?? most;
  effort.steps -= edits ** 2;
  return changes;
}

/**
 * Of several equally short differences, which one is found depends on the direction one looks in. Looking always from
 * the lesser text makes the difference back the reverse of the difference there.
 */
export function inOneDirection<T>(
  before: string,
  after: string,
  compute: (before: string, after: string) => T,
  invert: (difference: T) => T,
): T {
  return before <= after ? compute(before, after) : invert(compute(after, before));
}

function changesOf(before: string, after: string, effort: Effort): DiffLine[] {
  const [old, young] = [before.split('\n'), after.split('\n')];
  const changes = within(effort, (options) => diffArrays(old, young, options)) ?? [
    { value: old, removed: true, added: false },
    { value: young, removed: false, added: true },
  ];
  const lines: DiffLine[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const settle = (): void => {
    lines.push(...replaced(removed, added, effort));
    removed = [];
    added = [];
  };
  for (const change of changes) {
    if (change.removed) removed.push(...change.value);
    else if (change.added) added.push(...change.value);
    else {
      settle();
      lines.push(...change.value.map((text): DiffLine => ({ kind: 'same', text })));
    }
  }
  settle();
  return lines;
}

/** Removed lines, then those in their place; where a line was only changed, with its words. */
function replaced(removed: readonly string[], added: readonly string[], effort: Effort): DiffLine[] {
  const words = removed.map((text, index) => {
    const counterpart = added[index];
    return counterpart === undefined ? null : wordsOf(text, counterpart, effort);
  });
  return [
    ...removed.map((text, index) => line('removed', text, words[index]?.before)),
    ...added.map((text, index) => line('added', text, words[index]?.after)),
  ];
}

type Part = NonNullable<DiffLine['parts']>[number];

function line(kind: DiffLine['kind'], text: string, parts: Part[] | undefined): DiffLine {
  return parts === undefined ? { kind, text } : { kind, text, parts };
}

function wordsOf(before: string, after: string, effort: Effort): { before: Part[]; after: Part[] } | null {
  if (Math.max(before.length, after.length) > longestLine) return null;
  const changes = within(effort, (options) => diffWordsWithSpace(before, after, options));
  if (changes === undefined) return null;
  const common = changes.reduce(
    (length, { value, added, removed }) => (added || removed ? length : length + value.trim().length),
    0,
  );
  if (common < leastCommonShare * Math.max(before.trim().length, after.trim().length)) return null;
  const side = (left: 'added' | 'removed'): Part[] =>
    changes
      .filter((change) => !change[left])
      .map(({ value, added, removed }) => ({ text: value, isChanged: added || removed }));
  return { before: side('added'), after: side('removed') };
}

/** The difference in the other direction. */
export function invertLines(lines: readonly DiffLine[]): DiffLine[] {
  const inverted: DiffLine[] = [];
  let removed: DiffLine[] = [];
  let added: DiffLine[] = [];
  const settle = (): void => {
    inverted.push(...removed, ...added);
    removed = [];
    added = [];
  };
  for (const each of lines) {
    if (each.kind === 'removed') added.push({ ...each, kind: 'added' });
    else if (each.kind === 'added') removed.push({ ...each, kind: 'removed' });
    else {
      settle();
      inverted.push(each);
    }
  }
  settle();
  return inverted;
}
