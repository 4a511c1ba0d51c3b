import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { HttpError } from '../http-error.ts';
import type { DiskPath } from './disk-path.ts';
import { writeWhole } from './write-file.ts';

export interface Checkpoint {
  readonly id: string;
  readonly last_modified: string;
}

/** jupyter_server keeps one checkpoint a file, under this name. */
const onlyId = 'checkpoint';

function fileOf(at: DiskPath): string {
  const { name, ext } = path.parse(at.name);
  return path.join(path.dirname(at.entry), '.ipynb_checkpoints', `${name}-${onlyId}${ext}`);
}

export async function createCheckpoint(at: DiskPath): Promise<Checkpoint> {
  await mkdir(path.dirname(fileOf(at)), { recursive: true });
  await writeWhole(fileOf(at), await readFile(at.target));
  return { id: onlyId, last_modified: (await stat(fileOf(at))).mtime.toISOString() };
}

export async function listCheckpoints(at: DiskPath): Promise<Checkpoint[]> {
  const facts = await stat(fileOf(at)).catch(() => null);
  return facts === null ? [] : [{ id: onlyId, last_modified: facts.mtime.toISOString() }];
}

/** @throws HttpError 404 */
export async function restoreCheckpoint(at: DiskPath, id: string): Promise<void> {
  await writeWhole(at.target, await readFile(await find(at, id)));
}

/** @throws HttpError 404 */
export async function deleteCheckpoint(at: DiskPath, id: string): Promise<void> {
  await rm(await find(at, id));
}

async function find(at: DiskPath, id: string): Promise<string> {
  const exists = id === onlyId && (await stat(fileOf(at)).catch(() => null))?.isFile() === true;
  if (!exists) throw new HttpError(404, `Checkpoint does not exist: ${at.api}@${id}`);
  return fileOf(at);
}
