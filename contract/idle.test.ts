import { describe, expect, test } from 'vitest';
import { clockTime, idleNotice, keepRunningChoices, pausesVerySoon } from './idle.ts';

const now = Date.parse('2026-11-26T12:00:00Z');
const after = (seconds: number): string => new Date(now + seconds * 1000).toISOString();
const running = {
  status: 'Running' as const,
  sleepsAt: null,
  pausesAt: null,
  keepRunningUntil: null,
  pausesWhenIdle: false,
  busyReasons: [],
};

describe('what is said about sleep and pause', () => {
  test.each([
    ['nothing while it is far', { sleepsAt: after(900), pausesAt: after(2000) }, undefined],
    ['the nearer of both', { sleepsAt: after(200), pausesAt: after(500) }, 'Sleeps in 4 min'],
    ['by the second at last', { pausesAt: after(75) }, 'Pauses in 75 s'],
    ['now, when the time has come', { pausesAt: after(-1) }, 'Pauses now'],
    ['why it stays', { busyReasons: ['kernel python3 is busy'] }, 'Kept running: kernel python3 is busy'],
    ['that there are more reasons', { busyReasons: ['a', 'b', 'c'] }, 'Kept running: a and 2 more'],
    [
      'a pause when idle before all else',
      { pausesWhenIdle: true, sleepsAt: after(60), busyReasons: ['a'] },
      'Pauses when what runs now has ended',
    ],
    ['an asleep one pauses too', { status: 'Asleep' as const, pausesAt: after(300) }, 'Pauses in 5 min'],
    ['a paused one has nothing to say', { status: 'Stopped' as const, pausesAt: after(60) }, undefined],
  ])('%s', (_, facts, text) => {
    expect(idleNotice({ ...running, ...facts }, now)?.text).toBe(text);
  });

  test('calls attention to itself in its last two minutes', () => {
    expect(idleNotice({ ...running, sleepsAt: after(121) }, now)?.isUrgent).toBe(false);
    expect(idleNotice({ ...running, sleepsAt: after(119) }, now)?.isUrgent).toBe(true);
  });

  test('until when somebody keeps it running, and no longer', () => {
    expect(idleNotice({ ...running, keepRunningUntil: after(3600) }, now)?.kind).toBe('kept');
    expect(idleNotice({ ...running, keepRunningUntil: after(-1) }, now)).toBeUndefined();
  });
});

test('a pause is announced in its last two minutes', () => {
  expect(pausesVerySoon({ ...running, pausesAt: after(121) }, now)).toBeUndefined();
  expect(pausesVerySoon({ ...running, pausesAt: after(90) }, now)).toBe(90_000);
  expect(pausesVerySoon({ ...running, status: 'Stopped', pausesAt: after(90) }, now)).toBeUndefined();
});

test('a time on another day names the day', () => {
  const today = new Date(2026, 10, 26, 10).getTime();
  expect(clockTime(new Date(2026, 10, 26, 14, 5).toISOString(), today)).toBe('14:05');
  expect(clockTime(new Date(2026, 10, 27, 9).toISOString(), today)).toBe('tomorrow 09:00');
  expect(clockTime(new Date(2026, 11, 1, 9).toISOString(), today)).toBe('1 Dec, 09:00');
});

test('the last choice ends tomorrow at nine of the reader’s own clock', () => {
  const until = new Date(keepRunningChoices(now).at(-1)?.until ?? '');
  expect([until.getHours(), until.getMinutes()]).toEqual([9, 0]);
  expect(until.getTime()).toBeGreaterThan(now);
});
