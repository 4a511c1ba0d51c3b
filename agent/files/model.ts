import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { HttpError } from '../http-error.ts';
import { mimeTypeOf } from './mime.ts';
import { isHidden, type DiskPath } from './disk-path.ts';
import { readNotebook } from './notebook.ts';

export type ContentsType = 'directory' | 'file' | 'notebook';

/** A file or folder as jupyter_server's contents API shows it. */
export interface ContentsModel {
  name: string;
  path: string;
  type: ContentsType;
  last_modified: string;
  created: string;
  content: unknown;
  format: 'json' | 'text' | 'base64' | null;
  mimetype: string | null;
  size: number | null;
  writable: boolean;
  hash: string | null;
  hash_algorithm: string | null;
}

export interface ReadOptions {
  readonly type?: ContentsType | null;
  readonly format?: 'text' | 'base64' | null;
  readonly withContent: boolean;
  readonly withHash: boolean;
  readonly withHidden: boolean;
}

/** JSON strings in V8 end at 512 MiB, and base64 needs a third more than its bytes. */
const maxContentBytes = 300 * 1024 ** 2;

/** @throws HttpError 404 absent, 400 another type or unreadable as asked, 413 too large to be sent as JSON */
export async function readModel(at: DiskPath, options: ReadOptions): Promise<ContentsModel> {
  if (!at.exists || (isHidden(at.api) && !options.withHidden)) throw absent(at.api);
  const facts = await stat(at.target);
  if (facts.isDirectory()) {
    if (options.type !== undefined && options.type !== null && options.type !== 'directory') {
      throw new HttpError(400, `${at.api} is a directory, not a ${options.type}`, 'bad type');
    }
    return readFolder(at, facts, options);
  }
  if (options.type === 'directory') throw new HttpError(400, `${at.api} is not a directory`, 'bad type');
  if (!facts.isFile()) throw absent(at.api);
  return readFileModel(at, facts, options);
}

export function absent(api: string): HttpError {
  return new HttpError(404, `file or directory ${JSON.stringify(api)} does not exist`);
}

async function readFileModel(at: DiskPath, facts: Stats, options: ReadOptions): Promise<ContentsModel> {
  const isNotebook = options.type === 'notebook' || (options.type !== 'file' && at.api.endsWith('.ipynb'));
  const model = await baseModel(at.api, at.target, facts, isNotebook ? 'notebook' : 'file');
  if (!options.withContent && !options.withHash) return model;
  if (facts.size > maxContentBytes) {
    throw new HttpError(413, `${at.api} is too large to be opened (${String(facts.size)} bytes). Download it instead.`);
  }
  const bytes = await readRegular(at);
  if (options.withHash) {
    model.hash = createHash('sha256').update(bytes).digest('hex');
    model.hash_algorithm = 'sha256';
  }
  if (!options.withContent) return model;
  if (isNotebook) {
    const notebook = readNotebook(bytes);
    if (notebook === null) throw new HttpError(400, `Unreadable Notebook: ${at.api}: it is not nbformat JSON.`);
    return { ...model, content: notebook, format: 'json' };
  }
  const isText = options.format === 'text' || (options.format !== 'base64' && isUtf8(bytes));
  if (isText && !isUtf8(bytes)) throw new HttpError(400, `${at.api} is not UTF-8 encoded`, 'bad format');
  const mimetype = model.mimetype ?? (isText ? 'text/plain' : 'application/octet-stream');
  return isText
    ? { ...model, content: bytes.toString(), format: 'text', mimetype }
    : { ...model, content: bytes.toString('base64'), format: 'base64', mimetype };
}

/** Reads what was resolved, unless someone put a link to elsewhere in its place in the meantime. */
async function readRegular(at: DiskPath): Promise<Buffer> {
  // eslint-disable-next-line no-bitwise
  const file = await open(at.target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

async function readFolder(at: DiskPath, facts: Stats, options: ReadOptions): Promise<ContentsModel> {
  const model = await baseModel(at.api, at.target, facts, 'directory');
  if (!options.withContent) return model;
  const names = await readdir(at.target);
  const shown = names.filter((name) => options.withHidden || !name.startsWith('.')).sort();
  const models = await Promise.all(shown.map((name) => listed(at, name)));
  return { ...model, content: models.filter((one) => one !== null), format: 'json' };
}

/** One line of a listing, or null for what cannot be opened from here: sockets, broken links, links off the disk. */
async function listed(folder: DiskPath, name: string): Promise<ContentsModel | null> {
  const file = path.join(folder.target, name);
  try {
    const facts = await stat(file);
    const real = await realpath(file);
    if (!real.startsWith(`${folder.root}/`)) return null;
    if (!facts.isDirectory() && !facts.isFile()) return null;
    const api = folder.api === '' ? name : `${folder.api}/${name}`;
    const type = facts.isDirectory() ? 'directory' : name.endsWith('.ipynb') ? 'notebook' : 'file';
    return await baseModel(api, real, facts, type);
  } catch {
    return null;
  }
}

async function baseModel(api: string, file: string, facts: Stats, type: ContentsType): Promise<ContentsModel> {
  const writable = await access(file, constants.W_OK).then(
    () => true,
    () => false,
  );
  return {
    name: path.posix.basename(api),
    path: api,
    type,
    last_modified: facts.mtime.toISOString(),
    created: facts.ctime.toISOString(),
    content: null,
    format: null,
    mimetype: type === 'file' ? mimeTypeOf(api) : null,
    size: type === 'directory' ? null : facts.size,
    writable,
    hash: null,
    hash_algorithm: null,
  };
}
