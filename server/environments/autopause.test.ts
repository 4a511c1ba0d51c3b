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
    sleepMinutes: 10,
    isAsleep: false,
    startedAt: start,
    activity: idle,
    busySince: null,
    keepUntil: null,
    pausesWhenIdle: false,
    ...change,
  };
}

describe('autopause', () => {
  test.each<[string, Partial<AutopauseFacts>, 'keep' | 'sleep' | 'pause']>([
    ['idle past the limit pauses', {}, 'pause'],
    ['idle for exactly the limit pauses', { now: start + 30 * minute }, 'pause'],
    ['idle just under the limit sleeps', { now: start + 30 * minute - 1 }, 'sleep'],
    ['idle past the limit of sleep sleeps', { now: start + 10 * minute }, 'sleep'],
    ['idle just under the limit of sleep keeps', { now: start + 10 * minute - 1 }, 'keep'],
    ['what sleeps already goes on sleeping', { now: start + 20 * minute, isAsleep: true }, 'keep'],
    ['what sleeps pauses at the limit', { isAsleep: true }, 'pause'],
    ['without sleep it keeps under the limit', { now: start + 20 * minute, sleepMinutes: 0 }, 'keep'],
    ['sleep that comes after the pause never comes', { now: start + 29 * minute, sleepMinutes: 40 }, 'keep'],
    ['kept until later keeps', { keepUntil: start + 60 * minute }, 'keep'],
    ['kept until a moment that is over pauses', { keepUntil: start + 31 * minute }, 'pause'],
    [
      'busy for a day but kept until later keeps',
      { activity: busy, busySince: start - busyCapMs, keepUntil: start + 60 * minute },
      'keep',
    ],
    ['asked to pause when idle it pauses at once', { now: start + 1, pausesWhenIdle: true }, 'pause'],
    ['asked to pause when idle but busy it keeps', { pausesWhenIdle: true, activity: busy }, 'keep'],
    ['asked to pause when idle, a failed check keeps', { pausesWhenIdle: true, activity: null }, 'keep'],
    ['busy past the limit keeps', { activity: busy }, 'keep'],
    ['busy for almost a day keeps', { activity: busy, busySince: start + 31 * minute - busyCapMs + 1 }, 'keep'],
    ['busy for a day pauses', { activity: busy, busySince: start + 31 * minute - busyCapMs }, 'pause'],
    ['a check that failed keeps', { activity: null }, 'keep'],
    ['switched off it sleeps and never pauses', { autopauseMinutes: 0, now: start + 10_000 * minute }, 'sleep'],
    [
      'both switched off keeps for ever',
      { autopauseMinutes: 0, sleepMinutes: 0, now: start + 10_000 * minute },
      'keep',
    ],
    ['activity counts from its moment', { activity: { lastActivityAt: start + 25 * minute, busyReasons: [] } }, 'keep'],
    ['an old activity does not pause what has just been resumed', { startedAt: start + 25 * minute }, 'keep'],
  ])('%s', (_, change, expected) => {
    expect(decideAutopause(facts(change)).kind).toBe(expected);
  });

  test('says when it will sleep and pause', () => {
    expect(decideAutopause(facts({ now: start }))).toEqual({
      kind: 'keep',
      sleepsAt: start + 10 * minute,
      pausesAt: start + 30 * minute,
    });
    const keepUntil = start + 60 * minute;
    expect(decideAutopause(facts({ keepUntil }))).toEqual({ kind: 'keep', sleepsAt: keepUntil, pausesAt: keepUntil });
  });
});
