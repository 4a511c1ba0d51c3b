import { expect, test } from 'vitest';
import { busyReasons, type ActivityFacts, type MeasuredProcess } from './busy.ts';
import type { ProcessDetails } from './process-details.ts';
import { parseStat } from './processes.ts';

const proc = (pid: number, parent: number, more: Partial<MeasuredProcess> = {}): MeasuredProcess => ({
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
  ioBytes: 0,
  ...more,
});
const kernel = { name: 'python3', label: 'notebooks/a.ipynb', pid: 10, isBusy: false };
const plain: ProcessDetails = { args: ['program'], isListening: false, input: null, outputs: [] };
/** What processes are called and have open; all others are plain programs. */
const described = (known: Record<number, Partial<ProcessDetails>>): Pick<ActivityFacts, 'details'> => ({
  details: (pid) => ({ ...plain, ...known[pid] }),
});
const listening = described({ 10: { args: ['kernel'] }, 30: { isListening: true } });
const idle: ActivityFacts = {
  kernels: [],
  unclaimed: [],
  startup: null,
  ofStartup: new Set(),
  shells: [],
  before: [],
  now: [],
  elapsedMs: 10_000,
  ...described({ 10: { args: ['kernel'] } }),
};
/** One process that used so many ticks in the ten seconds. */
const used = (ticks: number, one: MeasuredProcess): Pick<ActivityFacts, 'before' | 'now'> => ({
  before: [one],
  now: [{ ...one, ticks: one.ticks + ticks }],
});
/** Processes that did nothing. */
const silent = (...all: MeasuredProcess[]): Pick<ActivityFacts, 'before' | 'now'> => ({ before: all, now: all });

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
    'a program that a kernel has started and left, asleep',
    { kernels: [kernel], ...silent(proc(10, 1), proc(11, 10)) },
    ['process p11 (11) runs in the background, started by kernel python3 (notebooks/a.ipynb)'],
  ],
  [
    'workers of a kernel that wait: forked ones, and such as their arguments tell',
    {
      kernels: [kernel],
      ...silent(proc(10, 1), proc(11, 10), proc(12, 10), proc(13, 10), proc(14, 10)),
      ...described({
        10: { args: ['kernel'] },
        11: { args: ['kernel'] },
        12: { args: ['python', '-c', 'from multiprocessing.resource_tracker import main;main(31)'] },
        13: { args: ['python', '-m', 'joblib.externals.loky.backend.popen_loky_posix'] },
        14: { args: ['R', '-e', 'tryCatch(parallel:::.workRSOCK,error=function(e)parallel:::.slaveRSOCK)()'] },
      }),
    },
    [],
  ],
  ['a nohup job at work', used(300, proc(30, 1)), ['process p30 (30) is at work']],
  ['a nohup job that waits', silent(proc(30, 1)), ['process p30 (30) runs in the background']],
  ['one that was stopped', silent(proc(30, 1, { state: 'T' })), []],
  ['a server that only looks at its clock', { ...used(5, proc(30, 1)), ...listening }, []],
  ['a server that answers', { ...used(50, proc(30, 1)), ...listening }, ['process p30 (30) is at work']],
  [
    'a server that moves data and takes hardly a processor',
    { ...listening, before: [proc(30, 1)], now: [proc(30, 1, { ioBytes: 1e8 })] },
    ['process p30 (30) is at work'],
  ],
  [
    'the parent and the workers of a server, and what its output is piped to',
    {
      ...silent(
        proc(29, 1, { session: 29 }),
        proc(30, 29, { session: 29 }),
        proc(31, 30, { session: 29 }),
        proc(32, 1, { session: 29 }),
      ),
      ...described({ 30: { isListening: true, outputs: ['pipe:[1]'] }, 32: { input: 'pipe:[1]' } }),
    },
    [],
  ],
  [
    'a job in a terminal that a server keeps',
    {
      ...silent(proc(30, 1), proc(31, 30), proc(32, 31, { session: 31, group: 32 })),
      ...described({ 30: { isListening: true, args: ['tmux'] }, 31: { args: ['-bash'] } }),
    },
    ['process p32 (32) runs in the background'],
  ],
  [
    'a job in a script that has started a server too',
    {
      ...silent(proc(29, 1, { session: 29 }), proc(30, 29, { session: 29 }), proc(31, 29, { session: 29 })),
      ...listening,
    },
    ['process p31 (31) runs in the background'],
  ],
  [
    'a server in front of a terminal',
    { shells: [{ name: '1', pid: 20 }], ...silent(proc(20, 1), proc(30, 20, { foregroundGroup: 30 })), ...listening },
    [],
  ],
  [
    'a shell in a shell, at its prompt',
    {
      shells: [{ name: '1', pid: 20 }],
      ...silent(proc(20, 1), proc(21, 20, { foregroundGroup: 21 })),
      ...described({ 21: { args: ['/usr/bin/zsh', '-i'] } }),
    },
    [],
  ],
  [
    'a shell that runs a script',
    {
      shells: [{ name: '1', pid: 20 }],
      ...silent(proc(20, 1), proc(21, 20, { foregroundGroup: 21, command: 'bash' })),
      ...described({ 21: { args: ['bash', 'long.sh'] } }),
    },
    ['terminal 1 runs bash'],
  ],
  [
    'a job behind the prompt',
    {
      shells: [{ name: '1', pid: 20 }],
      ...silent(proc(20, 1, { foregroundGroup: 20 }), proc(21, 20, { foregroundGroup: 20 })),
    },
    ['terminal 1 runs p21 in the background'],
  ],
  [
    'the startup script and what it has started',
    { startup: 40, ofStartup: new Set([40, 41]), ...silent(proc(40, 1), proc(41, 40)) },
    ['startup script'],
  ],
  ['what the startup script has left', { ofStartup: new Set([41]), ...silent(proc(41, 1)) }, []],
  ['a job that began since', { now: [proc(31, 1, { ticks: 200 })] }, ['process p31 (31) is at work']],
  [
    'a new process under an old number',
    { before: [proc(30, 1, { startedAtTicks: 0, ticks: 900 })], now: [proc(30, 1, { ticks: 0 })], ...listening },
    [],
  ],
  ['two looks at once', { ...used(300, proc(30, 1)), ...listening, elapsedMs: 0 }, []],
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
