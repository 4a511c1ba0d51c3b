import { AppError, objectKeyProblem } from '@terrarium/contract';
import type { Buckets } from '../bucket/buckets.ts';
import { copyObject } from '../bucket/move-object.ts';
import type { Checkpoints } from './checkpoints.ts';
import { bucketDirectory, directoryModel, isHidden, nameOf, type ContentsScope } from './contents-model.ts';
import type { ContentsReader, Entry } from './contents-read.ts';

/**
 * Directories over objects: a key that ends in a slash marks one that may be empty, and any key below makes one.
 * Nothing is lost when one of these stops halfway: files are in the one place or the other.
 */
export function createContentsDirectories(deps: {
  buckets: Buckets;
  reader: ContentsReader;
  checkpoints: Checkpoints;
}) {
  const { buckets, reader, checkpoints } = deps;

  async function keysBelow(scope: ContentsScope, from: string, to: string): Promise<string[]> {
    if (`${to}/`.startsWith(`${from}/`)) {
      throw new AppError('InvalidInput', `The folder "${from}" cannot be put into itself.`);
    }
    const keys: string[] = [];
    for await (const { key } of buckets.all(scope.owner, `${from}/`)) keys.push(key);
    // All names are checked first: a name that gets too long down there must not stop it halfway.
    for (const key of keys) checkKey(to + key.slice(from.length));
    return keys;
  }

  async function make(scope: ContentsScope, path: string): Promise<Entry> {
    const marker = await buckets.head(scope.owner, `${path}/`);
    const isThere = marker !== null || (await reader.isDirectory(scope, path));
    const made = isThere ? marker : await buckets.put(scope.owner, `${path}/`, new Uint8Array());
    return { model: directoryModel(scope, path, made), generation: null };
  }

  return {
    make,

    /** A directory stays when the last file in it goes, as it would on a disk. */
    async keep(scope: ContentsScope, path: string): Promise<void> {
      if (path !== bucketDirectory && path !== '') await make(scope, path);
    },

    async copy(scope: ContentsScope, from: string, to: string): Promise<Entry> {
      const keys = await keysBelow(scope, from, to);
      for (const key of keys) await copyObject(buckets, scope.owner, key, to + key.slice(from.length));
      return make(scope, to);
    },

    async move(scope: ContentsScope, from: string, to: string): Promise<void> {
      const keys = await keysBelow(scope, from, to);
      for (const key of keys) {
        const target = to + key.slice(from.length);
        await buckets.move(scope.owner, key, target);
        if (!key.endsWith('/')) await checkpoints.move(scope.owner, key, target);
      }
    },
  };
}

/** @throws AppError InvalidInput  nothing can be written under this path */
export function checkWritable(path: string): void {
  checkKey(path);
  if (isHidden(path)) {
    throw new AppError(
      'InvalidInput',
      `"${nameOf(path)}" would be hidden. Choose a name that does not start with a dot.`,
    );
  }
}

function checkKey(key: string): void {
  const problem = objectKeyProblem(key);
  if (problem !== undefined) throw new AppError('InvalidInput', `"${key.slice(-200)}": ${problem}`);
}
