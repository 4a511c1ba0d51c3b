import type { EnvironmentChange } from './store.ts';

const minute = 60_000;

/** How long each transition may take before it ends in Error with its reason. */
export const deadlinesMs = {
  Creating: 15 * minute,
  Starting: 5 * minute,
  Stopping: 5 * minute,
  Deleting: 10 * minute,
} as const;

/** Pause, asked for by a person or by autopause. */
export function wishToStop(now: number, reason: string | null): EnvironmentChange {
  return { desired: 'stopped', status: 'Stopping', reason, ...dueFrom(now, deadlinesMs.Stopping) };
}

export function wishToStart(now: number): EnvironmentChange {
  return {
    desired: 'running',
    status: 'Starting',
    reason: null,
    last_activity_at: now,
    ...dueFrom(now, deadlinesMs.Starting),
  };
}

export function wishToDelete(now: number, deleteDisk: boolean): EnvironmentChange {
  return {
    desired: 'deleted',
    status: 'Deleting',
    reason: null,
    delete_disk: deleteDisk ? 1 : 0,
    ...dueFrom(now, deadlinesMs.Deleting),
  };
}

function dueFrom(now: number, withinMs: number) {
  return { run_at: now, attempts: 0, deadline_at: now + withinMs };
}
