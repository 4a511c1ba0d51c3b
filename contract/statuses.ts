import * as z from 'zod';

export const EnvironmentStatus = z.enum([
  'Creating',
  'Running',
  'Updating',
  'Stopping',
  'Stopped',
  'Starting',
  'Deleting',
  'Deleted',
  'Error',
]);
export type EnvironmentStatus = z.infer<typeof EnvironmentStatus>;

export const DiskStatus = z.enum(['Creating', 'Ready', 'Deleting', 'Deleted', 'Failed']);
export type DiskStatus = z.infer<typeof DiskStatus>;

/** What a person reads for a status (Terra's words). */
export const environmentStatusWord: Record<EnvironmentStatus, string> = {
  Creating: 'Creating',
  Running: 'Running',
  Updating: 'Updating',
  Stopping: 'Pausing',
  Stopped: 'Paused',
  Starting: 'Resuming',
  Deleting: 'Deleting',
  Deleted: 'Deleted',
  Error: 'Error',
};

/** Statuses that the reconciler is working to leave. */
export const transitional: ReadonlySet<EnvironmentStatus> = new Set([
  'Creating',
  'Updating',
  'Stopping',
  'Starting',
  'Deleting',
]);

export type EnvironmentAction = 'open' | 'start' | 'stop' | 'update' | 'delete';

/** The one table that drives buttons, tooltips and the server's checks: from which status each action is possible. */
export const environmentActions: Record<EnvironmentAction, ReadonlySet<EnvironmentStatus>> = {
  open: new Set(['Running']),
  start: new Set(['Stopped', 'Stopping', 'Error']),
  stop: new Set(['Running', 'Updating', 'Starting', 'Creating', 'Error']),
  update: new Set(['Running', 'Stopped']),
  delete: new Set(['Creating', 'Running', 'Updating', 'Stopping', 'Stopped', 'Starting', 'Error']),
};

const actionWord: Record<EnvironmentAction, string> = {
  open: 'opened',
  start: 'started',
  stop: 'paused',
  update: 'changed',
  delete: 'deleted',
};

/** Why `action` cannot be taken now, as a sentence, or undefined when it can. */
export function environmentActionProblem(status: EnvironmentStatus, action: EnvironmentAction): string | undefined {
  if (environmentActions[action].has(status)) return undefined;
  return `An environment cannot be ${actionWord[action]} while it is ${environmentStatusWord[status].toLowerCase()}.`;
}

/** Why a disk cannot be deleted now, as a sentence, or undefined when it can. */
export function diskDeleteProblem(disk: {
  status: DiskStatus;
  attachedTo: { name: string } | null;
}): string | undefined {
  if (disk.attachedTo !== null)
    return `The disk is attached to environment "${disk.attachedTo.name}". Delete that environment first; it keeps the disk unless you ask otherwise.`;
  if (disk.status === 'Deleting' || disk.status === 'Deleted') return 'The disk is being deleted already.';
  return undefined;
}
