import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import type { MachineLimits } from '../../environments/compute-driver.ts';
import { readGroupFile } from './group-files.ts';

/**
 * Gives groups that processes are in other limits on memory and CPU. Memory comes first, since it can be refused.
 * @throws AppError NotPossibleNow  more memory is in use, or these groups have no such limits
 */
export async function limitGroups(directories: readonly string[], limits: MachineLimits): Promise<void> {
  const withFile = (file: string): string | undefined =>
    directories.find((directory) => readGroupFile(directory, file) !== '');
  const memory = { unified: withFile('memory.max'), legacy: withFile('memory.limit_in_bytes') };
  const cpu = { unified: withFile('cpu.max'), legacy: withFile('cpu.cfs_quota_us') };
  if ((memory.unified ?? memory.legacy) === undefined || (cpu.unified ?? cpu.legacy) === undefined) throw notLive();
  const bytes = Math.round(limits.memoryBytes);
  if (memory.unified !== undefined) await limitUnifiedMemory(memory.unified, bytes);
  else if (memory.legacy !== undefined) await limitLegacyMemory(memory.legacy, bytes);
  const quota = Math.round(limits.cpus * 100_000);
  if (cpu.unified !== undefined) await write(cpu.unified, 'cpu.max', `${String(quota)} 100000`);
  else if (cpu.legacy !== undefined) await write(cpu.legacy, 'cpu.cfs_quota_us', String(quota));
}

/**
 * Readies groups for the end of all that is in them: no new process may begin, and none waits for its turn on the CPU or
 * for memory before it can end. A program that forks without end in full memory would outrun whoever ends it.
 */
export async function liftLimitsToEnd(directories: readonly string[]): Promise<void> {
  const last: readonly (readonly [file: string, value: string])[] = [
    ['pids.max', '0'],
    ['cpu.max', 'max 100000'],
    ['cpu.cfs_quota_us', '-1'],
    ['memory.max', 'max'],
    ['memory.memsw.limit_in_bytes', '-1'],
    ['memory.limit_in_bytes', '-1'],
  ];
  for (const directory of directories) {
    for (const [file, value] of last) {
      // Not every group has every file.
      if (readGroupFile(directory, file) !== '') await write(directory, file, value).catch(() => undefined);
    }
  }
}

export function notLive(): AppError {
  return new AppError(
    'NotPossibleNow',
    'This host does not let the limits of a running environment change. Pause it first.',
  );
}

/**
 * The kernel would end processes to get below a lower `memory.max`. `memory.high` makes it give back what it can, such as
 * cached files, and ends nothing; only when that was enough the limit itself follows.
 */
async function limitUnifiedMemory(group: string, bytes: number): Promise<void> {
  const used = (): number => Number(readGroupFile(group, 'memory.current'));
  try {
    if (used() > bytes) await write(group, 'memory.high', String(bytes));
    if (used() > bytes) throw inUse(used(), bytes);
    await write(group, 'memory.max', String(bytes));
  } finally {
    await write(group, 'memory.high', 'max').catch(() => undefined);
  }
}

/**
 * The kernel gives back what it can and refuses with EBUSY when that is not enough. Memory with swap may never be below
 * memory alone, so of the two the one that is in the way goes first. Where swap is not counted there is only one.
 */
async function limitLegacyMemory(group: string, bytes: number): Promise<void> {
  const [alone, withSwap] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'];
  const before = Number(readGroupFile(group, alone));
  const files = readGroupFile(group, withSwap) === '' ? [alone] : [alone, withSwap];
  const done: string[] = [];
  try {
    for (const file of bytes < before ? files : files.toReversed()) {
      await write(group, file, String(bytes));
      done.push(file);
    }
  } catch (error) {
    for (const file of done.toReversed()) await write(group, file, String(before)).catch(() => undefined);
    if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
    const used = ['memory.usage_in_bytes', 'memory.memsw.usage_in_bytes'].map((file) => readGroupFile(group, file));
    throw inUse(Math.max(...used.map(Number)), bytes);
  }
}

function inUse(used: number, asked: number): AppError {
  return new AppError(
    'NotPossibleNow',
    `It uses ${gibibytes(used)} GiB of memory now, more than the ${gibibytes(asked)} GiB asked for. End some kernels or programs first, or pause the environment.`,
  );
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2).replace(/\.?0+$/, '');
}

/** In a thread of its own: giving memory back takes its time. */
function write(group: string, file: string, value: string): Promise<void> {
  return fs.writeFile(path.join(group, file), value);
}
