import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import type { Buckets } from '../bucket/buckets.ts';
import { requiredGeneration, type Conditions } from '../bucket/http-conditions.ts';
import { alreadyExists, copyObject, isPreconditionFailed } from '../bucket/move-object.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Documents } from '../documents/live-document.ts';
import type { Checkpoints } from './checkpoints.ts';
import { checkWritable, createContentsDirectories } from './contents-directories.ts';
import { bucketDirectory, fileModel, isHidden, nameOf, parentOf, type ContentsScope } from './contents-model.ts';
import { copyNames, untitledNames } from './contents-names.ts';
import { invalid, noSuchFile, typeOf, type ContentsReader, type Entry } from './contents-read.ts';
import {
  newNotebook,
  notebookContentType,
  upgradeNotebook,
  writeNotebook,
  type Notebook,
} from '../documents/nbformat.ts';
import type { LastRead } from './last-read.ts';
import { notANotebook } from '../documents/refusals.ts';
import type { Uploads } from './uploads.ts';

/** What clients send: Jupyter's own send whole models back, so what is not known here is let pass. */
export const SaveModel = z.looseObject({
  type: z.string().nullish(),
  format: z.string().nullish(),
  content: z.unknown().optional(),
  chunk: z.int('"chunk" is a whole number.').nullish(),
});
export type SaveModel = z.infer<typeof SaveModel>;

export type ContentsWriter = ReturnType<typeof createContentsWriter>;

/** Changes the bucket's part of a Jupyter file tree. A change that fails leaves what was there. */
export function createContentsWriter(deps: {
  buckets: Buckets;
  reader: ContentsReader;
  checkpoints: Checkpoints;
  uploads: Uploads;
  documents: Pick<Documents, 'merge' | 'opened'>;
  lastRead: LastRead;
}) {
  const { buckets, reader, checkpoints, uploads, documents, lastRead } = deps;
  const directories = createContentsDirectories({ buckets, reader, checkpoints });

  async function saveNotebook(
    scope: ContentsScope,
    path: string,
    content: unknown,
    { ifGeneration, isNew }: { ifGeneration: string | undefined; isNew: boolean },
  ): Promise<Entry> {
    const reading = upgradeNotebook(content);
    if (reading.kind === 'refused') throw notANotebook(path, reading.reason);
    const info = await putNotebook(scope, path, reading.notebook, ifGeneration);
    lastRead.remember(scope, path, info.generation);
    await ensureCheckpoint(scope, path, isNew);
    const model = fileModel(scope, info, 'notebook');
    const entry = reading.problem === null ? model : { ...model, message: invalid(reading.problem) };
    return { model: entry, generation: info.generation };
  }

  /**
   * A save that does not say what it is based on is based on what this account was given last. What others changed since
   * then is kept beside it.
   */
  async function putNotebook(
    scope: ContentsScope,
    path: string,
    notebook: Notebook,
    ifGeneration: string | undefined,
  ): Promise<ObjectInfo> {
    const { owner, author } = scope;
    const base = ifGeneration === undefined ? lastRead.of(scope, path) : undefined;
    const current = base === undefined ? null : await buckets.head(owner, path);
    if (base !== undefined && current !== null) {
      const isOpen = documents.opened(owner, path) !== null;
      if (isOpen || current.generation !== base) {
        const outcome = await documents.merge(owner, path, { base, notebook, author });
        if (outcome.kind === 'conflict') throw changedByOthers(path, outcome.cells);
        const info = await buckets.head(owner, path);
        if (info !== null) return info;
      }
    }
    const options = { contentType: notebookContentType, ifGeneration: ifGeneration ?? current?.generation, author };
    return buckets.put(owner, path, Buffer.from(serialized(path, notebook)), options);
  }

  /** Clients expect that there is always something to go back to; of a file that is new, not to an older one's. */
  async function ensureCheckpoint(scope: ContentsScope, path: string, isNew: boolean): Promise<void> {
    try {
      if (isNew || (await checkpoints.list(scope.owner, path)).length === 0)
        await checkpoints.create(scope.owner, path);
    } catch (error) {
      // The notebook is saved by now, and must not be called unsaved for want of its checkpoint.
      if (!(error instanceof AppError)) throw error;
    }
  }

  async function saveChunk(
    scope: ContentsScope,
    path: string,
    model: SaveModel,
    options: { current: ObjectInfo | null; ifGeneration: string | undefined },
  ): Promise<Entry> {
    const chunk = model.chunk ?? 1;
    if (model.type !== 'file') {
      throw new AppError('InvalidInput', `File type "${String(model.type)}" is not supported for large file transfer`);
    }
    const id = `${scope.owner.bucket}\n${scope.author.accountId}\n${path}`;
    const size = await uploads.append(id, chunk, bytesOf(path, model));
    if (chunk !== -1) {
      // Until the last piece the file is what it was, or nothing.
      const now = new Date(scope.createdAt);
      const partial = options.current ?? {
        key: path,
        size,
        contentType: '',
        generation: '',
        updatedAt: now,
        createdAt: now,
      };
      return { model: { ...fileModel(scope, partial, 'file'), size }, generation: null };
    }
    const { ifGeneration } = options;
    const info = await uploads.finish(id, (body) => buckets.put(scope.owner, path, body, { ifGeneration }));
    return { model: fileModel(scope, info, typeOf(path)), generation: info.generation };
  }

  /** Puts something under the first free one of these names. */
  async function firstFree(
    scope: ContentsScope,
    directory: string,
    names: Iterable<string>,
    make: (path: string) => Promise<Entry>,
  ): Promise<Entry> {
    for (const name of names) {
      const path = `${directory}/${name}`;
      checkWritable(path);
      if (await reader.exists(scope, path)) continue;
      try {
        return await make(path);
      } catch (error) {
        // Someone else took the name between looking and writing.
        if (!isPreconditionFailed(error) && !(error instanceof AppError && error.code === 'AlreadyExists')) throw error;
      }
    }
    throw new AppError('AlreadyExists', `"${directory}" has too many files of that name. Give it a name of your own.`);
  }

  async function requireDirectory(scope: ContentsScope, path: string): Promise<void> {
    if (isHidden(path) || !(await reader.isDirectory(scope, path))) {
      throw new AppError('NotFound', `No such directory: ${path}`);
    }
  }

  return {
    /**
     * Writes a notebook, file or directory under its path.
     * @returns what was written, without content, and whether the path is new
     */
    async save(
      scope: ContentsScope,
      path: string,
      model: SaveModel,
      conditions: Conditions,
    ): Promise<Entry & { isNew: boolean }> {
      checkWritable(path);
      const current = path === bucketDirectory ? null : await buckets.head(scope.owner, path);
      const isDirectory = current === null && (await reader.isDirectory(scope, path));
      const isNew = current === null && !isDirectory;
      const type = knownType(model.type) ?? typeOf(path);
      if (type === 'directory') {
        if (current !== null) throw new AppError('InvalidInput', `Not a directory: ${path}`);
        return { ...(await directories.make(scope, path)), isNew };
      }
      if (isDirectory) throw new AppError('InvalidInput', `"${path}" is a folder, so no file can be saved there.`);
      if (isNew && parentOf(path) !== bucketDirectory && (await buckets.head(scope.owner, parentOf(path))) !== null) {
        throw new AppError('InvalidInput', `"${parentOf(path)}" is a file, so nothing can be saved in it.`);
      }
      const ifGeneration = requiredGeneration(conditions, path, current);
      if (typeof model.chunk === 'number') {
        const chunk = { current, ifGeneration };
        return { ...(await saveChunk(scope, path, model, chunk)), isNew };
      }
      if (model.content === undefined && !isNew) throw new AppError('InvalidInput', 'No file content provided');
      if (type === 'notebook') {
        const content = model.content ?? newNotebook(null);
        return { ...(await saveNotebook(scope, path, content, { ifGeneration, isNew })), isNew };
      }
      const given = model.content === undefined ? { ...model, content: '', format: 'text' } : model;
      const info = await buckets.put(scope.owner, path, bytesOf(path, given), { ifGeneration });
      return { model: fileModel(scope, info, 'file'), generation: info.generation, isNew };
    },

    async createUntitled(
      scope: ContentsScope,
      directory: string,
      type: string | undefined,
      ext: string,
    ): Promise<Entry> {
      await requireDirectory(scope, directory);
      const kind = knownType(type) ?? (ext === '.ipynb' ? 'notebook' : 'file');
      return firstFree(scope, directory, untitledNames(kind, ext), async (path) => {
        if (kind === 'directory') return directories.make(scope, path);
        if (kind === 'notebook') {
          return saveNotebook(scope, path, newNotebook(null), { ifGeneration: 'absent', isNew: true });
        }
        const info = await buckets.put(scope.owner, path, new Uint8Array(), { ifGeneration: 'absent' });
        return { model: fileModel(scope, info, 'file'), generation: info.generation };
      });
    },

    /**
     * Copies a file or folder into a directory, under a free name made from its own; or, where `to` does not exist, to
     * that path.
     */
    async copy(scope: ContentsScope, from: string, to: string): Promise<Entry> {
      checkWritable(from);
      checkWritable(to);
      const isFile = (await buckets.head(scope.owner, from)) !== null;
      if (!isFile && !(await reader.isDirectory(scope, from))) throw noSuchFile(from);
      const isInto = await reader.isDirectory(scope, to);
      // A folder is copied into `to` even where that has to be made first.
      if (!isFile) {
        const names = copyNames(nameOf(from));
        return firstFree(scope, to, names, (path) => directories.copy(scope, from, path));
      }
      const directory = isInto ? to : parentOf(to);
      await requireDirectory(scope, directory);
      return firstFree(scope, directory, isInto ? copyNames(nameOf(from)) : [nameOf(to)], async (path) => {
        const info = await copyObject(buckets, scope.owner, from, path);
        return { model: fileModel(scope, info, typeOf(path)), generation: info.generation };
      });
    },

    /** Stores bytes that come from elsewhere in a directory, under the first free one of these names. */
    async add(scope: ContentsScope, directory: string, names: Iterable<string>, bytes: Buffer): Promise<Entry> {
      await requireDirectory(scope, directory);
      return firstFree(scope, directory, names, async (path) => {
        const info = await buckets.put(scope.owner, path, bytes, { ifGeneration: 'absent' });
        return { model: fileModel(scope, info, typeOf(path)), generation: info.generation };
      });
    },

    /** @throws AppError NotFound, AlreadyExists */
    async rename(scope: ContentsScope, from: string, to: string): Promise<Entry> {
      if (from === bucketDirectory)
        throw new AppError('InvalidInput', `The folder "${bucketDirectory}" keeps its name.`);
      checkWritable(from);
      checkWritable(to);
      const isFile = (await buckets.head(scope.owner, from)) !== null;
      if (!isFile && !(await reader.isDirectory(scope, from))) throw noSuchFile(from);
      if (from !== to) {
        if (await reader.exists(scope, to)) throw alreadyExists(to);
        await requireDirectory(scope, parentOf(to));
        if (isFile) {
          await buckets.move(scope.owner, from, to);
          await checkpoints.move(scope.owner, from, to);
        } else {
          await directories.move(scope, from, to);
        }
        await directories.keep(scope, parentOf(from));
      }
      const options = { content: false, type: undefined, format: undefined, hash: false } as const;
      return reader.get(scope, to, options);
    },

    /** @throws AppError NotFound, PreconditionFailed */
    async delete(scope: ContentsScope, path: string, ifGeneration?: string): Promise<void> {
      if (path === bucketDirectory) {
        throw new AppError(
          'InvalidInput',
          `The folder "${bucketDirectory}" is the workspace's own and stays. Delete what is in it.`,
        );
      }
      checkWritable(path);
      const wasFile = await buckets.delete(scope.owner, path, { ifGeneration });
      if (wasFile) await checkpoints.deleteAll(scope.owner, path);
      else if (!(await buckets.deleteFolder(scope.owner, `${path}/`))) throw noSuchFile(path);
      else await buckets.deleteFolder(scope.owner, `.checkpoints/${path}/`);
      await directories.keep(scope, parentOf(path));
    },
  };
}

function changedByOthers(path: string, cells: readonly string[]): AppError {
  const which =
    cells.length === 1 ? 'A cell that you changed was' : `${String(cells.length)} cells that you changed were`;
  return new AppError(
    'NotPossibleNow',
    `${which} changed by somebody else since you read "${path}", so nothing was saved. Read it again, then decide.`,
    { details: { cells } },
  );
}

function knownType(type: string | null | undefined): 'notebook' | 'file' | 'directory' | undefined {
  if (type === undefined || type === null || type === '') return undefined;
  return type === 'notebook' || type === 'directory' ? type : 'file';
}

function serialized(path: string, notebook: Parameters<typeof writeNotebook>[0]): string {
  try {
    return writeNotebook(notebook);
  } catch (error) {
    if (error instanceof RangeError) throw notANotebook(path, 'its JSON is nested too deeply.');
    throw error;
  }
}

function bytesOf(path: string, model: SaveModel): Buffer {
  const { content, format } = model;
  if (content === undefined || content === null) throw new AppError('InvalidInput', 'No file content provided');
  if (typeof content !== 'string') throw new AppError('InvalidInput', `The content of "${path}" is not text.`);
  if (format === 'text') return Buffer.from(content, 'utf8');
  if (format !== 'base64') {
    throw new AppError('InvalidInput', "Must specify format of file contents as 'text' or 'base64'");
  }
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) {
    throw new AppError('InvalidInput', `The content of "${path}" is not base64. Nothing was saved.`);
  }
  return Buffer.from(content, 'base64');
}
