import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { AppError } from '@terrarium/contract';
import type { Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import {
  bucketDirectory,
  directoryModel,
  fileModel,
  isHidden,
  isListed,
  isNotebookName,
  nameOf,
  type ContentsModel,
  type ContentsScope,
} from './contents-model.ts';
import { notebookByteLimit, readNotebook } from '../documents/nbformat.ts';
import type { LastRead } from './last-read.ts';
import { notANotebook } from '../documents/refusals.ts';

export interface ContentsQuery {
  readonly content: boolean;
  readonly type: 'notebook' | 'file' | 'directory' | undefined;
  readonly format: 'text' | 'base64' | undefined;
  readonly hash: boolean;
}

/** What a path in the bucket is, and its entity tag's generation if it is an object. */
export interface Entry {
  readonly model: ContentsModel;
  readonly generation: string | null;
}

export type ContentsReader = ReturnType<typeof createContentsReader>;

const keptHashes = 20_000;

/** Reads the bucket's part of a Jupyter file tree. */
export function createContentsReader(buckets: Buckets, lastRead: LastRead) {
  const hashes = new Map<string, string>();

  function remember(scope: ContentsScope, info: ObjectInfo, hash: string): string {
    const oldest = hashes.keys().next();
    if (hashes.size >= keptHashes && oldest.done !== true) hashes.delete(oldest.value);
    hashes.set(`${scope.owner.bucket}\n${info.key}\n${info.generation}`, hash);
    return hash;
  }

  async function hashOf(scope: ContentsScope, info: ObjectInfo, bytes: Buffer | null): Promise<string> {
    const known = hashes.get(`${scope.owner.bucket}\n${info.key}\n${info.generation}`);
    if (known !== undefined) return known;
    if (bytes !== null) return remember(scope, info, createHash('sha256').update(bytes).digest('hex'));
    const found = await buckets.get(scope.owner, info.key, { generation: info.generation });
    if (found === null) throw noSuchFile(info.key);
    const hash = createHash('sha256');
    // A byte stream gives Buffers.
    for await (const chunk of found.body) hash.update(chunk as Buffer);
    return remember(scope, info, hash.digest('hex'));
  }

  async function isDirectory(scope: ContentsScope, path: string): Promise<boolean> {
    if (path === bucketDirectory) return true;
    const { objects, folders } = await buckets.list(scope.owner, { prefix: `${path}/`, delimiter: '/', limit: 1 });
    return objects.length + folders.length > 0;
  }

  async function directory(scope: ContentsScope, path: string): Promise<ContentsModel> {
    const prefix = `${path}/`;
    const entries: ContentsModel[] = [];
    const folders: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await buckets.list(scope.owner, { prefix, delimiter: '/', pageToken });
      folders.push(...page.folders.map((folder) => folder.slice(0, -1)));
      for (const info of page.objects) {
        if (info.key !== prefix && isListed(nameOf(info.key))) entries.push(fileModel(scope, info, typeOf(info.key)));
      }
      pageToken = page.nextPageToken ?? undefined;
    } while (pageToken !== undefined);
    for (const folder of folders.filter((one) => isListed(nameOf(one)))) {
      entries.push(directoryModel(scope, folder, await buckets.head(scope.owner, `${folder}/`)));
    }
    return directoryModel(scope, path, await buckets.head(scope.owner, prefix), entries);
  }

  async function file(scope: ContentsScope, info: ObjectInfo, query: ContentsQuery): Promise<Entry> {
    const type =
      query.type === 'notebook' || (query.type === undefined && isNotebookName(info.key)) ? 'notebook' : 'file';
    if (!query.content) {
      const model = fileModel(scope, info, type);
      return {
        model: query.hash ? hashed(model, await hashOf(scope, info, null)) : model,
        generation: info.generation,
      };
    }
    if (info.size > notebookByteLimit) {
      const most = `${String(notebookByteLimit / 1024 / 1024)} MiB`;
      throw new AppError('TooLarge', `"${info.key}" is larger than ${most}, too large to open. Download it instead.`);
    }
    const found = await buckets.get(scope.owner, info.key);
    if (found === null) throw noSuchFile(info.key);
    const bytes = await buffer(found.body);
    const base = fileModel(scope, found.info, type);
    if (type === 'notebook') lastRead.remember(scope, info.key, found.info.generation);
    const model = type === 'notebook' ? withNotebook(base, bytes) : withBytes(base, bytes, query.format);
    return {
      model: query.hash ? hashed(model, await hashOf(scope, found.info, bytes)) : model,
      generation: found.info.generation,
    };
  }

  return {
    isDirectory,

    async exists(scope: ContentsScope, path: string): Promise<boolean> {
      return (await buckets.head(scope.owner, path)) !== null || (await isDirectory(scope, path));
    },

    /** @throws AppError NotFound, InvalidInput (not of that type; not a notebook), TooLarge */
    async get(scope: ContentsScope, path: string, query: ContentsQuery): Promise<Entry> {
      if (isHidden(path)) throw noSuchFile(path);
      const info = path === bucketDirectory ? null : await buckets.head(scope.owner, path);
      if (info !== null && query.type !== 'directory') return file(scope, info, query);
      if (await isDirectory(scope, path)) {
        if (query.type !== undefined && query.type !== 'directory') {
          throw new AppError('InvalidInput', `${path} is a directory, not a ${query.type}`);
        }
        const marker = query.content ? null : await buckets.head(scope.owner, `${path}/`);
        const model = query.content ? await directory(scope, path) : directoryModel(scope, path, marker);
        return { model, generation: null };
      }
      if (info !== null) throw new AppError('InvalidInput', `${path} is not a directory`);
      throw noSuchFile(path);
    },
  };
}

export function typeOf(path: string): 'notebook' | 'file' {
  return isNotebookName(path) ? 'notebook' : 'file';
}

export function noSuchFile(path: string): AppError {
  return new AppError('NotFound', `There is no file or folder "${path}" here.`);
}

function withNotebook(model: ContentsModel, bytes: Buffer): ContentsModel {
  const reading = readNotebook(bytes);
  if (reading.kind === 'refused') throw notANotebook(model.path, reading.reason);
  const { notebook, problem } = reading;
  return { ...model, content: notebook, format: 'json', ...(problem === null ? {} : { message: invalid(problem) }) };
}

export function invalid(problem: string): string {
  return `Notebook validation failed: ${problem}`;
}

function withBytes(model: ContentsModel, bytes: Buffer, format: 'text' | 'base64' | undefined): ContentsModel {
  const text = format === 'base64' ? null : decoded(bytes);
  if (text === null && format === 'text') {
    throw new AppError('InvalidInput', `${model.path} is not UTF-8 encoded, so it cannot be opened as text.`);
  }
  return text === null
    ? {
        ...model,
        content: bytes.toString('base64'),
        format: 'base64',
        mimetype: model.mimetype ?? 'application/octet-stream',
      }
    : { ...model, content: text, format: 'text', mimetype: model.mimetype ?? 'text/plain' };
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function hashed(model: ContentsModel, hash: string): ContentsModel {
  return { ...model, hash, hash_algorithm: 'sha256' };
}
