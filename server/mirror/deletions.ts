/** Notebooks that have gone from the disk, and what is known to judge whether somebody meant that. */
export interface Missing {
  /** Their paths, each with the hash of the content it last had. */
  readonly missing: ReadonlyMap<string, string>;
  /** Hashes of the contents that are on the disk now. */
  readonly present: ReadonlySet<string>;
  /** How many notebooks were the same on both sides before they went, these included. */
  readonly recorded: number;
  /** How many deletions were passed on within the last minute. */
  readonly passedLately: number;
  /** same: the folder in which they were; other: another folder has its name now, or there is none. */
  readonly folder: 'same' | 'other';
}

const mostAtOnce = 20;

/**
 * Which deletions on the disk are passed on to the bucket. A folder that was replaced, emptied or lost most of its
 * notebooks at once is rather an accident, a fresh disk or a missing mount than a wish: there they are put back instead.
 * A notebook that only moved is no loss, so it does not count.
 */
export function judgeDeletions({ missing, present, recorded, passedLately, folder }: Missing): 'passOn' | 'restore' {
  if (missing.size === 0) return 'passOn';
  if (folder === 'other') return 'restore';
  const lost = [...missing.values()].filter((hash) => !present.has(hash)).length + passedLately;
  const before = recorded + passedLately;
  if (lost > mostAtOnce && lost > before / 2) return 'restore';
  const isEmptied = present.size === 0 && missing.size > 1;
  return isEmptied ? 'restore' : 'passOn';
}
