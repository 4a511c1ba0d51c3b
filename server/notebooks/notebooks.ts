import type { Readable } from 'node:stream';
import { noSuchNotebook, notANotebook } from '../documents/refusals.ts';
import { AppError, type KernelSummary, type NotebookSummary } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { isNotebookKey, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import { alreadyExists, copyObject, isPreconditionFailed } from '../bucket/move-object.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Versions } from '../versions/versions.ts';
import type { Checkpoints } from './checkpoints.ts';
import { newNotebook, notebookContentType, readNotebook, writeNotebook } from '../documents/nbformat.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import { readNotebookBytes } from '../documents/notebook-bytes.ts';
import { isPlaygroundKey } from '../documents/playground-key.ts';
import { createNotebookFacts } from './notebook-facts.ts';

/** Where notebooks live in a bucket. */
export const notebooksFolder = 'notebooks/';

/** A larger one is an object like any other: it can be put into Files, and not be opened. */

const readsAtOnce = 8;

export type Notebooks = ReturnType<typeof createNotebooks>;

/** Notebooks of a workspace: the objects `notebooks/**.ipynb` of its bucket, by their path below that folder. */
export function createNotebooks(deps: {
  buckets: Buckets;
  checkpoints: Checkpoints;
  documents: Pick<LiveDocuments, 'peopleIn' | 'isRunning'>;
  /** The kernel of that name that a new environment would have, or null. */
  kernelSummary: (name: string) => Promise<KernelSummary | null>;
  versions: Pick<Versions, 'mark'>;
}) {
  const { buckets, checkpoints, documents, kernelSummary, versions } = deps;
  const facts = createNotebookFacts(buckets);

  async function summary(owner: BucketOwner, info: ObjectInfo): Promise<NotebookSummary> {
    return {
      path: info.key.slice(notebooksFolder.length),
      size: info.size,
      generation: info.generation,
      ...(await facts.of(owner, info)),
      people: documents.peopleIn(owner, info.key).map(({ accountId, name }) => ({ id: accountId, name })),
      isRunning: documents.isRunning(owner, info.key),
      updatedAt: info.updatedAt.toISOString(),
      createdAt: info.createdAt.toISOString(),
    };
  }

  /**
   * Stores an uploaded notebook, its bytes as they came.
   * @throws AppError InvalidInput (not a notebook), TooLarge, PreconditionFailed, StorageFull
   */
  async function put(
    owner: BucketOwner,
    path: string,
    body: Readable,
    options: { ifGeneration?: string | undefined; signal?: AbortSignal; author?: Author } = {},
    kind: 'upload' | 'created' = 'upload',
  ): Promise<NotebookSummary> {
    const bytes = await readNotebookBytes(body, path);
    const reading = readNotebook(bytes);
    if (reading.kind === 'refused') throw notANotebook(path, reading.reason);
    const info = await buckets.put(owner, keyOf(path), bytes, { ...options, contentType: notebookContentType });
    if (!isPlaygroundKey(info.key)) {
      await versions.mark(owner, info.key, info.generation, { kind, author: options.author ?? null });
    }
    return summary(owner, info);
  }

  return {
    async list(owner: BucketOwner): Promise<NotebookSummary[]> {
      const infos: ObjectInfo[] = [];
      for await (const info of buckets.all(owner, notebooksFolder)) if (isListed(info.key)) infos.push(info);
      const summaries: NotebookSummary[] = [];
      for (let from = 0; from < infos.length; from += readsAtOnce) {
        const batch = infos.slice(from, from + readsAtOnce);
        summaries.push(...(await Promise.all(batch.map((info) => summary(owner, info)))));
      }
      return summaries;
    },

    /**
     * A notebook with one empty cell for that kernel; for Python where none is named.
     * @throws AppError InvalidInput (no such kernel), AlreadyExists
     */
    async create(
      owner: BucketOwner,
      path: string,
      kernel: string | undefined,
      author: Author,
    ): Promise<NotebookSummary> {
      const found = await kernelSummary(kernel ?? 'python3');
      if (found === null && kernel !== undefined) {
        const message = `There is no kernel "${kernel}" in the images here. Choose another, or leave it out.`;
        throw new AppError('InvalidInput', message, { fields: { kernel: message } });
      }
      const key = keyOf(path);
      const content = Buffer.from(writeNotebook(newNotebook(found)));
      try {
        const options = { contentType: notebookContentType, ifGeneration: 'absent', author };
        return await summary(owner, await buckets.put(owner, key, content, options));
      } catch (error) {
        throw isPreconditionFailed(error) ? alreadyExists(path, error) : error;
      }
    },

    /** @throws AppError NotFound, AlreadyExists */
    async copy(owner: BucketOwner, from: string, to: string, author: Author): Promise<NotebookSummary> {
      const info = await byPath(from, to, copyObject(buckets, owner, keyOf(from), keyOf(to)));
      await versions.mark(owner, info.key, info.generation, { kind: 'created', author });
      return summary(owner, info);
    },

    /** @throws AppError NotFound, AlreadyExists */
    async rename(owner: BucketOwner, from: string, to: string): Promise<NotebookSummary> {
      const info = await byPath(from, to, buckets.move(owner, keyOf(from), keyOf(to)));
      if (from !== to) await checkpoints.move(owner, keyOf(from), keyOf(to));
      return summary(owner, info);
    },

    /** @throws AppError NotFound */
    async delete(owner: BucketOwner, path: string): Promise<void> {
      if (!(await buckets.delete(owner, keyOf(path)))) throw noSuchNotebook(path);
      await checkpoints.deleteAll(owner, keyOf(path));
    },

    put,

    /**
     * Copies into another bucket, where the copy goes its own way.
     * @throws AppError NotFound, AlreadyExists, InvalidInput (not a notebook), StorageFull
     */
    async copyAcross(
      owner: BucketOwner,
      from: string,
      target: BucketOwner,
      to: string,
      author: Author,
    ): Promise<NotebookSummary> {
      const found = await buckets.get(owner, keyOf(from));
      if (found === null) throw noSuchNotebook(from);
      try {
        return await put(target, to, found.body, { ifGeneration: 'absent', author }, 'created');
      } catch (error) {
        throw isPreconditionFailed(error) ? alreadyExists(to, error) : error;
      }
    },
  };
}

export function keyOf(path: string): string {
  return notebooksFolder + path;
}

function isListed(key: string): boolean {
  return isNotebookKey(key) && !key.includes('/.ipynb_checkpoints/') && !isPlaygroundKey(key);
}

// Objects are named by their key; people know a notebook by its path.
async function byPath(from: string, to: string, operation: Promise<ObjectInfo>): Promise<ObjectInfo> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NotFound') throw noSuchNotebook(from);
    if (error instanceof AppError && error.code === 'AlreadyExists') throw alreadyExists(to, error);
    throw error;
  }
}
