import { describe, expect, test } from 'vitest';
import type { MachineFact } from './compute-driver.ts';
import { planEnvironment, type EnvironmentFacts } from './plan.ts';

const ready = { status: 'Ready', reason: null } as const;
const absent: MachineFact = { id: 'e', state: 'absent' };
const stopped = { id: 'e', state: 'stopped' as const, createdAt: new Date(0), endedAt: null, exit: null };
const running: MachineFact = { id: 'e', state: 'running', createdAt: new Date(0), startedAt: new Date(0) };

function facts(change: Partial<EnvironmentFacts>): EnvironmentFacts {
  return { disk: ready, machine: absent, isAgentReady: false, ...change };
}

describe('plan of an environment that should run', () => {
  const intent = { desired: 'running', status: 'Creating' } as const;
  test('waits for its disk', () => {
    expect(planEnvironment(intent, facts({ disk: { status: 'Creating', reason: null } }))).toEqual({
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
    const decision = planEnvironment(intent, facts({ disk: { status: 'Failed', reason: 'No room.' } }));
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
