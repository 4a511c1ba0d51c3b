import type { BigIntStats } from 'node:fs';
import { readdir, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, log, messageOf } from '../log.ts';

export interface TreeFile {
  /** Relative to ~/notebooks. */
  readonly path: string;
  /** The file itself, links followed. */
  readonly target: string;
  readonly stats: BigIntStats;
}

export interface Tree {
  /** Tells the folder from another one that later has its name. */
  readonly folder: string;
  readonly files: readonly TreeFile[];
  /** Every folder that was read, links followed. */
  readonly folders: readonly string[];
  /** Folders that could not be read, relative and with a slash at the end: what is in them is not known. */
  readonly unreadable: readonly string[];
  readonly ignored: readonly { readonly path: string; readonly reason: string }[];
}

interface Step {
  /** Relative to ~/notebooks, empty or with a slash at the end. */
  readonly prefix: string;
  readonly directory: string;
}

const leftPart = /^\.[0-9a-f]{12}\.part$/;
const leftPartAfterMs = 10 * 60 * 1000;

/**
 * Finds every notebook below ~/notebooks. Hidden folders are passed over. Links are followed as far as they stay on the
 * disk and lead out of the folder: what is in it already is not found twice.
 * @returns null where there is no such folder on the disk
 */
export async function readTree(home: string): Promise<Tree | null> {
  const root = await folderOrNull(path.join(home, 'notebooks'));
  const disk = await realpath(home);
  if (root === null || !isWithin(disk, root)) return null;
  const { ino, birthtimeMs } = await stat(root, { bigint: true });
  const files: TreeFile[] = [];
  const unreadable: string[] = [];
  const ignored: { path: string; reason: string }[] = [];
  const visited = new Set<string>();
  const links: (Step & { name: string })[] = [];
  const steps: Step[] = [{ prefix: '', directory: root }];
  for (;;) {
    const step = steps.shift();
    if (step === undefined) {
      // Links come last, so that a folder is found under its own name first.
      const link = links.shift();
      if (link === undefined) break;
      await follow(link);
      continue;
    }
    if (visited.has(step.directory)) continue;
    visited.add(step.directory);
    await read(step);
  }
  return { folder: `${String(ino)}-${String(birthtimeMs)}`, files, folders: [...visited], unreadable, ignored };

  async function read({ prefix, directory }: Step): Promise<void> {
    let entries;
    try {
      entries = await readdir(directory, { withFileTypes: true });
    } catch (error) {
      // Gone since its parent was read.
      if (errnoOf(error) === 'ENOENT' && prefix !== '') return;
      if (prefix === '') throw error;
      unreadable.push(prefix);
      ignored.push({ path: prefix, reason: `a folder that cannot be read (${messageOf(error)}).` });
      return;
    }
    for (const entry of entries) {
      const { name } = entry;
      const at = path.join(directory, name);
      if (leftPart.test(name)) await removeLeftPart(at);
      else if (name.startsWith('.')) continue;
      else if (entry.isDirectory()) steps.push({ prefix: `${prefix}${name}/`, directory: at });
      else if (entry.isSymbolicLink()) links.push({ prefix, directory, name });
      else if (name.endsWith('.ipynb') && entry.isFile()) await add(`${prefix}${name}`, at);
      else if (name.endsWith('.ipynb')) ignored.push({ path: `${prefix}${name}`, reason: 'not a file.' });
    }
  }

  async function follow({ prefix, directory, name }: Step & { name: string }): Promise<void> {
    const target = await realpath(path.join(directory, name)).catch(() => null);
    const stats = target === null ? null : await stat(target).catch(() => null);
    const ignore = (reason: string): void => {
      if (name.endsWith('.ipynb')) ignored.push({ path: `${prefix}${name}`, reason });
    };
    if (target === null || stats === null) ignore('a link to nothing.');
    else if (!isWithin(disk, target)) ignore('a link that leads off the disk.');
    else if (isWithin(root ?? '', target) || isWithin(target, root ?? '')) {
      ignore('a link to what is mirrored already.');
    } else if (stats.isDirectory()) steps.push({ prefix: `${prefix}${name}/`, directory: target });
    else if (name.endsWith('.ipynb') && stats.isFile()) await add(`${prefix}${name}`, target);
  }

  async function add(relative: string, target: string): Promise<void> {
    const stats = await stat(target, { bigint: true }).catch(() => null);
    if (stats !== null) files.push({ path: relative, target, stats });
  }
}

/** What an agent that was killed left half written. */
async function removeLeftPart(file: string): Promise<void> {
  const stats = await stat(file).catch(() => null);
  if (stats === null || Date.now() - stats.ctimeMs < leftPartAfterMs) return;
  await rm(file, { force: true }).catch((error: unknown) => {
    log('warn', 'a half-written file could not be removed', { cause: messageOf(error) });
  });
}

async function folderOrNull(folder: string): Promise<string | null> {
  try {
    const real = await realpath(folder);
    return (await stat(real)).isDirectory() ? real : null;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

function isWithin(folder: string, target: string): boolean {
  return target === folder || target.startsWith(`${folder}/`);
}
