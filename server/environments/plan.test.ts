import { describe, expect, test } from 'vitest';
import type { MachineFact } from './compute-driver.ts';
import { planEnvironment, type EnvironmentFacts, type EnvironmentStep } from './plan.ts';

const ready = { status: 'Ready', reason: null, isGrowing: false } as const;
const absent: MachineFact = { id: 'e', state: 'absent' };
const stopped = { id: 'e', state: 'stopped' as const, createdAt: new Date(0), endedAt: null, exit: null };
const running: MachineFact = { id: 'e', state: 'running', createdAt: new Date(0), startedAt: new Date(0) };

const asleep: MachineFact = {
  id: 'e',
  state: 'asleep',
  createdAt: new Date(0),
  startedAt: new Date(0),
  asleepSince: new Date(1),
};
const same = { rebuild: false, restart: false, limits: false, variables: false };

function facts(change: Partial<EnvironmentFacts>): EnvironmentFacts {
  return { disk: ready, machine: absent, isAgentReady: false, differences: same, isScriptDue: false, ...change };
}

const step = (name: EnvironmentStep) => ({ kind: 'step', step: name });

describe('plan of an environment that should run', () => {
  const intent = { desired: 'running', status: 'Creating' } as const;
  test('waits for its disk', () => {
    expect(planEnvironment(intent, facts({ disk: { ...ready, status: 'Creating' } }))).toEqual({
      kind: 'await-disk',
    });
  });
  test('makes the machine, starts it, waits for the agent, and is Running', () => {
    expect(planEnvironment(intent, facts({}))).toEqual({ kind: 'step', step: 'create-machine' });
    expect(planEnvironment(intent, facts({ machine: stopped }))).toEqual({ kind: 'step', step: 'start-machine' });
    expect(planEnvironment(intent, facts({ machine: running }))).toEqual({ kind: 'step', step: 'await-agent' });
    expect(planEnvironment(intent, facts({ machine: running, isAgentReady: true }))).toEqual({
      kind: 'settle',
      status: 'Running',
      reason: null,
    });
  });
  test('ends in Error with the reason of a failed disk', () => {
    const decision = planEnvironment(intent, facts({ disk: { ...ready, status: 'Failed', reason: 'No room.' } }));
    expect(decision).toMatchObject({ kind: 'settle', status: 'Error' });
  });
  test('that ran and ended by itself is paused, not started anew', () => {
    const decision = planEnvironment(
      { desired: 'running', status: 'Running' },
      facts({ machine: { ...stopped, exit: 'The host restarted.' } }),
    );
    expect(decision).toMatchObject({ kind: 'settle', status: 'Stopped', desired: 'stopped' });
  });
});

describe('plan of an environment that should be paused or gone', () => {
  test('ends its processes, then is Stopped', () => {
    const intent = { desired: 'stopped', status: 'Stopping' } as const;
    expect(planEnvironment(intent, facts({ machine: running }))).toEqual({ kind: 'step', step: 'stop-machine' });
    expect(planEnvironment(intent, facts({ machine: stopped }))).toMatchObject({ kind: 'settle', status: 'Stopped' });
    expect(planEnvironment(intent, facts({}))).toMatchObject({ kind: 'settle', status: 'Stopped' });
  });
  test('is deleted whatever state it is in', () => {
    const intent = { desired: 'deleted', status: 'Deleting' } as const;
    expect(planEnvironment(intent, facts({ machine: running }))).toEqual({ kind: 'step', step: 'delete-machine' });
    expect(planEnvironment(intent, facts({ machine: stopped }))).toEqual({ kind: 'step', step: 'delete-machine' });
    expect(planEnvironment(intent, facts({ disk: null }))).toMatchObject({ kind: 'settle', status: 'Deleted' });
  });
});

describe('plan of an environment whose configuration has changed', () => {
  const alive = { machine: running, isAgentReady: true };
  const updating = { desired: 'running', status: 'Updating' } as const;
  const ran = { desired: 'running', status: 'Running' } as const;

  test('gives what runs its new limits and variables, and runs the script that is due', () => {
    expect(planEnvironment(ran, facts({ ...alive, differences: { ...same, limits: true } }))).toEqual(
      step('apply-limits'),
    );
    expect(planEnvironment(ran, facts({ ...alive, differences: { ...same, variables: true } }))).toEqual(
      step('apply-variables'),
    );
    expect(planEnvironment(ran, facts({ ...alive, isScriptDue: true }))).toEqual(step('run-script'));
  });
  test('ends kernels for an update that was said to end them, and for nothing else', () => {
    for (const difference of ['rebuild', 'restart', 'limits'] as const) {
      const changed = facts({ ...alive, differences: { ...same, [difference]: true } });
      expect(planEnvironment(updating, changed)).toEqual(step('stop-machine'));
      expect(planEnvironment(ran, changed)).not.toEqual(step('stop-machine'));
    }
    const growing = facts({ ...alive, disk: { ...ready, isGrowing: true } });
    expect(planEnvironment(updating, growing)).toEqual(step('stop-machine'));
  });
  test('makes the boot disk anew for a rebuild, running or paused', () => {
    const differences = { ...same, rebuild: true };
    const stopping = { desired: 'stopped', status: 'Updating' } as const;
    expect(planEnvironment(updating, facts({ machine: stopped, differences }))).toEqual(step('rebuild-machine'));
    expect(planEnvironment(updating, facts({ differences }))).toEqual(step('create-machine'));
    expect(planEnvironment(stopping, facts({ machine: stopped, differences }))).toEqual(step('rebuild-machine'));
    expect(planEnvironment(stopping, facts({ differences }))).toMatchObject({ kind: 'settle', status: 'Stopped' });
  });
  test('waits before a start until the disk has grown', () => {
    const growing = facts({ machine: stopped, disk: { ...ready, isGrowing: true } });
    expect(planEnvironment(updating, growing)).toEqual({ kind: 'await-disk' });
  });
});

describe('plan of an environment that should sleep', () => {
  const intent = { desired: 'asleep', status: 'Running' } as const;
  test('freezes it, then is Asleep', () => {
    expect(planEnvironment(intent, facts({ machine: running }))).toEqual(step('sleep-machine'));
    expect(planEnvironment(intent, facts({ machine: asleep }))).toMatchObject({ kind: 'settle', status: 'Asleep' });
  });
  test('wakes it when it should run, and ends it when it should be paused', () => {
    expect(planEnvironment({ desired: 'running', status: 'Starting' }, facts({ machine: asleep }))).toEqual(
      step('wake-machine'),
    );
    expect(planEnvironment({ desired: 'stopped', status: 'Stopping' }, facts({ machine: asleep }))).toEqual(
      step('stop-machine'),
    );
  });
  test('that ended in its sleep is paused, not started anew', () => {
    expect(planEnvironment(intent, facts({ machine: stopped }))).toMatchObject({
      kind: 'settle',
      status: 'Stopped',
      desired: 'stopped',
    });
  });
});
