import type { Readable } from 'node:stream';
import { AppError, objectKeyProblem, type BucketObject, type ChangeEvent } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { contentTypeFor } from './content-type.ts';
import { changedMeanwhile, etagOf } from './http-conditions.ts';
import { moveObject } from './move-object.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';

/** The workspace whose bucket is meant. */
export interface BucketOwner {
  readonly id: string;
  readonly bucket: string;
}

export interface ObjectPage {
  readonly objects: ObjectInfo[];
  readonly folders: string[];
  readonly nextPageToken: string | null;
}

export interface Buckets {
  /** Makes the bucket if it is not there yet. Every other call does so by itself. */
  ensure(owner: BucketOwner): Promise<void>;
  /** Removes the bucket with everything in it. */
  remove(owner: BucketOwner): Promise<void>;
  head(owner: BucketOwner, key: string): Promise<ObjectInfo | null>;
  get(
    owner: BucketOwner,
    key: string,
    options?: { range?: { start: number; end: number }; generation?: string },
  ): Promise<{ info: ObjectInfo; body: Readable } | null>;
  /**
   * Writes an object durably; `contentType` falls back to the extension's. A key that ends in a slash is a folder, and
   * holds nothing.
   * @throws AppError InvalidInput, PreconditionFailed, StorageFull, DriverUnavailable  nothing was written
   */
  put(
    owner: BucketOwner,
    key: string,
    body: Readable | Uint8Array,
    options?: {
      contentType?: string | undefined;
      ifGeneration?: string | undefined;
      signal?: AbortSignal;
      /** For the history of a notebook. */
      author?: Author | undefined;
    },
  ): Promise<ObjectInfo>;
  /**
   * Deletes this one object; of a folder only its marker.
   * @returns false when there was nothing to delete
   */
  delete(owner: BucketOwner, key: string, options?: { ifGeneration?: string | undefined }): Promise<boolean>;
  /**
   * Deletes a folder, named with its trailing slash, and all in it.
   * @returns false when there was nothing to delete
   */
  deleteFolder(owner: BucketOwner, folder: string): Promise<boolean>;
  list(
    owner: BucketOwner,
    options?: {
      prefix?: string | undefined;
      delimiter?: '/' | undefined;
      pageToken?: string | undefined;
      limit?: number;
    },
  ): Promise<ObjectPage>;
  /** Every object below `prefix`, page after page. */
  all(owner: BucketOwner, prefix: string): AsyncIterable<ObjectInfo>;
  copy(owner: BucketOwner, from: string, to: string, options?: { ifGeneration?: string }): Promise<ObjectInfo>;
  /**
   * Gives an object another key. Nothing is lost whenever it stops.
   * @throws AppError NotFound, AlreadyExists
   */
  move(owner: BucketOwner, from: string, to: string): Promise<ObjectInfo>;
  /** Older generations of a key, newest first. */
  versions(owner: BucketOwner, key: string): Promise<ObjectInfo[]>;
  /** Keys below `prefix` that have older generations. */
  versionedKeys(owner: BucketOwner, prefix: string): Promise<string[]>;
  /** @returns false when there was no such older generation */
  deleteVersion(owner: BucketOwner, key: string, generation: string): Promise<boolean>;
}

/** Objects of workspaces: keys checked, buckets made when first needed, every change told. */
export function createBuckets(deps: { store: ObjectStore; events: { publish(event: ChangeEvent): void } }): Buckets {
  const { store, events } = deps;
  const ensured = new Map<string, Promise<void>>();

  function ensure(owner: BucketOwner): Promise<void> {
    let pending = ensured.get(owner.bucket);
    if (pending === undefined) {
      pending = store.createBucket(owner.bucket).catch((error: unknown) => {
        ensured.delete(owner.bucket);
        throw error;
      });
      ensured.set(owner.bucket, pending);
    }
    return pending;
  }

  function changed(owner: BucketOwner, key: string): void {
    events.publish({ kind: 'object', id: key, workspaceId: owner.id });
    if (isNotebookKey(key) || 'notebooks/'.startsWith(key) || (key.startsWith('notebooks/') && key.endsWith('/'))) {
      events.publish({ kind: 'notebook', id: key, workspaceId: owner.id });
    }
  }

  async function* all(owner: BucketOwner, prefix: string): AsyncIterable<ObjectInfo> {
    await ensure(owner);
    let pageToken: string | null = null;
    do {
      const page = await store.list(owner.bucket, { prefix, ...(pageToken === null ? {} : { pageToken }) });
      yield* page.objects;
      pageToken = page.nextPageToken;
    } while (pageToken !== null);
  }

  async function deleteFolder(owner: BucketOwner, folder: string): Promise<boolean> {
    checkKey(folder);
    if (!folder.endsWith('/')) throw new Error(`not a folder: ${folder}`);
    // Read the whole list first: pages are not promised to hold still while what they list is deleted.
    const keys: string[] = [];
    for await (const info of all(owner, folder)) keys.push(info.key);
    // The marker goes last, so that an interrupted deletion leaves a folder that can be deleted again.
    keys.sort((a, b) => b.length - a.length);
    for (const key of keys) await store.delete(owner.bucket, key);
    if (keys.length > 0) changed(owner, folder);
    return keys.length > 0;
  }

  const buckets: Buckets = {
    ensure,
    all,
    deleteFolder,
    move: (owner, from, to) => moveObject(buckets, owner, from, to),

    async remove(owner) {
      await store.deleteBucket(owner.bucket);
      ensured.delete(owner.bucket);
    },

    async head(owner, key) {
      checkKey(key);
      await ensure(owner);
      return store.head(owner.bucket, key);
    },

    async get(owner, key, options = {}) {
      checkKey(key);
      await ensure(owner);
      return store.get(owner.bucket, key, options);
    },

    async put(owner, key, body, { contentType, ifGeneration, signal } = {}) {
      checkKey(key);
      await ensure(owner);
      const content = key.endsWith('/') ? await nothingIn(key, body) : body;
      const options = {
        contentType: contentTypeFor(key, contentType),
        ...(ifGeneration === undefined ? {} : { ifGeneration }),
        ...(signal === undefined ? {} : { signal }),
      };
      try {
        const info = await store.put(owner.bucket, key, content, options);
        changed(owner, key);
        return info;
      } catch (error) {
        throw await explained(owner, key, ifGeneration, error);
      }
    },

    async delete(owner, key, { ifGeneration } = {}) {
      checkKey(key);
      await ensure(owner);
      try {
        const existed = await store.delete(owner.bucket, key, ifGeneration === undefined ? {} : { ifGeneration });
        if (existed) changed(owner, key);
        return existed;
      } catch (error) {
        throw await explained(owner, key, ifGeneration, error);
      }
    },

    async list(owner, { prefix = '', delimiter, pageToken, limit } = {}) {
      await ensure(owner);
      return store.list(owner.bucket, {
        prefix,
        ...(delimiter === undefined ? {} : { delimiter }),
        ...(pageToken === undefined ? {} : { pageToken }),
        ...(limit === undefined ? {} : { limit }),
      });
    },

    async copy(owner, from, to, { ifGeneration } = {}) {
      checkKey(from);
      checkKey(to);
      await ensure(owner);
      try {
        const info = await store.copy(owner.bucket, from, to, ifGeneration === undefined ? {} : { ifGeneration });
        changed(owner, to);
        return info;
      } catch (error) {
        throw await explained(owner, to, ifGeneration, error);
      }
    },

    async versions(owner, key) {
      checkKey(key);
      await ensure(owner);
      return store.versions(owner.bucket, key);
    },

    async versionedKeys(owner, prefix) {
      await ensure(owner);
      return store.versionedKeys(owner.bucket, prefix);
    },

    async deleteVersion(owner, key, generation) {
      checkKey(key);
      await ensure(owner);
      return store.deleteVersion(owner.bucket, key, generation);
    },
  };
  return buckets;

  // A driver knows that a generation did not match; what that means to a person is said here.
  async function explained(
    owner: BucketOwner,
    key: string,
    wanted: string | undefined,
    error: unknown,
  ): Promise<unknown> {
    if (!(error instanceof AppError) || error.code !== 'PreconditionFailed') return error;
    return changedMeanwhile(key, await store.head(owner.bucket, key), wanted === 'absent');
  }
}

export function isNotebookKey(key: string): boolean {
  return key.startsWith('notebooks/') && key.endsWith('.ipynb');
}

/** Whether all older generations of a key stay, until they are deleted one by one: they are a notebook's history. */
export function keepsVersions(key: string): boolean {
  return isNotebookKey(key) && !/\/\.(ipynb_checkpoints|playground)\//.test(key);
}

export function toBucketObject(info: ObjectInfo): BucketObject {
  return {
    key: info.key,
    size: info.size,
    contentType: info.contentType,
    generation: info.generation,
    etag: etagOf(info),
    updatedAt: info.updatedAt.toISOString(),
    createdAt: info.createdAt.toISOString(),
  };
}

function checkKey(key: string): void {
  const problem = objectKeyProblem(key);
  if (problem !== undefined) throw new AppError('InvalidInput', problem, { fields: { key: problem } });
}

async function nothingIn(key: string, body: Readable | Uint8Array): Promise<Uint8Array> {
  let size = 0;
  if (body instanceof Uint8Array) size = body.byteLength;
  else {
    for await (const chunk of body) {
      // A byte stream gives Buffers.
      size += (chunk as Buffer).byteLength;
      if (size > 0) break;
    }
  }
  if (size > 0) {
    throw new AppError('InvalidInput', `"${key}" ends in a slash, so it is a folder and holds no bytes of its own.`);
  }
  return new Uint8Array();
}
