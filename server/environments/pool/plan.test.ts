import { expect, test } from 'vitest';
import type { DiskFact } from '../../disks/disk-driver.ts';
import type { MachineFact } from '../compute-driver.ts';
import { planPool, planPrepared, type PreparedState } from './plan.ts';

const at = new Date(0);
const machines = {
  absent: { id: 'm', state: 'absent' },
  stopped: { id: 'm', state: 'stopped', createdAt: at, endedAt: null, exit: null },
  running: { id: 'm', state: 'running', createdAt: at, startedAt: at },
  asleep: { id: 'm', state: 'asleep', createdAt: at, startedAt: at, asleepSince: at },
} as const satisfies Record<string, MachineFact>;
const disks = {
  absent: { id: 'd', state: 'absent' },
  ready: { id: 'd', state: 'ready', sizeBytes: 1, usedBytes: 0 },
} as const satisfies Record<string, DiskFact>;

test.each<[PreparedState, keyof typeof disks, keyof typeof machines, string, string]>([
  ['making', 'absent', 'absent', '', 'create-disk'],
  ['making', 'ready', 'absent', '', 'create-machine'],
  ['making', 'ready', 'stopped', '', 'start-machine'],
  ['making', 'ready', 'running', '', 'await-kernel'],
  ['making', 'ready', 'running', 'warm', 'sleep-machine'],
  ['making', 'ready', 'running', 'warm, cannot sleep', 'ready'],
  ['making', 'ready', 'asleep', '', 'ready'],
  ['ready', 'ready', 'asleep', '', 'ready'],
  ['ready', 'ready', 'running', 'cannot sleep', 'ready'],
  ['ready', 'ready', 'stopped', '', 'lost'],
  ['ready', 'ready', 'absent', '', 'lost'],
  ['ready', 'absent', 'asleep', '', 'lost'],
  ['removing', 'ready', 'asleep', '', 'delete-machine'],
  ['removing', 'ready', 'absent', '', 'delete-disk'],
  ['removing', 'absent', 'absent', '', 'forget'],
])('%s with a disk %s and a machine %s %s: %s', (state, disk, machine, more, expected) => {
  const facts = { disk: disks[disk], machine: machines[machine], isWarm: more.includes('warm') };
  const decision = planPrepared(state, { ...facts, canSleep: !more.includes('cannot') });
  expect(decision.kind === 'step' ? decision.step : decision.kind).toBe(expected);
});

const row = (id: string, state: PreparedState, spec = 'now') => ({ id, state, spec });

test.each([
  ['nothing is there', [], 2, [], true],
  ['one is being made', [row('a', 'making')], 2, [], false],
  ['one is ready', [row('a', 'ready')], 2, [], true],
  ['one that is going does not count', [row('a', 'removing')], 1, [], true],
  ['enough are ready', [row('a', 'ready'), row('b', 'ready')], 2, [], false],
  ['fewer are wanted', [row('a', 'making'), row('b', 'ready')], 1, ['a'], false],
  ['none is wanted', [row('a', 'making'), row('b', 'ready')], 0, ['a', 'b'], false],
  ['the shape has changed', [row('a', 'making', 'before'), row('b', 'ready')], 2, ['a'], true],
])('where %s', (_, rows, size, remove, isOneMissing) => {
  expect(planPool(rows, { size, spec: 'now' })).toEqual({ remove, isOneMissing });
});
