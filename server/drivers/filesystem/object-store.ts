import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, objectKeyProblem } from '@terrarium/contract';
import type { ObjectInfo, ObjectStore } from '../../bucket/object-store.ts';
import { systemClock, type Clock } from '../../plumbing/clock.ts';
import { syncDirectory } from '../../plumbing/sync-directory.ts';
import { decodePageToken, listPage } from './listing.ts';
import { never, openObjectIndex, type StoredObject } from './store.ts';
import { createView } from './view.ts';

/** Each part of a file is a trip to the thread that reads it. */
const readBytes = 256 * 1024;
const keptVersions = 20;
const keptVersionMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Objects as files below `directory`:
 * - `index.db` says which objects exist and which blob holds each; its commit is the moment a put happens
 * - `blobs/` holds the bytes, one immutable file for each generation
 * - `buckets/<bucket>/<key>` shows the live objects under their own names, for people (see view.ts)
 * - `incoming/` holds links on their way into that tree
 *
 * INVARIANT: a blob is complete and synced before the index names it, and removed only after no row names it. What a
 * kill leaves in `blobs/` is named by no row and swept at the next open.
 * INVARIANT: checking a precondition and writing the row is one synchronous transaction, so of two puts over the same
 * generation exactly one wins.
 */
export function createFilesystemObjectStore(options: {
  directory: string;
  clock?: Clock;
  /** Keys whose versions stay until they are deleted; of others the last 20 stay for at most 30 days. */
  keepsVersions?: (key: string) => boolean;
}): ObjectStore & { close(): Promise<void> } {
  const clock = options.clock ?? systemClock;
  const keepsVersions = options.keepsVersions ?? (() => false);
  const incoming = path.join(options.directory, 'incoming');
  const blobs = path.join(options.directory, 'blobs');
  for (const directory of [options.directory, incoming, blobs]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const index = openObjectIndex(path.join(options.directory, 'index.db'));
  const view = createView({ root: path.join(options.directory, 'buckets'), blobs, incoming }, index);
  let closed = false;
  sweep();
  // A full disk here only leaves the tree behind until the next open.
  const caughtUp = catchUpView().catch(() => undefined);

  function sweep(): void {
    for (const name of readdirSync(incoming)) rmSync(path.join(incoming, name), { recursive: true, force: true });
    index.transaction(() => {
      index.keepVersions(keepsVersions);
      for (const name of readdirSync(blobs)) {
        if (!index.hasBlob(name)) rmSync(path.join(blobs, name), { force: true });
      }
    });
  }

  async function catchUpView(): Promise<void> {
    for (const { bucket, key } of index.viewDue()) {
      if (closed) return;
      await view.refresh(bucket, key);
      index.settleView(bucket, key);
    }
  }

  function checked(bucket: string, key: string): void {
    checkBucket(bucket);
    const problem = objectKeyProblem(key);
    if (problem !== undefined) throw new AppError('InvalidInput', problem, { details: { key } });
  }

  function requireBucket(bucket: string): void {
    checkBucket(bucket);
    if (!index.hasBucket(bucket)) throw new AppError('NotFound', `There is no bucket '${bucket}'.`);
  }

  /** Makes the blob the live object, if the precondition still holds. Removes the blob when it does not. */
  async function commit(
    bucket: string,
    key: string,
    made: { blob: string; size: number; contentType: string },
    ifGeneration: string | undefined,
  ): Promise<ObjectInfo> {
    let dropped: string[] = [];
    let info: ObjectInfo;
    try {
      info = index.transaction(() => {
        requireBucket(bucket);
        const before = index.live(bucket, key);
        checkPrecondition(key, before, ifGeneration);
        const now = clock.now();
        if (before !== null) retire(bucket, key, now);
        const generation = index.nextGeneration(now);
        const { size, contentType, blob } = made;
        const createdAt = before?.info.createdAt ?? new Date(now);
        const written = { key, size, contentType, generation, createdAt, updatedAt: new Date(now) };
        index.setLive(bucket, { info: written, blob });
        dropped = thin(bucket, key, now);
        return written;
      });
    } catch (error) {
      await fs.rm(path.join(blobs, made.blob), { force: true });
      throw translate(error, key);
    }
    await removeBlobs(dropped);
    await view.refresh(bucket, key);
    return info;
  }

  function retire(bucket: string, key: string, now: number): void {
    index.retire(bucket, key, keepsVersions(key) ? never : now);
  }

  /** @returns the blobs to remove after the transaction */
  function thin(bucket: string, key: string, now: number): string[] {
    return [...(keepsVersions(key) ? [] : index.thin(bucket, key, keptVersions)), ...index.expire(now - keptVersionMs)];
  }

  async function removeBlobs(names: string[]): Promise<void> {
    for (const blob of names) await fs.rm(path.join(blobs, blob), { force: true });
  }

  async function receive(
    body: Readable | Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<{ blob: string; size: number }> {
    const blob = randomUUID();
    const place = path.join(blobs, blob);
    try {
      const file = await fs.open(place, 'wx', 0o444);
      try {
        const source = body instanceof Readable ? body : Readable.from([body]);
        const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
          for await (const chunk of chunks) await file.writeFile(chunk);
        };
        await pipeline(source, write, signal === undefined ? {} : { signal });
        await file.sync();
        const { size } = await file.stat();
        await syncDirectory(blobs);
        return { blob, size };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      await fs.rm(place, { force: true });
      throw error;
    }
  }

  function find(bucket: string, key: string, generation?: string): StoredObject | null {
    const live = index.live(bucket, key);
    if (generation === undefined || live?.info.generation === generation) return live;
    return index.version(bucket, key, generation);
  }

  /** Opens the bytes of what `find` names; looks again when they were replaced and thinned out in between. */
  async function open(
    bucket: string,
    key: string,
    options: { range?: { start: number; end: number }; generation?: string } = {},
  ): Promise<{ info: ObjectInfo; body: Readable } | null> {
    for (let attempt = 0; ; attempt += 1) {
      const found = find(bucket, key, options.generation);
      if (found === null) return null;
      const body = createReadStream(path.join(blobs, found.blob), { ...options.range, highWaterMark: readBytes });
      try {
        await once(body, 'open');
        return { info: found.info, body };
      } catch (error) {
        if (attempt >= 3) {
          throw new AppError('DriverUnavailable', `The stored bytes of '${key}' cannot be read.`, { cause: error });
        }
      }
    }
  }

  return {
    name: 'filesystem',

    async createBucket(bucket) {
      checkBucket(bucket);
      await fs.mkdir(path.join(options.directory, 'buckets', bucket), { recursive: true });
      try {
        index.transaction(() => {
          index.addBucket(bucket);
        });
      } catch (error) {
        throw translate(error, bucket);
      }
    },

    async deleteBucket(bucket) {
      checkBucket(bucket);
      const dropped = index.transaction(() => index.removeBucket(bucket));
      await removeBlobs(dropped);
      await view.removeBucket(bucket);
    },

    async head(bucket, key) {
      checked(bucket, key);
      return index.live(bucket, key)?.info ?? null;
    },

    async get(bucket, key, getOptions) {
      checked(bucket, key);
      return open(bucket, key, getOptions);
    },

    async put(bucket, key, body, { contentType, ifGeneration, signal }) {
      try {
        checked(bucket, key);
        requireBucket(bucket);
        checkPrecondition(key, index.live(bucket, key), ifGeneration);
        signal?.throwIfAborted();
      } catch (error) {
        if (body instanceof Readable) body.destroy();
        throw error;
      }
      const received = await receive(body, signal).catch((error: unknown) => {
        throw translate(error, key);
      });
      return commit(bucket, key, { ...received, contentType }, ifGeneration);
    },

    async delete(bucket, key, { ifGeneration } = {}) {
      checked(bucket, key);
      let existed: boolean;
      let dropped: string[] = [];
      try {
        existed = index.transaction(() => {
          const before = index.live(bucket, key);
          if (ifGeneration !== undefined) checkPrecondition(key, before, ifGeneration);
          if (before === null) return false;
          const now = clock.now();
          retire(bucket, key, now);
          dropped = thin(bucket, key, now);
          return true;
        });
      } catch (error) {
        throw translate(error, key);
      }
      await removeBlobs(dropped);
      if (existed) await view.refresh(bucket, key);
      return existed;
    },

    async list(bucket, { prefix = '', delimiter, pageToken, limit = 1000 } = {}) {
      requireBucket(bucket);
      const start = pageToken === undefined ? null : decodePageToken(pageToken);
      return listPage(index, bucket, { prefix, folded: delimiter === '/', start, limit: Math.max(1, limit) });
    },

    async copy(bucket, from, to, { ifGeneration } = {}) {
      checked(bucket, from);
      checked(bucket, to);
      requireBucket(bucket);
      const source = index.live(bucket, from);
      if (source === null) throw new AppError('NotFound', `There is no '${from}' to copy.`);
      checkPrecondition(to, index.live(bucket, to), ifGeneration);
      const blob = randomUUID();
      try {
        // Blobs never change, so a second link is a copy.
        await fs.link(path.join(blobs, source.blob), path.join(blobs, blob));
        await syncDirectory(blobs);
      } catch {
        const opened = await open(bucket, from);
        if (opened === null) throw new AppError('NotFound', `There is no '${from}' to copy.`);
        const received = await receive(opened.body, undefined).catch((error: unknown) => {
          throw translate(error, to);
        });
        return commit(bucket, to, { ...received, contentType: opened.info.contentType }, ifGeneration);
      }
      return commit(bucket, to, { blob, size: source.info.size, contentType: source.info.contentType }, ifGeneration);
    },

    async versions(bucket, key) {
      checked(bucket, key);
      return index.versions(bucket, key).map((version) => version.info);
    },

    async versionedKeys(bucket, prefix) {
      checkBucket(bucket);
      return index.versionedKeys(bucket, prefix);
    },

    async deleteVersion(bucket, key, generation) {
      checked(bucket, key);
      const blob = index.transaction(() => index.removeVersion(bucket, key, generation));
      if (blob !== null) await removeBlobs([blob]);
      return blob !== null;
    },

    async close() {
      closed = true;
      await caughtUp;
      index.close();
    },
  };
}

function checkBucket(bucket: string): void {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(bucket)) {
    throw new AppError(
      'InvalidInput',
      'A bucket name has 1 to 63 lower-case letters, digits, dots, dashes and underscores.',
    );
  }
}

function checkPrecondition(key: string, before: StoredObject | null, ifGeneration: string | undefined): void {
  if (ifGeneration === undefined) return;
  const present = before?.info.generation ?? 'absent';
  if (present === ifGeneration) return;
  const message =
    ifGeneration === 'absent'
      ? `There is a '${key}' already. Nothing was written.`
      : before === null
        ? `'${key}' was deleted in the meantime. Nothing was changed.`
        : `'${key}' was changed in the meantime. Nothing was written; read it again first.`;
  throw new AppError('PreconditionFailed', message, { details: { generation: before?.info.generation ?? null } });
}

/** Full disks get a name; everything else passes as it is. */
function translate(error: unknown, key: string): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const full =
    ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) ||
    // SQLITE_FULL, https://sqlite.org/rescode.html#full
    ('errcode' in error && error.errcode === 13);
  if (!full) return error;
  return new AppError(
    'StorageFull',
    `There is no room left to save '${key}'. What was stored before is unchanged; free some space and save again.`,
    { cause: error },
  );
}
