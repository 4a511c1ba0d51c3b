import type { DiskStatus, EnvironmentStatus } from '@terrarium/contract';
import type { MachineFact } from './compute-driver.ts';

export type Desired = 'running' | 'stopped' | 'deleted';

/** Steps that change the world, in the words of the timeline. */
export type EnvironmentStep = 'create-machine' | 'start-machine' | 'await-agent' | 'stop-machine' | 'delete-machine';

export const stepTitles: Record<EnvironmentStep | 'await-disk', string> = {
  'await-disk': 'Prepare the persistent disk',
  'create-machine': 'Make the boot disk',
  'start-machine': 'Start the machine',
  'await-agent': 'Wait for the notebook service',
  'stop-machine': 'End kernels and processes',
  'delete-machine': 'Delete the machine and its boot disk',
};

export interface EnvironmentFacts {
  readonly disk: { readonly status: DiskStatus; readonly reason: string | null } | null;
  readonly machine: MachineFact;
  readonly isAgentReady: boolean;
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
  switch (intent.desired) {
    case 'deleted':
      // Deleting ends every process first, and succeeds for what is not there.
      return facts.machine.state === 'absent'
        ? { kind: 'settle', status: 'Deleted', reason: null }
        : { kind: 'step', step: 'delete-machine' };
    case 'stopped':
      return isAlive(facts.machine)
        ? { kind: 'step', step: 'stop-machine' }
        : { kind: 'settle', status: 'Stopped', reason: null };
    case 'running':
      return planRunning(intent.status, facts);
  }
}

function planRunning(status: EnvironmentStatus, facts: EnvironmentFacts): EnvironmentDecision {
  const { disk, machine } = facts;
  if (isAlive(machine)) {
    return facts.isAgentReady
      ? { kind: 'settle', status: 'Running', reason: null }
      : { kind: 'step', step: 'await-agent' };
  }
  // It ran and ended by itself: its kernels are gone, and starting it anew unasked would only cost money.
  if (status === 'Running') {
    const why = machine.state === 'stopped' && machine.exit !== null ? machine.exit : 'Its processes ended.';
    return {
      kind: 'settle',
      status: 'Stopped',
      desired: 'stopped',
      reason: `${why} Its disk is intact. Start it again when you need it.`,
    };
  }
  if (disk === null || disk.status === 'Deleted' || disk.status === 'Deleting') {
    return {
      kind: 'settle',
      status: 'Error',
      reason: 'Its persistent disk is gone. Delete this environment and create another.',
    };
  }
  if (disk.status === 'Failed') {
    return {
      kind: 'settle',
      status: 'Error',
      reason: `Its persistent disk could not be prepared: ${disk.reason ?? 'no reason was given'}`,
    };
  }
  if (disk.status === 'Creating') return { kind: 'await-disk' };
  return { kind: 'step', step: machine.state === 'absent' ? 'create-machine' : 'start-machine' };
}

function isAlive({ state }: MachineFact): boolean {
  return state === 'running' || state === 'asleep';
}
