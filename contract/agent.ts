import * as z from 'zod';

/**
 * What the control plane writes for the agent before it starts: a file, mode 0600, whose path the agent gets as its only
 * argument. Secrets never travel in arguments or in the environment of kernels.
 */
export const AgentConfig = z.object({
  environmentId: z.string(),
  /** Every request carries `Authorization: Bearer <secret>`; anything else is 401. */
  secret: z.string(),
  listen: z.union([z.object({ socketPath: z.string() }), z.object({ host: z.string(), port: z.number().int() })]),
  /** The persistent disk: /home/jupyter, or a plain directory where the driver has no mounts. */
  home: z.string(),
  /** Where the agent keeps its journal and connection files: on the boot disk, private to the agent's user. */
  stateDirectory: z.string(),
  /** Set for kernels and terminals, on top of what the image sets. */
  environmentVariables: z.record(z.string(), z.string()),
  /** Directories searched for kernelspecs before Jupyter's usual ones, each holding `kernels/<name>/kernel.json`. */
  kernelspecDirectories: z.array(z.string()),
  /** Kernelspec kept warm: one unclaimed kernel is started ahead of need. Null turns it off. */
  warmKernel: z.string().nullable(),
  /** Size of a disk that nothing holds to its size; null where the file system does. Its use is counted file by file. */
  unenforcedDiskBytes: z.number().nullable().default(null),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

export const AgentHealth = z.object({
  status: z.literal('ready'),
  environmentId: z.string(),
  startedAt: z.string(),
  /** Whether the kernel that is kept warm answers, or none is. */
  isWarm: z.boolean().default(false),
});
export type AgentHealth = z.infer<typeof AgentHealth>;

/** What is going on inside: autopause reads this. Idle means no reason is left. */
export const AgentActivity = z.object({
  /** Epoch ms of the latest execution, output, keystroke in a terminal, or file change through the agent. */
  lastActivityAt: z.number(),
  /** Why it must not be paused now, for people: `kernel python3 is busy (notebooks/a.ipynb)`. Empty when idle. */
  busyReasons: z.array(z.string()),
  /** Executions of all kernels that have not ended, those that wait among them. */
  runningCells: z.number().int().default(0),
});
export type AgentActivity = z.infer<typeof AgentActivity>;

/** Something that the system killed for want of memory. */
export const AgentOutOfMemory = z.object({
  /** Epoch ms. */
  at: z.number(),
  /** Kernelspec of the kernel that was killed, or that had started what was. */
  kernel: z.string().nullable(),
  /** Which cell that kernel was at, where the client named one. */
  cell: z.string().nullable(),
  /** What it had come to: the most that the environment held, less what others in it hold after the kill. */
  peakBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  /** With how much memory it may get through: a whole number of GiB. */
  suggestedGiB: z.number().nullable(),
  /** For people: what was killed, at how much memory, and what to do. */
  sentence: z.string(),
});
export type AgentOutOfMemory = z.infer<typeof AgentOutOfMemory>;

/** How a kernel ended that nobody had asked to end. */
export const AgentKernelDeath = z.object({
  /** For people. */
  reason: z.string(),
  isOutOfMemory: z.boolean(),
  peakBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  suggestedGiB: z.number().nullable(),
  cell: z.string().nullable(),
  at: z.number(),
});
export type AgentKernelDeath = z.infer<typeof AgentKernelDeath>;

export const AgentUsage = z.object({
  /** Cores in use over the last interval, fractions allowed. */
  cpuCores: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  diskUsedBytes: z.number().nullable(),
  diskTotalBytes: z.number().nullable(),
  /** The latest in the agent's life. */
  outOfMemory: AgentOutOfMemory.nullable().default(null),
});
export type AgentUsage = z.infer<typeof AgentUsage>;

/** One kernel as the agent sees it. Moments are epoch ms. */
export const AgentKernel = z.object({
  id: z.string(),
  name: z.string().describe('Name of its kernelspec'),
  displayName: z.string(),
  language: z.string(),
  state: z.enum(['starting', 'idle', 'busy', 'restarting', 'dead']),
  /** Path of the notebook or file it serves, relative to home. */
  path: z.string().nullable(),
  /** Open WebSockets. */
  connections: z.number().int(),
  lastActivityAt: z.number(),
  /** What it works on now: the cell where the client named one, and since when. */
  execution: z.object({ cell: z.string().nullable(), startedAt: z.number() }).nullable(),
  /** Executions that wait behind that one. */
  queued: z.number().int(),
  /** Of the kernel's process and all below it; memory shared with others counts in proportion. */
  memoryBytes: z.number().nullable(),
  /** Cores in use since the measurement before, fractions allowed; null at the first. */
  cpuCores: z.number().nullable(),
  /** Its latest death, also when it was started again since. */
  death: AgentKernelDeath.nullable().default(null),
});
export type AgentKernel = z.infer<typeof AgentKernel>;

/** What the agent answers an execution with whose kernel is taken away on somebody's request: `evalue` of KernelDied. */
export const kernelEndings = {
  restarted: 'The kernel was restarted.',
  shutDown: 'The kernel was shut down.',
} as const;

/** Private routes of the agent. Everything else it answers is the Jupyter Server API, under the same paths. */
export const agentPaths = {
  health: '/agent/health',
  activity: '/agent/activity',
  usage: '/agent/usage',
  kernels: '/agent/kernels',
  /** PUT AgentStartupRequest starts it, once in the agent's life; GET ?after=<offset>&waitMs=<ms, at most 30000>: AgentStartup. */
  startup: '/agent/startup',
  /** PUT AgentVariables: for kernels, terminals and scripts that start from now on, and for the kernel that is kept warm. */
  variables: '/agent/variables',
  /** GET AgentFolders: takes up to ten seconds. */
  folders: '/agent/folders',
} as const;

/** What takes most of the disk. */
export const AgentFolders = z.object({
  /**
   * Largest first. A folder counts with all that is in it; one that holds hardly more than another entry below it is left
   * out, so that no entry stands for the same bytes as the next.
   */
  entries: z.array(
    z.object({
      path: z.string().describe('Relative to home'),
      kind: z.enum(['folder', 'file']),
      /** As du counts: what is taken of the disk, a file with several names once. */
      bytes: z.number(),
    }),
  ),
  /** Of all that was seen. */
  bytes: z.number(),
  /** Whether all was seen in the time there is. */
  isComplete: z.boolean(),
});
export type AgentFolders = z.infer<typeof AgentFolders>;

export const AgentVariables = z.object({ environmentVariables: z.record(z.string(), z.string()) });
export type AgentVariables = z.infer<typeof AgentVariables>;

export const AgentStartupRequest = z.object({
  /** For bash, or for the interpreter that its first line names after `#!`. */
  script: z.string(),
  /** After so long it and everything that it started are killed. */
  timeoutMs: z.number().int().positive(),
});
export type AgentStartupRequest = z.infer<typeof AgentStartupRequest>;

/** The startup script, and what it printed from an offset on. A poll is answered with the next line, or when it ends. */
export const AgentStartup = z.object({
  state: z.enum(['none', 'running', 'succeeded', 'failed', 'timedOut']),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  /** Standard output and error as they came. Where much was printed its middle is left out, with a line that says so. */
  output: z.string(),
  /** To ask with for what comes next; in characters since the beginning, those left out counted. */
  nextOffset: z.number().int(),
  /** Epoch ms. */
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
});
export type AgentStartup = z.infer<typeof AgentStartup>;

/** One notebook below ~/notebooks, its path relative to that folder. */
export const AgentNotebookFile = z.object({
  path: z.string(),
  size: z.number().int(),
  /** SHA-256 of its bytes, in hex. */
  hash: z.string(),
});
export type AgentNotebookFile = z.infer<typeof AgentNotebookFile>;

/** The notebooks below ~/notebooks as they were when nothing was being written. */
export const AgentNotebooks = z.object({
  /** Changes with every change below; ask with it to wait for the next. */
  version: z.string(),
  /** Tells this folder from another one of the same name, over restarts; null while there is none. */
  folder: z.string().nullable(),
  files: z.array(AgentNotebookFile),
  /** Paths that are being written right now, and so are not among the files. */
  settling: z.array(z.string()),
  /** What has a notebook's name and is not mirrored, with a reason that continues the sentence `"a.ipynb" is …`. */
  ignored: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type AgentNotebooks = z.infer<typeof AgentNotebooks>;

/**
 * The agent's part of the mirror.
 * GET list?after=<version>&waitMs=<ms>: AgentNotebooks, once it has another version or the time is over.
 * GET, PUT, DELETE file/<path>: the bytes. A change names the hash of what it replaces in `If-Match`, or says
 * `If-None-Match: *`; 412 when something else is there, or it is being written; 507 when the disk is full.
 */
export const agentMirrorPaths = { list: '/agent/mirror/list', file: '/agent/mirror/file' } as const;
