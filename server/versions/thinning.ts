import type { VersionKind } from '@terrarium/contract';

/** What the rule needs to know of a version. */
export interface Thinnable {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly kind: VersionKind;
  readonly name: string | null;
  /** Account ids of those who made it. */
  readonly authorIds: readonly string[];
  /** Whether it is what the notebook is now. */
  readonly isCurrent: boolean;
}

export interface Dropped {
  readonly id: string;
  /** The next version that stays: it holds the changes of the one that goes, so it takes its authors over. */
  readonly into: string;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What is younger stays in any case: what somebody did a moment ago, and wants undone. */
const untouchedMs = 10 * minuteMs;

/**
 * Up to which age the last version of each slot stays. Each slot is a whole number of the one before and all count from
 * the epoch, so that the last of a day is also the last of its hour.
 */
const tiers = [
  { upToMs: dayMs, slotMs: 5 * minuteMs, isForEachGroup: true },
  { upToMs: 7 * dayMs, slotMs: hourMs, isForEachGroup: false },
  { upToMs: 90 * dayMs, slotMs: dayMs, isForEachGroup: false },
] as const;
const beyond = { slotMs: 7 * dayMs, isForEachGroup: false } as const;

/**
 * Which versions of one notebook go. What stays:
 * - the current one and the newest one, and for ever those with a name, restores, what a restore replaced, and conflicts
 * - all of the last ten minutes
 * - of the last 24 hours the last of every five minutes, for each group of people
 * - of the last 7 days the last of every hour, of the last 90 days that of every day, before that that of every week
 *
 * A checkpoint gives way to a later checkpoint alone. Whatever goes now would go later too, and nothing that stays later
 * goes now, so it does not matter when or how often it is asked.
 */
export function thin(versions: readonly Thinnable[], now: number): Dropped[] {
  const inOrder = versions.filter(({ kind }) => kind !== 'conflict').toSorted(byAge);
  const dropped: Dropped[] = [];
  const seen = new Set<string>();
  let into = '';
  // From the newest on, so that what comes later in a slot has been seen.
  for (let index = inOrder.length - 1; index >= 0; index -= 1) {
    const version = inOrder[index];
    if (version === undefined) continue;
    const isKept =
      index === inOrder.length - 1 ||
      now - version.at < untouchedMs ||
      isForEver(version) ||
      inOrder[index + 1]?.kind === 'restore' ||
      !seen.has(slotOf(version, now));
    if (isKept) into = version.id;
    else dropped.push({ id: version.id, into });
    for (const slot of slotsOf(version)) seen.add(slot);
  }
  return dropped;
}

function isForEver({ isCurrent, name, kind }: Thinnable): boolean {
  return isCurrent || name !== null || kind === 'restore';
}

function byAge(left: Thinnable, right: Thinnable): number {
  return left.at - right.at || (left.id < right.id ? -1 : 1);
}

interface Slotting {
  readonly slotMs: number;
  readonly isForEachGroup: boolean;
}

/** The slot in which a later version makes this one superfluous. */
function slotOf(version: Thinnable, now: number): string {
  const tier = tiers.find(({ upToMs }) => now - version.at < upToMs) ?? beyond;
  return slot(version, tier, version.kind === 'checkpoint');
}

/** The slots that a version fills for the ones before it. */
function slotsOf(version: Thinnable): string[] {
  const isCheckpoint = version.kind === 'checkpoint';
  return [...tiers, beyond].flatMap((tier) => [
    slot(version, tier, false),
    ...(isCheckpoint ? [slot(version, tier, true)] : []),
  ]);
}

function slot({ at, authorIds }: Thinnable, { slotMs, isForEachGroup }: Slotting, ofCheckpoints: boolean): string {
  const group = isForEachGroup ? authorIds.toSorted().join(' ') : '';
  return [slotMs, Math.floor(at / slotMs), ofCheckpoints ? 'checkpoint' : 'any', group].join('/');
}
