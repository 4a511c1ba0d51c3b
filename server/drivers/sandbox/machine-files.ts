import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, lstatSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';

/** Written with the machine's directory. Epoch ms by the driver's clock, as in all that follow. */
export const Made = z.object({ createdAt: z.number() });

/** Written before anything is started, so that whoever comes after a crash knows what may be there. */
export const Launch = z.object({
  /** Names this run of the machine among all its runs. */
  run: z.string().default(''),
  startedAt: z.number(),
  bootId: z.string(),
  diskId: z.string(),
  memoryBytes: z.number(),
  cgroups: z.array(z.string()),
  memoryEvents: z.string().nullable(),
  /** Set before a stop begins: what ends from now on does not end by itself. */
  stopping: z.boolean(),
});
export type Launch = z.infer<typeof Launch>;

/** Which process is the machine's first one. The file's time of change is when the driver last saw it alive. */
export const FirstProcess = z.object({ pid: z.number(), startTicks: z.number(), bootId: z.string() });
export type FirstProcess = z.infer<typeof FirstProcess>;

/** Since when a machine sleeps. Whether it does is asked of its processes; a note alone says nothing. */
export const Asleep = z.object({ since: z.number() });

/** When which run ended. Outlives the notes of its run, until the next one ends. */
export const Ended = z.object({ run: z.string(), endedAt: z.number() });

export interface MachinePaths {
  readonly directory: string;
  readonly made: string;
  readonly spec: string;
  readonly launch: string;
  readonly process: string;
  readonly asleep: string;
  readonly ended: string;
  /** Lines of JSON from bubblewrap and the launcher: `child-pid`, `started`, `exit-code`, `ended-at`. */
  readonly status: string;
  readonly script: string;
  readonly agentConfig: string;
  readonly lock: string;
  readonly log: string;
  readonly bootImage: string;
  readonly bootDirectory: string;
  readonly mounts: string;
  readonly hosts: string;
  readonly hostname: string;
  /** Holds the agent's socket; short enough for a socket address. */
  readonly run: string;
  readonly socket: string;
}

// sun_path holds 108 bytes, unix(7); programs inside may add a suffix.
const longestSocketPath = 100;

export function machinePaths(machinesDirectory: string, id: string): MachinePaths {
  const directory = path.join(machinesDirectory, id);
  const inside = (name: string): string => path.join(directory, name);
  const near = inside('run');
  const run =
    Buffer.byteLength(path.join(near, 'agent.sock')) <= longestSocketPath
      ? near
      : path.join(shortRoot(machinesDirectory), id);
  return {
    directory,
    made: inside('made.json'),
    spec: inside('machine.json'),
    launch: inside('launch.json'),
    process: inside('process.json'),
    asleep: inside('asleep.json'),
    ended: inside('ended.json'),
    status: inside('status'),
    script: inside('launch.sh'),
    agentConfig: inside('agent.json'),
    lock: inside('lock'),
    log: inside('log'),
    bootImage: inside('boot.img'),
    bootDirectory: inside('boot'),
    mounts: inside('mounts'),
    hosts: inside('hosts'),
    hostname: inside('hostname'),
    run,
    socket: path.join(run, 'agent.sock'),
  };
}

function shortRoot(machinesDirectory: string): string {
  const hash = createHash('sha256').update(machinesDirectory).digest('hex').slice(0, 12);
  return path.join(os.tmpdir(), `terrarium-${hash}`);
}

/**
 * Makes the directory for the socket.
 * @throws AppError DriverUnavailable  somebody else's directory is in the way
 */
export function makeRunDirectory(paths: MachinePaths): void {
  const parent = path.dirname(paths.run);
  if (parent !== paths.directory) {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const found = lstatSync(parent);
    // The name is in a directory that everyone can write to.
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
      throw new AppError(
        'DriverUnavailable',
        `${parent} is not a private directory of this user. Remove it and try again.`,
      );
    }
  }
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
}

/** @returns null when the file is not there or cannot be understood, as after a power loss */
export async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    const parsed = schema.safeParse(JSON.parse(await fs.readFile(file, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Replaces the file so that a reader, and a crash, sees the old text or the new one. Mode 0600. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  const handle = await fs.open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  const directory = await fs.open(path.dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function requireId(id: string): void {
  if (!isId(id)) throw new AppError('InvalidInput', 'An id has 1 to 40 lower-case letters and digits.');
}

export function isId(id: string): boolean {
  return /^[a-z0-9]{1,40}$/.test(id);
}

export async function exists(file: string): Promise<boolean> {
  return (await fs.lstat(file).catch(() => null)) !== null;
}
