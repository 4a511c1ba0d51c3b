import { environmentStatuses, type EnvironmentStatus } from '@terrarium/contract';
import type { OperationKind } from './timeline/store.ts';
import type { EnvironmentChange } from './store.ts';

/** Something asked of an environment: what to write in its row, and the operation that begins with it. */
export interface Wish {
  readonly change: EnvironmentChange;
  readonly operation: {
    readonly kind: OperationKind;
    readonly reason: string | null;
    readonly deadlineAt: number | null;
  };
}

/** An environment that does not fall asleep within this time stays awake. */
const sleepWithinMs = 30_000;
const applyWithinMs = 60_000;

/** Pause, asked for by a person or by autopause. */
export function wishToStop(now: number, reason: string | null): Wish {
  return wish('stop', 'Stopping', now, { desired: 'stopped', reason, pauses_when_idle: 0, keep_until: null });
}

export function wishToStart(now: number): Wish {
  return wish('start', 'Starting', now, { desired: 'running', reason: null, last_activity_at: now });
}

/** From sleep: the same as a start, but nothing has to be started where nothing ended meanwhile. */
export function wishToWake(now: number, reason: string | null): Wish {
  const change: EnvironmentChange = { desired: 'running', reason: null, last_activity_at: now };
  return wish('wake', 'Starting', now, change, reason);
}

/** It goes on running until its processes are frozen: its status changes when they are. */
export function wishToSleep(now: number, reason: string | null): Wish {
  const deadlineAt = now + sleepWithinMs;
  return {
    change: { desired: 'asleep', reason, pauses_when_idle: 0, run_at: now, attempts: 0, deadline_at: deadlineAt },
    operation: { kind: 'sleep', reason, deadlineAt },
  };
}

export function wishToDelete(now: number, deleteDisk: boolean, reason: string | null): Wish {
  return wish('delete', 'Deleting', now, { desired: 'deleted', reason, delete_disk: deleteDisk ? 1 : 0 });
}

/** A changed configuration that takes a restart or a rebuild; nothing runs afterwards that did not run before. */
export function wishToUpdate(now: number, isAlive: boolean, change: EnvironmentChange, reason: string): Wish {
  const desired = isAlive ? 'running' : 'stopped';
  return wish('update', 'Updating', now, { ...change, desired, reason: null }, reason);
}

/** A changed configuration that takes effect on what runs. */
export function wishToApply(now: number, change: EnvironmentChange, reason: string): Wish {
  const deadlineAt = now + applyWithinMs;
  return {
    change: { ...change, run_at: now, attempts: 0, deadline_at: deadlineAt },
    operation: { kind: 'update', reason, deadlineAt },
  };
}

export function wishToCreate(now: number): Wish['operation'] {
  return { kind: 'create', reason: null, deadlineAt: now + deadlineMs('Creating') };
}

export function deadlineMs(status: EnvironmentStatus): number {
  return (environmentStatuses[status].deadlineMinutes ?? 5) * 60_000;
}

function wish(
  kind: OperationKind,
  status: EnvironmentStatus,
  now: number,
  change: EnvironmentChange,
  reason: string | null = change.reason ?? null,
): Wish {
  const deadlineAt = now + deadlineMs(status);
  return {
    change: { ...change, status, run_at: now, attempts: 0, deadline_at: deadlineAt },
    operation: { kind, reason, deadlineAt },
  };
}
