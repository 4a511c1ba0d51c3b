import { retryDelayMs } from '../plumbing/reconciler/backoff.ts';

const shortestRestMs = 1_000;
const longestRestMs = 60_000;
const restShare = 20;

/**
 * How long a notebook is left alone after it was written to the disk: so long that writing it over and over while
 * somebody works in it takes a twentieth of the time at most. A small one follows within about a second.
 */
export function restAfterMs(tookMs: number): number {
  return Math.min(longestRestMs, Math.max(shortestRestMs, restShare * tookMs));
}

/** When each notebook may be looked at again. */
export interface Pace {
  /** Null: now. */
  dueAt(key: string): number | null;
  /** It could not be brought into step: later, and later still each time. */
  putOff(key: string, now: number): void;
  settle(key: string): void;
}

export function createPace(): Pace {
  const waiting = new Map<string, { dueAt: number; attempts: number }>();
  return {
    dueAt: (key) => waiting.get(key)?.dueAt ?? null,
    putOff(key, now) {
      const attempts = (waiting.get(key)?.attempts ?? -1) + 1;
      waiting.set(key, { dueAt: now + retryDelayMs(attempts), attempts });
    },
    settle: (key) => void waiting.delete(key),
  };
}
