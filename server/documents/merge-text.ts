/**
 * Both sides' changes to one text, where they touch different lines; null where they do not.
 * A side's change is the stretch of lines between what its start and its end have in common with `base`.
 */
export function mergeText(base: string, ours: string, theirs: string): string | null {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  const lines = linesOf(base);
  const mine = changeOf(lines, linesOf(ours));
  const other = changeOf(lines, linesOf(theirs));
  const [first, second] = mine.start <= other.start ? [mine, other] : [other, mine];
  // Touching is overlapping: which of two insertions at one place comes first is for a person to say.
  if (first.end >= second.start) return null;
  return [
    ...lines.slice(0, first.start),
    ...first.lines,
    ...lines.slice(first.end, second.start),
    ...second.lines,
    ...lines.slice(second.end),
  ].join('\n');
}

interface Change {
  /** Lines [start, end) of the base become `lines`. */
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

function linesOf(text: string): string[] {
  return text.split('\n');
}

function changeOf(base: readonly string[], changed: readonly string[]): Change {
  const most = Math.min(base.length, changed.length);
  let start = 0;
  while (start < most && base[start] === changed[start]) start++;
  let end = 0;
  while (end < most - start && base[base.length - 1 - end] === changed[changed.length - 1 - end]) end++;
  return { start, end: base.length - end, lines: changed.slice(start, changed.length - end) };
}
