/** Where time comes from. Only this file reads the machine's clock; tests give their own. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

export function isoMoment(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

export function isoMomentOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : isoMoment(epochMs);
}
