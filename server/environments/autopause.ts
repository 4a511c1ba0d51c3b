/** What is known of an environment when autopause looks at it. Times are epoch ms. */
export interface AutopauseFacts {
  readonly now: number;
  /** 0 turns autopause off. */
  readonly autopauseMinutes: number;
  /** Idle time before it falls asleep; 0 where it does not. */
  readonly sleepMinutes: number;
  readonly isAsleep: boolean;
  /** When it was last started, or its owner last did something to it. */
  readonly startedAt: number;
  /** Null when the agent could not be asked. Of a sleeping environment: as it was before, and not busy. */
  readonly activity: { readonly lastActivityAt: number; readonly busyReasons: readonly string[] } | null;
  /** Since when it has been busy without a pause between two looks, or null. */
  readonly busySince: number | null;
  /** What its owner asked for: not before this moment, and as soon as it is idle. */
  readonly keepUntil: number | null;
  readonly pausesWhenIdle: boolean;
}

export type AutopauseDecision =
  | { readonly kind: 'keep'; readonly sleepsAt: number | null; readonly pausesAt: number | null }
  | { readonly kind: 'sleep'; readonly reason: string }
  | { readonly kind: 'pause'; readonly reason: string };

/** A kernel that is busy without end is stopped after a day, as in Terra. */
export const busyCapMs = 24 * 3_600_000;
const minuteMs = 60_000;

const keep: AutopauseDecision = { kind: 'keep', sleepsAt: null, pausesAt: null };

/** Whether to put to sleep or to pause now. When in doubt, neither. */
export function decideAutopause(facts: AutopauseFacts): AutopauseDecision {
  const { now, activity, autopauseMinutes, isAsleep } = facts;
  // A check that failed says nothing about whether someone is working.
  if (activity === null) return keep;
  const isKept = facts.keepUntil !== null && now < facts.keepUntil;
  if (activity.busyReasons.length > 0) {
    const isEndless = autopauseMinutes > 0 && facts.busySince !== null && now - facts.busySince >= busyCapMs;
    if (!isEndless || isKept) return keep;
    const reasons = activity.busyReasons.join(', ');
    return { kind: 'pause', reason: `Paused after 24 hours of work without a break: ${reasons}.` };
  }
  if (facts.pausesWhenIdle) return { kind: 'pause', reason: 'Paused as you asked: what was running has ended.' };

  const idleSince = Math.max(activity.lastActivityAt, facts.startedAt);
  const after = (minutes: number): number | null =>
    minutes === 0 ? null : Math.max(idleSince + minutes * minuteMs, facts.keepUntil ?? 0);
  const pausesAt = after(autopauseMinutes);
  const sleepsFirst = facts.sleepMinutes > 0 && (autopauseMinutes === 0 || facts.sleepMinutes < autopauseMinutes);
  const sleepsAt = isAsleep || !sleepsFirst ? null : after(facts.sleepMinutes);
  const idleMinutes = Math.floor((now - idleSince) / minuteMs);
  const idle = `${String(idleMinutes)} ${idleMinutes === 1 ? 'minute' : 'minutes'} without activity`;
  if (pausesAt !== null && now >= pausesAt) {
    return { kind: 'pause', reason: `Paused after ${idle}. The disk and the boot disk are kept.` };
  }
  if (sleepsAt !== null && now >= sleepsAt) {
    return { kind: 'sleep', reason: `Asleep after ${idle}. Every variable is kept; it wakes when you run something.` };
  }
  return { kind: 'keep', sleepsAt, pausesAt };
}
