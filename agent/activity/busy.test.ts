import { expect, test } from 'vitest';
import { busyReasons, type ActivityFacts } from './busy.ts';
import { parseStat, type ProcessFacts } from './processes.ts';

const proc = (pid: number, parent: number, more: Partial<ProcessFacts> = {}): ProcessFacts => ({
  pid,
  parent,
  command: `p${String(pid)}`,
  state: 'S',
  group: pid,
  session: pid,
  foregroundGroup: -1,
  ticks: 100,
  startedAtTicks: 1,
  ownBytes: 0,
  ...more,
});
const kernel = { name: 'python3', label: 'notebooks/a.ipynb', pid: 10, isBusy: false };
const idle: ActivityFacts = {
  kernels: [],
  unclaimed: [],
  startup: null,
  shells: [],
  before: [],
  now: [],
  elapsedMs: 10_000,
};
/** One process that used so many ticks in the ten seconds. */
const used = (ticks: number, one: ProcessFacts): Pick<ActivityFacts, 'before' | 'now'> => ({
  before: [one],
  now: [{ ...one, ticks: one.ticks + ticks }],
});

test.each<[string, Partial<ActivityFacts>, string[]]>([
  ['nothing at all', {}, []],
  ['an idle kernel', { kernels: [kernel], ...used(5, proc(10, 1)) }, []],
  ['a busy kernel', { kernels: [{ ...kernel, isBusy: true }] }, ['kernel python3 is busy (notebooks/a.ipynb)']],
  [
    'a busy kernel without a notebook',
    { kernels: [{ ...kernel, label: null, isBusy: true }] },
    ['kernel python3 is busy'],
  ],
  [
    'a thread at work in an idle kernel',
    { kernels: [kernel], ...used(500, proc(10, 1)) },
    ['kernel python3 (notebooks/a.ipynb) works in the background'],
  ],
  ['a kernel that warms up', { unclaimed: [10], ...used(900, proc(10, 1)) }, []],
  [
    'a shell at its prompt',
    { shells: [{ name: '1', pid: 20 }], ...used(50, proc(20, 1, { foregroundGroup: 20 })) },
    [],
  ],
  [
    'a shell that runs something, even asleep',
    { shells: [{ name: '1', pid: 20 }], now: [proc(20, 1), proc(21, 20, { command: 'sleep', foregroundGroup: 21 })] },
    ['terminal 1 runs sleep'],
  ],
  [
    'a kernel child at work',
    { kernels: [kernel], before: [proc(10, 1), proc(11, 10)], now: [proc(10, 1), proc(11, 10, { ticks: 400 })] },
    ['process p11 (11) is at work, started by kernel python3 (notebooks/a.ipynb)'],
  ],
  [
    'a kernel child asleep',
    { kernels: [kernel], before: [proc(10, 1), proc(11, 10)], now: [proc(10, 1), proc(11, 10)] },
    [],
  ],
  ['a nohup job at work', used(300, proc(30, 1)), ['process p30 (30) is at work']],
  ['a daemon that only looks at its clock', used(5, proc(30, 1)), []],
  ['a job that began since', { now: [proc(31, 1, { ticks: 200 })] }, ['process p31 (31) is at work']],
  [
    'a new process under an old number',
    { before: [proc(31, 1, { startedAtTicks: 0, ticks: 900 })], now: [proc(31, 1, { ticks: 0 })] },
    [],
  ],
  ['two looks at once', { ...used(300, proc(30, 1)), elapsedMs: 0 }, []],
])('%s', (_, facts, reasons) => {
  expect(busyReasons({ ...idle, ...facts })).toEqual(reasons);
});

test('a command with spaces and parentheses is read from /proc', () => {
  const text = `7 (a) b (c)) S 3 7 7 34816 9 4194304 1 2 3 4 50 6 7 8 20 0 1 0 12345 1 2`;
  expect(parseStat(text)).toMatchObject({
    pid: 7,
    command: 'a) b (c)',
    state: 'S',
    parent: 3,
    group: 7,
    foregroundGroup: 9,
    ticks: 71,
    startedAtTicks: 12345,
  });
  expect(parseStat('')).toBeNull();
});
