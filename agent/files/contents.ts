import { cp, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { HttpError } from '../http-error.ts';
import { errnoOf } from '../log.ts';
import { isRecord } from '../router.ts';
import { apiPathOf, checkNewName, isHidden, resolveDiskPath, type DiskPath } from './disk-path.ts';
import { absent, readModel, type ContentsModel, type ContentsType, type ReadOptions } from './model.ts';
import { emptyNotebook, writeNotebook } from './notebook.ts';
import { Uploads } from './uploads.ts';
import { writeWhole } from './write-file.ts';

export type Body = Readonly<Record<string, unknown>>;

export interface Access {
  /** Hidden files are absent to readers and refused to writers unless asked for. */
  readonly withHidden: boolean;
}

/** The files of the disk, as jupyter_server's contents API treats them. */
export class Contents {
  readonly #home: string;
  readonly #onWrite: () => void;
  readonly #uploads = new Uploads();

  constructor(home: string, onWrite: () => void) {
    this.#home = home;
    this.#onWrite = onWrite;
  }

  async read(text: string, options: ReadOptions): Promise<ContentsModel> {
    return readModel(await this.#at(text), options);
  }

  /** @returns the model without contents, and whether the path is new */
  async save(
    text: string,
    body: Body,
    access: Access & { withHash: boolean },
  ): Promise<{ model: ContentsModel; isNew: boolean }> {
    if (body['copy_from'] !== undefined && body['copy_from'] !== null) {
      throw new HttpError(400, 'Cannot copy with PUT, only POST');
    }
    // Old clients say the path in the body too; it may not name what the address may not.
    if (typeof body['path'] === 'string') await this.#writable(body['path'], access, 'create');
    const at = await this.#writable(text, access, 'create');
    if (at.api === '') throw new HttpError(400, 'The disk itself cannot be written; name a file.');
    const type = typeOf(body['type']);
    if (type === null) throw new HttpError(400, 'No file type provided');
    if (!at.exists) checkNewName(at.name);
    const chunk = body['chunk'];
    if (type !== 'directory' && (body['content'] === undefined || body['content'] === null)) {
      throw new HttpError(400, 'No file content provided');
    }
    const isFolder = at.exists && (await stat(at.target)).isDirectory();
    if (type === 'directory') {
      if (at.exists && !isFolder) throw new HttpError(400, `Not a directory: ${at.api}`);
      if (!at.exists) await mkdir(at.target);
    } else if (isFolder) throw new HttpError(400, `${at.api} is a directory, not a ${type}`, 'bad type');
    else if (chunk !== undefined && chunk !== null) {
      const arrived = await this.#addChunk(at, type, chunk, body);
      if (arrived !== null) return { model: arrived, isNew: !at.exists };
    } else await writeWhole(at.target, bytesOf(type, body));
    this.#onWrite();
    const model = await this.read(at.api, {
      type,
      withContent: false,
      withHash: access.withHash && type !== 'directory',
      withHidden: true,
    });
    return { model, isNew: !at.exists };
  }

  /** Makes an empty file, notebook or folder with the first free name. */
  async createUntitled(text: string, asked: { type: unknown; ext: unknown }, access: Access): Promise<ContentsModel> {
    const folder = await this.#folder(text, access, 'create');
    const extension = typeof asked.ext === 'string' ? asked.ext : '';
    const type = typeOf(asked.type) ?? (extension === '.ipynb' ? 'notebook' : 'file');
    const [stem, suffix, gap] =
      type === 'directory'
        ? ['Untitled Folder', '', ' ']
        : type === 'notebook'
          ? ['Untitled', '.ipynb', '']
          : ['untitled', extension, ''];
    checkNewName(`${stem}${suffix}`);
    const taken = new Set(await readdir(folder.target));
    const name = freeName((n) => `${stem}${n === 0 ? '' : `${gap}${String(n)}`}${suffix}`, taken);
    const content = type === 'notebook' ? emptyNotebook : '';
    const body = type === 'directory' ? { type } : { type, content, format: type === 'file' ? 'text' : 'json' };
    return (await this.save(`${folder.api}/${name}`, body, { ...access, withHash: false })).model;
  }

  async copy(from: string, intoFolder: string, access: Access): Promise<ContentsModel> {
    const source = await this.#writable(from, access, 'copy');
    const folder = await this.#folder(intoFolder, access, 'copy');
    if (!source.exists || source.api === '') throw absent(source.api);
    if (folder.target === source.target || folder.target.startsWith(`${source.target}/`)) {
      throw new HttpError(400, `Cannot copy ${source.api} into itself.`);
    }
    const { name: stem, ext } = path.parse(source.name);
    const base = stem.replace(/-Copy\d*$/, '');
    const taken = new Set(await readdir(folder.target));
    const name = taken.has(source.name) ? freeName((n) => `${base}-Copy${String(n + 1)}${ext}`, taken) : source.name;
    checkNewName(name);
    const target = path.join(folder.target, name);
    try {
      if ((await stat(source.target)).isDirectory())
        await cp(source.target, target, { recursive: true, errorOnExist: true });
      else await writeWhole(target, await readFile(source.target));
    } catch (error) {
      // Half a copy looks like a whole one.
      await rm(target, { recursive: true, force: true });
      throw error;
    }
    this.#onWrite();
    return this.read(`${folder.api}/${name}`, { withContent: false, withHash: false, withHidden: true });
  }

  async rename(from: string, to: unknown, access: Access): Promise<ContentsModel> {
    if (typeof to !== 'string') return this.read(from, { withContent: false, withHash: false, ...access });
    const source = await this.#writable(from, access, 'rename');
    const target = await this.#writable(to, access, 'rename');
    if (source.api === '' || target.api === '') throw new HttpError(400, 'The disk itself cannot be renamed.');
    if (!source.exists) throw new HttpError(404, `File or directory does not exist: ${source.api}`);
    if (source.entry !== target.entry) {
      if (target.exists) throw new HttpError(409, `File already exists: ${target.api}`);
      checkNewName(target.name);
      try {
        await rename(source.entry, target.entry);
      } catch (error) {
        if (errnoOf(error) === 'EINVAL') throw new HttpError(400, `Cannot move ${source.api} into itself.`);
        throw error;
      }
      this.#onWrite();
    }
    return this.read(target.api, { withContent: false, withHash: false, withHidden: true });
  }

  async remove(text: string, access: Access): Promise<void> {
    const at = await this.#writable(text, access, 'delete');
    if (at.api === '') throw new HttpError(400, 'The disk itself cannot be deleted.');
    if (!at.exists) throw absent(at.api);
    await rm(at.entry, { recursive: true });
    this.#onWrite();
  }

  /** A file that checkpoints can be made of. */
  async fileAt(text: string, access: Access): Promise<DiskPath> {
    const at = await this.#at(text);
    if (!at.exists || (isHidden(at.api) && !access.withHidden) || !(await stat(at.target)).isFile())
      throw absent(at.api);
    return at;
  }

  #at(text: string): Promise<DiskPath> {
    return resolveDiskPath(this.#home, text);
  }

  async #writable(text: string, access: Access, verb: string): Promise<DiskPath> {
    // Whether the folder exists is nobody's business when the name alone is refused.
    const api = apiPathOf(text);
    if (isHidden(api) && !access.withHidden) {
      throw new HttpError(400, `Cannot ${verb} file or directory ${JSON.stringify(api)}: its name starts with a dot.`);
    }
    return this.#at(text);
  }

  async #folder(text: string, access: Access, verb: string): Promise<DiskPath> {
    const at = await this.#writable(text, access, verb);
    if (!at.exists) throw new HttpError(404, `No such directory: ${at.api}`);
    if (!(await stat(at.target)).isDirectory()) throw new HttpError(400, 'Cannot POST to files, use PUT instead.');
    return at;
  }

  /** @returns what to answer while chunks are missing, or null when the file is complete */
  async #addChunk(at: DiskPath, type: ContentsType, chunk: unknown, body: Body): Promise<ContentsModel | null> {
    if (type !== 'file') throw new HttpError(400, `File type "${type}" is not supported for large file transfer`);
    if (typeof chunk !== 'number' || !Number.isInteger(chunk)) throw new HttpError(400, 'A chunk is a whole number.');
    const { bytes, isComplete } = await this.#uploads.add(at.target, chunk, bytesOf(type, body));
    if (isComplete) return null;
    const now = new Date().toISOString();
    return {
      name: at.name,
      path: at.api,
      type,
      last_modified: now,
      created: now,
      content: null,
      format: null,
      mimetype: null,
      size: bytes,
      writable: true,
      hash: null,
      hash_algorithm: null,
    };
  }
}

function typeOf(value: unknown): ContentsType | null {
  if (typeof value !== 'string' || value === '') return null;
  return value === 'directory' || value === 'notebook' ? value : 'file';
}

function bytesOf(type: 'file' | 'notebook', { content, format }: Body): Buffer {
  if (type === 'notebook') {
    if (!isRecord(content)) throw new HttpError(400, 'The content of a notebook must be its nbformat JSON.');
    return writeNotebook(content);
  }
  if ((format !== 'text' && format !== 'base64') || typeof content !== 'string') {
    throw new HttpError(400, "Must specify format of file contents as 'text' or 'base64'");
  }
  if (format === 'text') return Buffer.from(content);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw new HttpError(400, 'The content is not base64.');
  return Buffer.from(content, 'base64');
}

function freeName(nameOf: (attempt: number) => string, taken: ReadonlySet<string>): string {
  for (let attempt = 0; ; attempt++) {
    const name = nameOf(attempt);
    if (!taken.has(name)) return name;
  }
}
