import * as z from 'zod';
import { BillingProjectName, ObjectKey, ResourceName, WorkspaceName } from './names.ts';
import { DiskStatus, EnvironmentStatus } from './statuses.ts';

/** A moment as ISO 8601 in UTC. */
export const Moment = z.iso.datetime();

export const Account = z.object({ id: z.string(), email: z.string(), name: z.string(), isOperator: z.boolean() });
export type Account = z.infer<typeof Account>;

export const Token = z.object({
  id: z.string(),
  label: z.string(),
  createdAt: Moment,
  lastUsedAt: Moment.nullable(),
});
export type Token = z.infer<typeof Token>;

export const BillingRole = z.enum(['owner', 'user']);
export type BillingRole = z.infer<typeof BillingRole>;

export const BillingProject = z.object({
  name: BillingProjectName,
  description: z.string(),
  role: BillingRole,
  createdAt: Moment,
  workspaceCount: z.number().int(),
  members: z.array(z.object({ email: z.string(), role: BillingRole })),
});
export type BillingProject = z.infer<typeof BillingProject>;

export const WorkspaceRole = z.enum(['READER', 'WRITER', 'OWNER']);
export type WorkspaceRole = z.infer<typeof WorkspaceRole>;

export const Workspace = z.object({
  id: z.string(),
  namespace: BillingProjectName,
  name: WorkspaceName,
  description: z.string(),
  bucket: z.string().describe('Name of the workspace bucket, for example terrarium-3f2a…'),
  owner: z.string().describe('E-mail address of the person who created it'),
  role: WorkspaceRole,
  canShare: z.boolean(),
  canCompute: z.boolean(),
  createdAt: Moment,
  updatedAt: Moment,
});
export type Workspace = z.infer<typeof Workspace>;

export const KernelSummary = z.object({
  name: z.string().describe('Name of the kernelspec: python3, ir'),
  displayName: z.string(),
  language: z.string(),
});
export type KernelSummary = z.infer<typeof KernelSummary>;

export const Image = z.object({
  reference: z.string().describe('What `image` names when an environment is created'),
  title: z.string(),
  description: z.string(),
  kernels: z.array(KernelSummary),
  packages: z.array(z.object({ name: z.string(), version: z.string(), language: z.string() })),
  isDefault: z.boolean(),
});
export type Image = z.infer<typeof Image>;

export const WorkspaceRef = z.object({ id: z.string(), namespace: z.string(), name: z.string() });

export const Disk = z.object({
  id: z.string(),
  name: ResourceName,
  workspace: WorkspaceRef,
  owner: z.string().describe('E-mail address'),
  status: DiskStatus,
  reason: z.string().nullable(),
  kind: z.enum(['disk', 'snapshot']).describe('A snapshot is what a disk held at one moment; it is never attached'),
  copyOf: z.string().nullable().describe('Name of the disk or snapshot that it began as a copy of'),
  sizeGiB: z.number(),
  growsToGiB: z.number().nullable().describe('The size asked for, until it has it'),
  usedBytes: z.number().nullable().describe('As last measured; null until it has been measured'),
  attachedTo: z.object({ id: z.string(), name: z.string() }).nullable(),
  pricePerMonth: z.number(),
  createdAt: Moment,
  lastAttachedAt: Moment.nullable(),
});
export type Disk = z.infer<typeof Disk>;

/** One step of an operation, as shown on the live timeline. `log` is what the step printed, if anything. */
export const TimelineStep = z.object({
  operation: z.string().nullable().describe('Id of the operation that it belongs to'),
  step: z.string(),
  title: z.string(),
  startedAt: Moment,
  endedAt: Moment.nullable(),
  outcome: z.enum(['running', 'done', 'failed']),
  log: z.string(),
});
export type TimelineStep = z.infer<typeof TimelineStep>;

/** Something that was asked of an environment, or that happened to it, from beginning to end. */
export const EnvironmentOperation = z.object({
  id: z.string(),
  kind: z.enum(['create', 'start', 'wake', 'sleep', 'stop', 'update', 'delete', 'end']),
  title: z.string(),
  reason: z.string().nullable().describe('Why it began, or how it ended, in a sentence'),
  startedAt: Moment,
  endedAt: Moment.nullable(),
  deadlineAt: Moment.nullable(),
  outcome: z
    .enum(['running', 'done', 'failed', 'replaced'])
    .describe('replaced: something else was asked for meanwhile'),
});
export type EnvironmentOperation = z.infer<typeof EnvironmentOperation>;

const cpus = z
  .number('The number of CPUs is a number.')
  .positive('An environment needs at least a part of a CPU.')
  .max(1024, 'An environment has at most 1024 CPUs.');
const memoryGiB = z
  .number('The memory is a number of GiB.')
  .min(0.25, 'An environment needs at least 0.25 GiB of memory.')
  .max(16_384, 'An environment has at most 16384 GiB of memory.');
const diskGiB = z
  .int('The disk size is a whole number of GiB.')
  .min(1, 'A disk has at least 1 GiB.')
  .max(64_000, 'A disk has at most 64000 GiB.');

/** A change of a disk: what is left out stays. A disk only grows. */
export const DiskUpdate = z.strictObject({ name: ResourceName.optional(), sizeGiB: diskGiB.optional() });
export type DiskUpdate = z.infer<typeof DiskUpdate>;

/** How a copy of a disk is to be; what is left out is as the original has it. */
export const DiskCopy = z.strictObject({ name: ResourceName.optional(), sizeGiB: diskGiB.optional() });
export type DiskCopy = z.infer<typeof DiskCopy>;

const bootDiskGiB = z
  .int('The boot disk size is a whole number of GiB.')
  .min(1, 'A boot disk has at least 1 GiB.')
  .max(64_000, 'A boot disk has at most 64000 GiB.');
const autopauseMinutes = z
  .int('Autopause is a whole number of minutes; 0 turns it off.')
  .min(0, 'Autopause is 0 (off) or more minutes.')
  .max(10_080, 'Autopause is at most a week (10080 minutes).');
const sleepMinutes = z
  .int('The idle time before sleep is a whole number of minutes; 0 turns it off.')
  .min(0, 'The idle time before sleep is 0 (off) or more minutes.')
  .max(10_080, 'The idle time before sleep is at most a week (10080 minutes).');
const gpus = z
  .int('The number of GPUs is a whole number.')
  .min(0, 'An environment has 0 or more GPUs.')
  .max(64, 'An environment has at most 64 GPUs.');
/** What people and programs tell their environments apart by; nothing here reads them. */
const labels = z
  .record(
    z
      .string()
      .regex(
        /^[a-zA-Z0-9][\w./-]*$/,
        'A label starts with a letter or digit and has only letters, digits and . _ / - in it.',
      )
      .max(63, 'A label has at most 63 characters.'),
    z.string('The value of a label is text.').max(200, 'The value of a label has at most 200 characters.'),
  )
  .refine((all) => Object.keys(all).length <= 64, 'An environment has at most 64 labels.');
const startupScript = z
  .string('The startup script is text.')
  .max(65_536, 'A startup script has at most 65536 characters. Put what is longer in a file on the disk and call it.')
  .regex(/^[^\0]*$/, 'A startup script has no NUL character.');
/** once: when the boot disk is new; everyStart: at each start and resume. */
export const StartupScriptRuns = z.enum(['once', 'everyStart']);
export type StartupScriptRuns = z.infer<typeof StartupScriptRuns>;
const environmentVariables = z.record(
  z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      'A variable name has letters, digits and underscores, and does not start with a digit.',
    )
    .max(200),
  z
    .string()
    .max(32_768, 'A variable has at most 32768 characters.')
    .regex(/^[^\0]*$/, 'A variable has no NUL character.'),
);

/** What a new environment has where its owner chooses nothing, as far as the machine can give it. */
export const defaultShape = {
  cpus: 1,
  memoryGiB: 4,
  diskGiB: 50,
  bootDiskGiB: 50,
  autopauseMinutes: 30,
  sleepMinutes: 10,
} as const;

/** What a person asks for when creating an environment. Everything left out takes the installation's default. */
export const EnvironmentCreate = z.strictObject({
  name: ResourceName.optional(),
  image: z.string('The image is named by its reference.').min(1, 'Name an image.').max(500).optional(),
  cpus: cpus.optional(),
  memoryGiB: memoryGiB.optional(),
  gpus: gpus.optional(),
  diskGiB: diskGiB.optional(),
  diskName: ResourceName.optional().describe('An existing detached disk to attach, or the name of the new one'),
  bootDiskGiB: bootDiskGiB.optional(),
  startupScript: startupScript.optional().describe('Run in $HOME before the environment is Running; empty for none'),
  startupScriptRuns: StartupScriptRuns.optional(),
  environmentVariables: environmentVariables.optional(),
  labels: labels.optional(),
  autopauseMinutes: autopauseMinutes.optional().describe('Idle minutes before a pause; 0 turns it off'),
  sleepMinutes: sleepMinutes.optional().describe('Idle minutes before it falls asleep; 0 turns it off'),
});
export type EnvironmentCreate = z.infer<typeof EnvironmentCreate>;

/** A change of an environment: what is left out stays. */
export const EnvironmentUpdate = EnvironmentCreate;
export type EnvironmentUpdate = z.infer<typeof EnvironmentUpdate>;

/** nothing: no process ends; restart: kernels end; rebuild: the boot disk is lost too, the disk is kept. */
export const ChangeEffect = z.enum(['nothing', 'restart', 'rebuild']);
export type ChangeEffect = z.infer<typeof ChangeEffect>;

/** What one changed field does, said beforehand. */
export const FieldChange = z.object({
  field: EnvironmentUpdate.keyof(),
  effect: ChangeEffect,
  sentence: z.string(),
});
export type FieldChange = z.infer<typeof FieldChange>;

/** What an installation offers for environments. */
export const ComputeOffer = z.object({
  maxCpus: z.number(),
  maxMemoryGiB: z.number(),
  maxGpus: z.number(),
  maxDiskGiB: z.number(),
  canSleep: z.boolean(),
  canLimitLive: z.boolean().describe('Whether CPUs and memory of a running environment change without a restart'),
  growsOnline: z.boolean().describe('Whether a disk grows while its environment runs'),
  defaults: z.object({
    cpus: z.number(),
    memoryGiB: z.number(),
    diskGiB: z.number(),
    bootDiskGiB: z.number(),
    autopauseMinutes: z.number(),
    sleepMinutes: z.number(),
  }),
  notes: z.array(z.string()).describe('What is weaker or missing on this machine, a sentence each'),
});
export type ComputeOffer = z.infer<typeof ComputeOffer>;

export const Environment = z.object({
  id: z.string(),
  name: ResourceName,
  workspace: WorkspaceRef,
  owner: z.string().describe('E-mail address'),
  status: EnvironmentStatus,
  reason: z.string().nullable().describe('Why it is in this status, in a sentence, where there is something to say'),
  image: z.string(),
  imageTitle: z.string(),
  cpus: z.number(),
  memoryGiB: z.number(),
  gpus: z.number(),
  bootDiskGiB: z.number(),
  environmentVariables: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  startupScript: z.string().describe('Empty for none'),
  startupScriptRuns: StartupScriptRuns,
  autopauseMinutes: z.number(),
  sleepMinutes: z.number(),
  isChosen: z.boolean().describe("Whether the workspace's notebooks run here, of its owner's environments there"),
  disk: z
    .object({
      id: z.string(),
      name: z.string(),
      sizeGiB: z.number(),
      growsToGiB: z.number().nullable(),
      status: DiskStatus,
    })
    .nullable(),
  timeline: z.array(TimelineStep).describe('Steps, oldest first'),
  operations: z.array(EnvironmentOperation).describe('What the steps were taken for, oldest first'),
  usage: z
    .object({
      cpuPercent: z.number().nullable().describe('Of all its CPUs together'),
      memoryBytes: z.number().nullable(),
      memoryLimitBytes: z.number().nullable(),
      diskUsedBytes: z.number().nullable(),
      diskTotalBytes: z.number().nullable(),
      outOfMemory: z
        .object({
          at: Moment,
          sentence: z.string().describe('What was ended, at how much memory, and what to do'),
          suggestedGiB: z.number().nullable().describe('With how much memory it may get through'),
        })
        .nullable()
        .describe('The last time since its start that the system ended something in it for want of memory'),
      measuredAt: Moment,
    })
    .nullable(),
  cost: z.object({
    currency: z.string(),
    perHourRunning: z.number(),
    perHourAsleep: z.number(),
    perHourPaused: z.number(),
    perHourNow: z.number().describe('What is charged at this moment, less the persistent disk'),
    diskPerMonth: z.number(),
    soFar: z.number().describe('Machine only, since it was created'),
  }),
  notes: z.array(z.string()).describe('What is weaker or missing on this machine, a sentence each'),
  createdAt: Moment,
  startedAt: Moment.nullable(),
  lastActivityAt: Moment.nullable(),
  busyReasons: z.array(z.string()).describe('Why it is at work now, a phrase each; empty when it is idle'),
  sleepsAt: Moment.nullable().describe('When it falls asleep unless something happens'),
  pausesAt: Moment.nullable().describe('When it is paused unless something happens'),
  keepRunningUntil: Moment.nullable().describe('It neither sleeps nor pauses by itself before'),
  pausesWhenIdle: z.boolean().describe('It is paused as soon as what runs now has ended'),
});
export type Environment = z.infer<typeof Environment>;

/** An environment after a change, or as it is now for a dry run, and what each changed field does. */
export const UpdatedEnvironment = Environment.extend({
  effect: ChangeEffect.describe('The strongest of the changes'),
  changes: z.array(FieldChange),
});
export type UpdatedEnvironment = z.infer<typeof UpdatedEnvironment>;

/** What takes the most room on an environment's disk. */
export const DiskFolders = z.object({
  entries: z.array(
    z.object({ path: z.string().describe('Relative to /home/jupyter'), bytes: z.number(), isFolder: z.boolean() }),
  ),
  isComplete: z.boolean().describe('False when there was no time to look at everything'),
});
export type DiskFolders = z.infer<typeof DiskFolders>;

/** How `~/notebooks` on an environment's disk and the notebooks of the bucket stand to one another. */
export const NotebookMirror = z.object({
  state: z
    .enum(['off', 'starting', 'working', 'inStep'])
    .describe('off: the environment does not run; starting: the disk was not looked at yet'),
  syncedAt: Moment.nullable().describe('When both last were the same'),
  count: z.number().int().describe('Notebooks that are the same on both sides'),
  problems: z
    .array(z.object({ path: z.string().nullable(), message: z.string() }))
    .describe('What is not mirrored now, and why; path is relative to notebooks/, null for the folder as a whole'),
  notices: z
    .array(z.object({ at: Moment, path: z.string().nullable(), message: z.string() }))
    .describe('What happened that somebody should know, newest first'),
});
export type NotebookMirror = z.infer<typeof NotebookMirror>;

export const BucketObject = z.object({
  key: ObjectKey,
  size: z.number().int(),
  contentType: z.string(),
  generation: z.string(),
  etag: z.string(),
  updatedAt: Moment,
  createdAt: Moment,
});
export type BucketObject = z.infer<typeof BucketObject>;

/** One level of a bucket, or all of it. `folders` are common prefixes, each ending in the delimiter. */
export const BucketListing = z.object({
  objects: z.array(BucketObject),
  folders: z.array(z.string()),
  nextPageToken: z.string().nullable(),
});
export type BucketListing = z.infer<typeof BucketListing>;

export const NotebookSummary = z.object({
  path: z.string().describe('Relative to notebooks/'),
  size: z.number().int(),
  generation: z.string(),
  language: z.string().nullable().describe('From the notebook metadata; null when it names none'),
  kernel: z.string().nullable(),
  people: z
    .array(z.object({ id: z.string(), name: z.string() }))
    .describe('Accounts that have it open in JupyterLab now'),
  isRunning: z.boolean().describe('A cell of it runs or waits to run'),
  updatedAt: Moment,
  createdAt: Moment,
});
export type NotebookSummary = z.infer<typeof NotebookSummary>;

/** A private copy of a notebook, whose edits never reach the bucket. Only its owner knows of it. */
export const Playground = z.object({
  path: z.string().describe('Relative to notebooks/: .playground/<id>/<name>.ipynb'),
  source: z.string().nullable().describe('The notebook it was made from, relative to notebooks/'),
  createdAt: Moment,
  lastUsedAt: Moment,
  deletedAt: Moment.describe('When it is deleted, unless it is used before'),
});
export type Playground = z.infer<typeof Playground>;

export const KernelState = z.enum(['starting', 'idle', 'busy', 'restarting', 'dead']);
export type KernelState = z.infer<typeof KernelState>;

/** A kernel that runs in one of the caller's environments. */
export const Kernel = z.object({
  id: z.string(),
  name: z.string().describe('Name of its kernelspec: python3, ir'),
  displayName: z.string(),
  language: z.string(),
  state: KernelState,
  path: z.string().nullable().describe('What it was started for, as Jupyter names it; null for nothing in particular'),
  notebook: z.string().nullable().describe('The same relative to notebooks/, where it is a notebook there'),
  connections: z.number().int().describe('Clients that listen to it now'),
  lastActivityAt: Moment,
  execution: z
    .object({ cell: z.string().nullable().describe('Id of the cell'), startedAt: Moment })
    .nullable()
    .describe('What it works on now'),
  queued: z.number().int().describe('Executions that wait behind that one'),
  memoryBytes: z.number().nullable().describe('Of its process and all that it started'),
  cpuCores: z.number().nullable().describe('Cores in use, fractions allowed'),
  death: z
    .object({ at: Moment, reason: z.string(), isOutOfMemory: z.boolean(), suggestedGiB: z.number().nullable() })
    .nullable()
    .describe('How it last ended without having been asked to'),
  environment: z.object({ id: z.string(), name: z.string() }),
});
export type Kernel = z.infer<typeof Kernel>;

export const RunStatus = z.enum(['queued', 'running', 'succeeded', 'failed', 'interrupted']);
export type RunStatus = z.infer<typeof RunStatus>;

export const RunCellStatus = z.enum(['queued', 'running', 'succeeded', 'failed', 'interrupted', 'skipped']);
export type RunCellStatus = z.infer<typeof RunCellStatus>;

/** Cells that one person asked to be run, in order, on that person's environment. */
export const Run = z.object({
  run: z.string(),
  status: RunStatus,
  reason: z.string().nullable().describe('Why it ended so, or what was unexpected about it, in a sentence'),
  queuedAt: Moment,
  startedAt: Moment.nullable(),
  endedAt: Moment.nullable(),
  cells: z.array(
    z.object({
      id: z.string(),
      status: RunCellStatus,
      executionCount: z.number().int().nullable(),
      startedAt: Moment.nullable(),
      endedAt: Moment.nullable(),
      error: z.object({ name: z.string(), message: z.string() }).optional(),
    }),
  ),
});
export type Run = z.infer<typeof Run>;

/** Spend of one group in a period, in the installation's currency. */
export const SpendRow = z.object({
  group: z.string(),
  compute: z.number(),
  storage: z.number(),
  total: z.number(),
});
export const SpendReport = z.object({
  currency: z.string(),
  from: Moment,
  to: Moment,
  rows: z.array(SpendRow),
  total: z.number(),
});
export type SpendReport = z.infer<typeof SpendReport>;

/** What /api/events sends: something changed; read it again. */
export const ChangeEvent = z.object({
  kind: z.enum(['environment', 'disk', 'workspace', 'billing-project', 'notebook', 'object', 'mirror']),
  id: z.string(),
  workspaceId: z.string().nullable(),
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;
