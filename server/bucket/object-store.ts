import type { Readable } from 'node:stream';

/** One stored object. `generation` changes with every write and is never used again, not even after a delete. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly contentType: string;
  /** Opaque outside the driver; later generations compare greater as BigInt. */
  readonly generation: string;
  readonly updatedAt: Date;
  /** When this key was first written since it last did not exist. */
  readonly createdAt: Date;
}

/**
 * Objects by bucket and key. Keys follow `objectKeyProblem` of the contract; a driver maps them injectively and never
 * leaves its root. A put is durable (it survives kill -9 and power loss) before it resolves, and atomic: readers see the
 * old object or the new one.
 * @throws AppError PreconditionFailed  `ifGeneration` did not match; nothing was written
 * @throws AppError StorageFull         no room; nothing was written and the old object is intact
 * @throws AppError DriverUnavailable   the store cannot be reached; safe to retry
 */
export interface ObjectStore {
  readonly name: string;
  createBucket(bucket: string): Promise<void>;
  /** Removes the bucket with all its objects and versions. */
  deleteBucket(bucket: string): Promise<void>;
  head(bucket: string, key: string): Promise<ObjectInfo | null>;
  /** `range` is inclusive, in bytes, already checked against the size by the caller. `generation` reads an older version. */
  get(
    bucket: string,
    key: string,
    options?: { range?: { start: number; end: number }; generation?: string },
  ): Promise<{ info: ObjectInfo; body: Readable } | null>;
  /**
   * Writes the whole object. `ifGeneration`: write only over this generation; `'absent'`: only where there is none.
   * Aborting the source stream or `signal` leaves nothing behind.
   */
  put(
    bucket: string,
    key: string,
    body: Readable | Uint8Array,
    options: { contentType: string; ifGeneration?: string | 'absent'; signal?: AbortSignal },
  ): Promise<ObjectInfo>;
  /** @returns false when there was nothing to delete */
  delete(bucket: string, key: string, options?: { ifGeneration?: string }): Promise<boolean>;
  /** In order of the keys' UTF-8 bytes. With `delimiter` '/', deeper keys fold into `folders`. */
  list(
    bucket: string,
    options?: { prefix?: string; delimiter?: '/'; pageToken?: string; limit?: number },
  ): Promise<{ objects: ObjectInfo[]; folders: string[]; nextPageToken: string | null }>;
  copy(bucket: string, from: string, to: string, options?: { ifGeneration?: string | 'absent' }): Promise<ObjectInfo>;
  /**
   * Older generations of a key that can still be read, newest first; the live one is not among them. Those of notebooks
   * (`keepsVersions` of buckets.ts) stay until they are deleted; a driver lets others go by a rule of its own.
   */
  versions(bucket: string, key: string): Promise<ObjectInfo[]>;
  /** Keys below `prefix` that have older generations, whether they have a live one or not; in no order. */
  versionedKeys(bucket: string, prefix: string): Promise<string[]>;
  /**
   * Deletes one older generation and frees its space. Never the live one.
   * @returns false when there was no such older generation
   */
  deleteVersion(bucket: string, key: string, generation: string): Promise<boolean>;
}
