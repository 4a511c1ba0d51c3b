/** What is known of an environment when autopause looks at it. Times are epoch ms. */
export interface AutopauseFacts {
  readonly now: number;
  /** 0 turns autopause off. */
  readonly autopauseMinutes: number;
  readonly startedAt: number;
  /** Null when the agent could not be asked. */
  readonly activity: { readonly lastActivityAt: number; readonly busyReasons: readonly string[] } | null;
  /** Since when it has been busy without a pause between two looks, or null. */
  readonly busySince: number | null;
}

export type AutopauseDecision =
  { readonly kind: 'keep'; readonly pausesAt: number | null } | { readonly kind: 'pause'; readonly reason: string };

/** A kernel that is busy without end is stopped after a day, as in Terra. */
export const busyCapMs = 24 * 3_600_000;

/** Whether to pause now. When in doubt, never. */
export function decideAutopause(facts: AutopauseFacts): AutopauseDecision {
  if (facts.autopauseMinutes === 0) return { kind: 'keep', pausesAt: null };
  // A check that failed says nothing about whether someone is working.
  if (facts.activity === null) return { kind: 'keep', pausesAt: null };
  if (facts.activity.busyReasons.length > 0) {
    if (facts.busySince !== null && facts.now - facts.busySince >= busyCapMs) {
      return {
        kind: 'pause',
        reason: `Paused after 24 hours of work without a break: ${facts.activity.busyReasons.join(', ')}.`,
      };
    }
    return { kind: 'keep', pausesAt: null };
  }
  const idleSince = Math.max(facts.activity.lastActivityAt, facts.startedAt);
  const pausesAt = idleSince + facts.autopauseMinutes * 60_000;
  if (facts.now < pausesAt) return { kind: 'keep', pausesAt };
  const idleMinutes = Math.floor((facts.now - idleSince) / 60_000);
  return {
    kind: 'pause',
    reason: `Paused after ${String(idleMinutes)} ${idleMinutes === 1 ? 'minute' : 'minutes'} without activity. The disk and the boot disk are kept.`,
  };
}
