import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import type { AgentFolders } from '@terrarium/contract/agent';

type Entry = AgentFolders['entries'][number];

const deepest = 3;
const shown = 10;
/** A folder of which so much is in one entry below it says nothing that the entry does not say. */
const nearlyAll = 0.95;
/** So many names are asked about at a time: a folder may hold millions. */
const batch = 64;
/** What is smaller than so many others is forgotten. */
const kept = 200;
const blockBytes = 512;

/**
 * Reads what takes most of a disk, to the third level. Links are not followed and other file systems not entered.
 * @param options.withinMs  what was not seen by then is not counted
 */
export async function findBiggest(home: string, options: { withinMs: number }): Promise<AgentFolders> {
  const end = performance.now() + options.withinMs;
  const { dev } = await lstat(home);
  const folders = new Map<string, number>();
  /** Files with several names, by inode. */
  const counted = new Set<number>();
  let files: Entry[] = [];
  let bytes = 0;
  let isComplete = true;

  function count(relative: string, facts: Stats): void {
    if (facts.nlink > 1 && !facts.isDirectory()) {
      if (counted.has(facts.ino)) return;
      counted.add(facts.ino);
    }
    const size = facts.blocks * blockBytes;
    const parts = relative.split('/');
    const folderDepth = facts.isDirectory() ? parts.length : parts.length - 1;
    bytes += size;
    for (let depth = 1; depth <= Math.min(deepest, folderDepth); depth++) {
      const folder = parts.slice(0, depth).join('/');
      folders.set(folder, (folders.get(folder) ?? 0) + size);
    }
    if (facts.isDirectory() || parts.length > deepest || size === 0) return;
    files.push({ path: relative, kind: 'file', bytes: size });
    if (files.length > 2 * kept) files = largest(files).slice(0, kept);
  }

  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for await (const names of namesIn(path.join(home, folder))) {
      if (performance.now() > end) {
        isComplete = false;
        waiting.length = 0;
        break;
      }
      const all = await Promise.all(
        names.map(async (name) => {
          const relative = folder === '' ? name : `${folder}/${name}`;
          // What has just been removed, or must not be seen.
          return { relative, facts: await lstat(path.join(home, relative)).catch(() => null) };
        }),
      );
      for (const { relative, facts } of all) {
        if (facts === null || facts.dev !== dev) continue;
        count(relative, facts);
        if (facts.isDirectory()) waiting.push(relative);
      }
    }
  }
  const inFolders = [...folders].map(([name, size]): Entry => ({ path: name, kind: 'folder', bytes: size }));
  const big = largest([...inFolders, ...files]).slice(0, kept);
  return { entries: big.filter((one) => !isSaidBelow(one, big)).slice(0, shown), bytes, isComplete };
}

async function* namesIn(folder: string): AsyncGenerator<string[]> {
  let names: string[] = [];
  try {
    for await (const { name } of await opendir(folder, { bufferSize: batch })) {
      names.push(name);
      if (names.length < batch) continue;
      yield names;
      names = [];
    }
  } catch {
    // a folder that its owner may not read, or that is gone
  }
  if (names.length > 0) yield names;
}

function isSaidBelow(folder: Entry, entries: readonly Entry[]): boolean {
  return (
    folder.kind === 'folder' &&
    entries.some((one) => one.path.startsWith(`${folder.path}/`) && one.bytes >= folder.bytes * nearlyAll)
  );
}

function largest(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((one, other) => other.bytes - one.bytes || (one.path < other.path ? -1 : 1));
}
