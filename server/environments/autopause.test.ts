import { describe, expect, test } from 'vitest';
import { busyCapMs, decideAutopause, type AutopauseFacts } from './autopause.ts';

const minute = 60_000;
const start = 1_000_000_000_000;
const idle = { lastActivityAt: start, busyReasons: [] };
const busy = { lastActivityAt: start, busyReasons: ['kernel python3 is busy (a.ipynb)'] };

function facts(change: Partial<AutopauseFacts>): AutopauseFacts {
  return {
    now: start + 31 * minute,
    autopauseMinutes: 30,
    startedAt: start,
    activity: idle,
    busySince: null,
    ...change,
  };
}

describe('autopause', () => {
  test.each<[string, Partial<AutopauseFacts>, 'keep' | 'pause']>([
    ['idle past the limit pauses', {}, 'pause'],
    ['idle for exactly the limit pauses', { now: start + 30 * minute }, 'pause'],
    ['idle just under the limit keeps', { now: start + 30 * minute - 1 }, 'keep'],
    ['busy past the limit keeps', { activity: busy }, 'keep'],
    ['busy for almost a day keeps', { activity: busy, busySince: start + 31 * minute - busyCapMs + 1 }, 'keep'],
    ['busy for a day pauses', { activity: busy, busySince: start + 31 * minute - busyCapMs }, 'pause'],
    ['a check that failed keeps', { activity: null }, 'keep'],
    ['switched off keeps for ever', { autopauseMinutes: 0, now: start + 10_000 * minute }, 'keep'],
    ['activity counts from its moment', { activity: { lastActivityAt: start + 5 * minute, busyReasons: [] } }, 'keep'],
    ['an old activity does not pause what has just been resumed', { startedAt: start + 20 * minute }, 'keep'],
  ])('%s', (_, change, expected) => {
    expect(decideAutopause(facts(change)).kind).toBe(expected);
  });

  test('says when it will pause', () => {
    expect(decideAutopause(facts({ now: start }))).toEqual({ kind: 'keep', pausesAt: start + 30 * minute });
  });
});
