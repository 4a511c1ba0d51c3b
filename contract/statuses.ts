import * as z from 'zod';

export const EnvironmentStatus = z.enum([
  'Creating',
  'Running',
  'Asleep',
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

export type EnvironmentAction = 'open' | 'start' | 'wake' | 'sleep' | 'stop' | 'keepRunning' | 'update' | 'delete';

interface StatusRule {
  /** What a person reads (Terra's words). */
  readonly word: string;
  readonly meaning: string;
  /** How long it may last before it ends in another status with a reason; null for one that may last. */
  readonly deadlineMinutes: number | null;
  /** The statuses that may come next. */
  readonly next: readonly EnvironmentStatus[];
  readonly actions: readonly EnvironmentAction[];
}

/** The one table that statuses, transitions, buttons, tooltips, the server's checks and docs/statuses.md derive from. */
export const environmentStatuses: Readonly<Record<EnvironmentStatus, StatusRule>> = {
  Creating: {
    word: 'Creating',
    meaning: 'Its disk and machine are being made and started.',
    deadlineMinutes: 15,
    next: ['Running', 'Stopping', 'Deleting', 'Error'],
    actions: ['stop', 'delete'],
  },
  Running: {
    word: 'Running',
    meaning: 'Its kernels can be used.',
    deadlineMinutes: null,
    next: ['Asleep', 'Updating', 'Stopping', 'Stopped', 'Deleting', 'Error'],
    actions: ['open', 'sleep', 'stop', 'keepRunning', 'update', 'delete'],
  },
  Asleep: {
    word: 'Asleep',
    meaning: 'Its processes are frozen and use no CPU; every variable is kept in memory. It wakes in milliseconds.',
    deadlineMinutes: null,
    next: ['Starting', 'Updating', 'Stopping', 'Stopped', 'Deleting', 'Error'],
    actions: ['open', 'start', 'wake', 'stop', 'keepRunning', 'update', 'delete'],
  },
  Updating: {
    word: 'Updating',
    meaning: 'It is being restarted or rebuilt with a changed configuration.',
    deadlineMinutes: 15,
    next: ['Running', 'Stopping', 'Stopped', 'Deleting', 'Error'],
    actions: ['stop', 'delete'],
  },
  Stopping: {
    word: 'Pausing',
    meaning: 'Its kernels and processes are being ended.',
    deadlineMinutes: 5,
    next: ['Stopped', 'Starting', 'Deleting', 'Error'],
    actions: ['start', 'delete'],
  },
  Stopped: {
    word: 'Paused',
    meaning: 'Nothing runs; boot disk and disk are kept.',
    deadlineMinutes: null,
    next: ['Starting', 'Updating', 'Deleting'],
    actions: ['start', 'update', 'delete'],
  },
  Starting: {
    word: 'Resuming',
    meaning: 'Its machine is being started or woken.',
    deadlineMinutes: 5,
    next: ['Running', 'Stopping', 'Deleting', 'Error'],
    actions: ['stop', 'delete'],
  },
  Deleting: {
    word: 'Deleting',
    meaning: 'Its machine and boot disk are being removed; its disk is kept unless asked otherwise.',
    deadlineMinutes: 10,
    next: ['Deleted', 'Error'],
    actions: [],
  },
  Deleted: { word: 'Deleted', meaning: 'It is gone.', deadlineMinutes: null, next: [], actions: [] },
  Error: {
    word: 'Error',
    meaning: 'Something went wrong, and its reason says what. What is still there is still charged.',
    deadlineMinutes: null,
    next: ['Starting', 'Stopping', 'Deleting'],
    actions: ['start', 'stop', 'update', 'delete'],
  },
};

const inOrder = EnvironmentStatus.options;

function derived<T>(of: (status: EnvironmentStatus) => T): Record<EnvironmentStatus, T> {
  // Every status is in the enum's own list.
  return Object.fromEntries(inOrder.map((status) => [status, of(status)])) as Record<EnvironmentStatus, T>;
}

export const environmentStatusWord = derived((status) => environmentStatuses[status].word);

/** Statuses that the reconciler is working to leave. */
export const transitional: ReadonlySet<EnvironmentStatus> = new Set(
  inOrder.filter((status) => environmentStatuses[status].deadlineMinutes !== null),
);

/** Whether its processes are there, awake or frozen. */
export function hasProcesses(status: EnvironmentStatus): boolean {
  return status === 'Running' || status === 'Asleep';
}

/** From which statuses an action is possible. */
export function statusesThatAllow(action: EnvironmentAction): EnvironmentStatus[] {
  return inOrder.filter((status) => environmentStatuses[status].actions.includes(action));
}

const actionWord: Record<EnvironmentAction, string> = {
  open: 'opened',
  start: 'started',
  wake: 'woken',
  sleep: 'put to sleep',
  stop: 'paused',
  keepRunning: 'kept running',
  update: 'changed',
  delete: 'deleted',
};

/** Why `action` cannot be taken now, as a sentence, or undefined when it can. */
export function environmentActionProblem(status: EnvironmentStatus, action: EnvironmentAction): string | undefined {
  if (environmentStatuses[status].actions.includes(action)) return undefined;
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
