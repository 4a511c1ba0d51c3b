import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { HttpError } from '../http-error.ts';
import { errnoOf } from '../log.ts';

/** A path a client named, checked to be on the disk. */
export interface DiskPath {
  /** Relative to the disk, without slashes at the ends; empty for the disk itself. */
  readonly api: string;
  readonly name: string;
  /** The entry itself, a link not followed: what rename and delete work on. Its folder has no links left. */
  readonly entry: string;
  /** Where its contents are, links followed; the same as `entry` where nothing exists yet. */
  readonly target: string;
  readonly exists: boolean;
  /** The disk itself, links resolved. */
  readonly root: string;
}

const longestNameBytes = 255;

/** The path as the API writes it. @throws HttpError 404 for one that climbs or cannot be a path */
export function apiPathOf(text: string): string {
  const parts = text.split('/').filter((part) => part !== '');
  if (parts.some((part) => part === '.' || part === '..') || text.includes('\0')) {
    throw new HttpError(404, `${JSON.stringify(text)} is outside the disk.`);
  }
  return parts.join('/');
}

export function isHidden(api: string): boolean {
  return api.split('/').some((part) => part.startsWith('.'));
}

/**
 * Finds a path on the disk, following links as far as they stay on it.
 * @throws HttpError 404 when it or a link on the way leaves the disk, or its folder does not exist
 */
export async function resolveDiskPath(home: string, text: string): Promise<DiskPath> {
  const api = apiPathOf(text);
  const root = await realpath(home);
  if (api === '') return { api, name: '', entry: root, target: root, exists: true, root };
  const notFound = (): HttpError => new HttpError(404, `file or directory ${JSON.stringify(api)} does not exist`);
  const inside = (real: string): boolean => real === root || real.startsWith(`${root}/`);
  const folder = await realOrNull(path.join(root, path.posix.dirname(api)));
  if (folder === null || !inside(folder)) throw notFound();
  const name = path.posix.basename(api);
  const entry = path.join(folder, name);
  const target = await realOrNull(entry);
  if (target !== null) {
    if (!inside(target)) throw notFound();
    return { api, name, entry, target, exists: true, root };
  }
  // A link to nothing may point anywhere: writing through it could leave the disk.
  const isDangling = await lstat(entry).then(
    () => true,
    () => false,
  );
  if (isDangling) throw notFound();
  return { api, name, entry, target: entry, exists: false, root };
}

async function realOrNull(file: string): Promise<string | null> {
  try {
    return await realpath(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/** Refuses names that no person could see or type. @throws HttpError 400 */
export function checkNewName(name: string): void {
  if (Buffer.byteLength(name) > longestNameBytes) {
    throw new HttpError(400, `The name is ${String(Buffer.byteLength(name))} bytes long; the disk takes at most 255.`);
  }
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(name)) throw new HttpError(400, 'A name cannot hold control characters.');
}
