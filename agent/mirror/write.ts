import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { isHidden, resolveDiskPath, type DiskPath } from '../files/disk-path.ts';
import { replaceWith, temporaryBeside } from '../files/write-file.ts';
import { HttpError } from '../http-error.ts';
import { errnoOf } from '../log.ts';
import { hashOfFile, isSettled } from './notebooks.ts';

/** What must be there for a change to happen: the hash of a file's bytes, or null for nothing. */
export type Expected = string | null;

const root = 'notebooks';

/** Finds a notebook. @throws HttpError 400 for a path that is never mirrored, 404 */
export async function notebookAt(home: string, relative: string): Promise<DiskPath> {
  checkPath(relative);
  return resolveDiskPath(home, `${root}/${relative}`);
}

function checkPath(relative: string): void {
  if (!relative.endsWith('.ipynb') || isHidden(relative)) {
    throw new HttpError(400, `${JSON.stringify(relative)} is not a path of a notebook that is mirrored.`);
  }
}

/**
 * Puts the bytes in the place of what is expected there. Whoever reads meets the old file or the new one, and a failure
 * leaves the old one.
 * @throws HttpError 412 when something else is there, or it is being written; 409 when the path cannot be had
 * @returns the hash of the bytes
 */
export async function writeNotebook(
  home: string,
  relative: string,
  body: Readable,
  expected: Expected,
): Promise<string> {
  checkPath(relative);
  if (expected === null) await makeFolders(home, path.posix.dirname(`${root}/${relative}`));
  const at = await notebookAt(home, relative);
  if (!at.exists && expected !== null) throw changedMeanwhile();
  const temporary = temporaryBeside(at.target);
  try {
    const file = await open(temporary, 'wx');
    let hash: string;
    try {
      hash = await receive(body, file);
      await file.sync();
    } finally {
      await file.close();
    }
    if (expected === null) await takePlace(temporary, at.target);
    else {
      const before = await requireExpected(at.target, expected);
      await replace(at.target, temporary, contentOf(before));
    }
    return hash;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Renames over a file, which is kept until it is seen that nobody wrote to it in the last moment: that would be lost to
 * whoever wrote it.
 */
async function replace(target: string, temporary: string, content: string): Promise<void> {
  const old = temporaryBeside(target);
  const isUnchanged = async (file: string): Promise<boolean> => {
    const now = await stat(file, { bigint: true }).catch(() => null);
    return now !== null && contentOf(now) === content;
  };
  try {
    const isKept = await link(target, old).then(
      () => true,
      () => false,
    );
    if (!(await isUnchanged(target))) throw changedMeanwhile();
    await replaceWith(temporary, target);
    if (isKept && !(await isUnchanged(old))) {
      await replaceWith(old, target);
      throw changedMeanwhile();
    }
  } finally {
    await rm(old, { force: true });
  }
}

/** Another value for every write to a file that has settled; another link to it makes none. */
function contentOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${String(ino)}/${String(size)}/${String(mtimeNs)}`;
}

/** Deletes the file, or the link that stands for it, if it is what is expected. @throws HttpError 412 */
export async function removeNotebook(home: string, relative: string, expected: string): Promise<void> {
  const at = await notebookAt(home, relative).catch((error: unknown) => {
    if (error instanceof HttpError && error.status === 404) return null;
    throw error;
  });
  if (at === null || !at.exists) return;
  await requireExpected(at.target, expected);
  await rm(at.entry);
  await syncFolder(path.dirname(at.entry));
}

async function requireExpected(target: string, expected: string): Promise<BigIntStats> {
  const before = await stat(target, { bigint: true }).catch(() => null);
  if (before === null || !before.isFile() || !isSettled(before)) throw changedMeanwhile();
  if ((await hashOfFile(target)) !== expected) throw changedMeanwhile();
  return before;
}

/** A link, unlike a rename, fails where something is. */
async function takePlace(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw changedMeanwhile();
    // Some file systems have no hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
    if (await lstat(target).catch(() => null)) throw changedMeanwhile();
    await replaceWith(temporary, target);
    return;
  }
  await syncFolder(path.dirname(target));
}

/** Leaves the stream whole when the disk is full: its connection has yet to carry the answer. */
async function receive(body: Readable, file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>; // no encoding is set
  for await (const chunk of chunks) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  return hash.digest('hex');
}

/** Makes the folders one after the other, so that none is made behind a link that leaves the disk. */
async function makeFolders(home: string, folder: string): Promise<void> {
  const parts = folder.split('/');
  for (let count = 1; count <= parts.length; count++) {
    const { entry, exists } = await resolveDiskPath(home, parts.slice(0, count).join('/'));
    if (exists) continue;
    await mkdir(entry).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function changedMeanwhile(): HttpError {
  return new HttpError(412, 'The file on the disk is not what it was expected to be. Nothing was changed.');
}
