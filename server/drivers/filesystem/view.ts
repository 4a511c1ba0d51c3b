import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { ObjectIndex } from './store.ts';
import { viewPath } from './view-path.ts';

export interface View {
  /** Brings the tree in line with the index for one key. Never throws: the tree is a convenience, the index is the truth. */
  refresh(bucket: string, key: string): Promise<void>;
  removeBucket(bucket: string): Promise<void>;
}

/**
 * The tree that people browse: `<root>/<bucket>/notebooks/a.ipynb`, each file a hard link to the blob that the store
 * reads, so it takes no room of its own.
 * INVARIANT: nothing is ever read from this tree, so whatever is planted in it changes no object. Folders on the way are
 * made one by one and must be real directories; anything else in their place, such as a symbolic link, is removed.
 * INVARIANT: one refresh at a time for each bucket.
 */
export function createView(directories: { root: string; blobs: string; incoming: string }, index: ObjectIndex): View {
  const queues = new Map<string, Promise<void>>();

  function inTurn(bucket: string, work: () => Promise<void>): Promise<void> {
    const turn = (queues.get(bucket) ?? Promise.resolve()).then(work).catch(() => undefined);
    queues.set(bucket, turn);
    void turn.then(() => {
      if (queues.get(bucket) === turn) queues.delete(bucket);
    });
    return turn;
  }

  async function refreshFile(bucket: string, key: string): Promise<void> {
    const bucketRoot = path.join(directories.root, bucket);
    const live = index.live(bucket, key);
    const alsoFolder = index.hasBelow(bucket, `${key}/`);
    const plain = path.join(bucketRoot, viewPath(key, { alsoFolder: false }));
    const shadowed = path.join(bucketRoot, viewPath(key, { alsoFolder: true }));
    // Behind a symbolic link nothing is ours to remove.
    if (await isRealFolder(bucketRoot, path.dirname(plain))) {
      if (alsoFolder || live === null) await removeUnlessDirectory(plain);
      if (!alsoFolder || live === null) await removeUnlessDirectory(shadowed);
    }
    if (live === null) return;
    const place = alsoFolder ? shadowed : plain;
    await makeFolders(bucketRoot, path.dirname(place));
    const blob = path.join(directories.blobs, live.blob);
    const temporary = path.join(directories.incoming, randomUUID());
    try {
      await fs.link(blob, temporary).catch(() => fs.copyFile(blob, temporary));
      if (!alsoFolder) await removeEmptyFolders(place);
      await fs.rename(temporary, place);
    } finally {
      // Renaming one link over another link of the same file leaves both, POSIX says.
      await fs.rm(temporary, { force: true });
    }
  }

  /** Removes the folders from `deepest` up that hold nothing and are no object of their own. */
  async function prune(bucket: string, key: string): Promise<void> {
    for (const folder of foldersOf(key).toReversed()) {
      if (index.hasBelow(bucket, folder)) return;
      const bucketRoot = path.join(directories.root, bucket);
      const place = path.join(bucketRoot, viewPath(folder, { alsoFolder: false }));
      if (!(await isRealFolder(bucketRoot, place))) continue;
      await fs.rmdir(place).catch(() => undefined);
    }
  }

  return {
    refresh: (bucket, key) =>
      inTurn(bucket, async () => {
        const above = foldersOf(key).map((folder) => folder.slice(0, -1));
        const gone = index.live(bucket, key) === null;
        const files = key.endsWith('/') ? above : [...above, key];
        if (gone) {
          if (!key.endsWith('/')) await refreshFile(bucket, key);
          await prune(bucket, key);
        }
        for (const file of files) if (index.live(bucket, file) !== null) await refreshFile(bucket, file);
        if (!gone && key.endsWith('/')) {
          const bucketRoot = path.join(directories.root, bucket);
          await makeFolders(bucketRoot, path.join(bucketRoot, viewPath(key, { alsoFolder: false })));
        }
      }),
    removeBucket: (bucket) =>
      inTurn(bucket, () => fs.rm(path.join(directories.root, bucket), { recursive: true, force: true })),
  };
}

/** 'x/y/z' is in 'x/' and 'x/y/'; 'x/y/' is itself one of its folders. */
function foldersOf(key: string): string[] {
  const folders: string[] = [];
  for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) folders.push(key.slice(0, at + 1));
  return folders;
}

async function removeUnlessDirectory(place: string): Promise<void> {
  const found = await fs.lstat(place).catch(() => null);
  if (found !== null && !found.isDirectory()) await fs.unlink(place);
}

/** A folder where a file belongs holds nothing any more, or it would be in the index. Others' files in it stay. */
async function removeEmptyFolders(place: string): Promise<void> {
  const found = await fs.lstat(place).catch(() => null);
  if (found?.isDirectory() === true) await fs.rmdir(place);
}

/** Whether `deepest` and every folder on the way to it are real directories. */
async function isRealFolder(bucketRoot: string, deepest: string): Promise<boolean> {
  let folder = bucketRoot;
  for (const name of ['', ...path.relative(bucketRoot, deepest).split(path.sep)]) {
    folder = path.join(folder, name);
    const found = await fs.lstat(folder).catch(() => null);
    if (found?.isDirectory() !== true) return false;
  }
  return true;
}

async function makeFolders(bucketRoot: string, deepest: string): Promise<void> {
  let folder = bucketRoot;
  for (const name of ['', ...path.relative(bucketRoot, deepest).split(path.sep)]) {
    folder = path.join(folder, name);
    const found = await fs.lstat(folder).catch(() => null);
    if (found?.isDirectory() === true) continue;
    if (found !== null) await fs.unlink(folder);
    await fs.mkdir(folder, { recursive: true });
  }
}
