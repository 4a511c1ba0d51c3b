import { hasProcesses, type DiskStatus, type EnvironmentStatus } from '@terrarium/contract';
import type { MachineFact } from './compute-driver.ts';
import type { Differences } from './spec.ts';

export type Desired = 'running' | 'asleep' | 'stopped' | 'deleted';

/** Steps that change the world, in the words of the timeline. */
export type EnvironmentStep =
  | 'create-machine'
  | 'start-machine'
  | 'wake-machine'
  | 'await-agent'
  | 'apply-limits'
  | 'apply-variables'
  | 'run-script'
  | 'sleep-machine'
  | 'stop-machine'
  | 'rebuild-machine'
  | 'delete-machine';

export const stepTitles: Record<EnvironmentStep | 'await-disk', string> = {
  'await-disk': 'Prepare the persistent disk',
  'create-machine': 'Make the boot disk',
  'start-machine': 'Start the machine',
  'wake-machine': 'Wake the processes',
  'await-agent': 'Wait for the notebook service',
  'apply-limits': 'Change CPUs and memory',
  'apply-variables': 'Set environment variables',
  'run-script': 'Run the startup script',
  'sleep-machine': 'Freeze the processes',
  'stop-machine': 'End kernels and processes',
  'rebuild-machine': 'Remove the old boot disk',
  'delete-machine': 'Delete the machine and its boot disk',
};

export interface EnvironmentFacts {
  /** `isGrowing`: it has not yet the size that was asked for. */
  readonly disk: { readonly status: DiskStatus; readonly reason: string | null; readonly isGrowing: boolean } | null;
  readonly machine: MachineFact;
  readonly isAgentReady: boolean;
  readonly differences: Differences;
  /** Whether the startup script has yet to be run since this start. */
  readonly isScriptDue: boolean;
}

export type EnvironmentDecision =
  | { readonly kind: 'step'; readonly step: EnvironmentStep }
  | { readonly kind: 'await-disk' }
  | {
      readonly kind: 'settle';
      readonly status: EnvironmentStatus;
      readonly reason: string | null;
      readonly desired?: Desired;
    };

/**
 * What to do next for an environment: from what is wanted, what was last said, and what is there. Pure; the same facts
 * give the same decision, so a crash at any point resumes here.
 */
export function planEnvironment(
  intent: { readonly desired: Desired; readonly status: EnvironmentStatus },
  facts: EnvironmentFacts,
): EnvironmentDecision {
  const { machine, differences } = facts;
  switch (intent.desired) {
    case 'deleted':
      // Deleting ends every process first, and succeeds for what is not there.
      return machine.state === 'absent' ? settle('Deleted') : step('delete-machine');
    case 'stopped':
      if (isAlive(machine)) return step('stop-machine');
      return machine.state === 'stopped' && differences.rebuild ? step('rebuild-machine') : settle('Stopped');
    case 'asleep':
      if (machine.state === 'running') return step('sleep-machine');
      return machine.state === 'asleep' ? settle('Asleep') : endedByItself(machine);
    case 'running':
      return isAlive(machine) ? planAlive(intent.status, facts) : planStart(intent.status, facts);
  }
}

function planAlive(
  status: EnvironmentStatus,
  { disk, machine, isAgentReady, differences, isScriptDue }: EnvironmentFacts,
): EnvironmentDecision {
  const { rebuild, restart, limits, variables } = differences;
  // Only an update that was said to end kernels ends them.
  const needsRestart = rebuild || restart || limits || disk?.isGrowing === true;
  if (status === 'Updating' && needsRestart) return step('stop-machine');
  if (machine.state === 'asleep') return step('wake-machine');
  if (!isAgentReady) return step('await-agent');
  if (limits) return step('apply-limits');
  if (variables) return step('apply-variables');
  return isScriptDue ? step('run-script') : settle('Running');
}

function planStart(status: EnvironmentStatus, { disk, machine, differences }: EnvironmentFacts): EnvironmentDecision {
  // It ran and ended by itself: its kernels are gone, and starting it anew unasked would only cost money.
  if (hasProcesses(status)) return endedByItself(machine);
  if (machine.state === 'stopped' && differences.rebuild) return step('rebuild-machine');
  if (disk === null || disk.status === 'Deleted' || disk.status === 'Deleting') {
    return settle('Error', 'Its persistent disk is gone. Delete this environment and create another.');
  }
  if (disk.status === 'Failed') {
    return settle('Error', `Its persistent disk could not be prepared: ${disk.reason ?? 'no reason was given'}`);
  }
  if (disk.status === 'Creating' || disk.isGrowing) return { kind: 'await-disk' };
  return step(machine.state === 'absent' ? 'create-machine' : 'start-machine');
}

function endedByItself(machine: MachineFact): EnvironmentDecision {
  const why = machine.state === 'stopped' && machine.exit !== null ? machine.exit : 'Its processes ended.';
  const reason = `${why} Its disk is intact. Start it again when you need it.`;
  return { kind: 'settle', status: 'Stopped', desired: 'stopped', reason };
}

export function isAlive(machine: MachineFact): boolean {
  return machine.state === 'running' || machine.state === 'asleep';
}

function step(name: EnvironmentStep): EnvironmentDecision {
  return { kind: 'step', step: name };
}

function settle(status: EnvironmentStatus, reason: string | null = null): EnvironmentDecision {
  return { kind: 'settle', status, reason };
}
