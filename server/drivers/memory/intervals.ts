import type { Clock } from '../../plumbing/clock.ts';

export interface Interval {
  /** 'machine' spans all that a machine exists; 'machine running' only what it is awake of it, 'machine asleep' the rest of a run. */
  readonly what: 'machine' | 'machine running' | 'machine asleep' | 'disk';
  readonly id: string;
  /** Epoch ms. */
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
}

export type IntervalRecord = ReturnType<typeof createIntervalRecord>;

/** Exactly when each thing was there: what a bill has to agree with. */
export function createIntervalRecord(clock: Clock) {
  const intervals: { what: Interval['what']; id: string; from: number; to: number | null }[] = [];
  return {
    open(what: Interval['what'], id: string): void {
      intervals.push({ what, id, from: clock.now(), to: null });
    },
    close(what: Interval['what'], id: string): void {
      const interval = intervals.find((one) => one.what === what && one.id === id && one.to === null);
      if (interval !== undefined) interval.to = clock.now();
    },
    all: (): readonly Interval[] => intervals.map((interval) => ({ ...interval })),
  };
}
