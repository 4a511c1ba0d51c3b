import type { MergeOutcome } from '../documents/live-document.ts';
import type { Notebook } from '../documents/nbformat.ts';

/** Notebooks on one disk, by their keys in the bucket. */
export interface DiskSide {
  /** @returns null when there is none any more */
  read(key: string): Promise<Uint8Array | null>;
  /**
   * @param expected  hash of the bytes that are replaced; null where there is nothing yet
   * @returns the hash of what was written
   * @throws AppError PreconditionFailed (something else is there, or it is being written), StorageFull, NotPossibleNow
   */
  write(key: string, bytes: Uint8Array, expected: string | null): Promise<string>;
  /** @throws AppError PreconditionFailed */
  remove(key: string, expected: string): Promise<void>;
}

/** Notebooks of one workspace, on behalf of the environment's owner. */
export interface BucketSide {
  /** The generation that is stored; null when there is none. */
  head(key: string): Promise<string | null>;
  /** @param generation  an older one than what is stored; null where it is kept no longer */
  read(key: string, generation?: string): Promise<{ readonly generation: string; readonly bytes: Uint8Array } | null>;
  /** Brings a changed notebook in, cell by cell. @throws AppError InvalidInput when what is stored is not a notebook */
  merge(key: string, change: { readonly base: string; readonly notebook: Notebook }): Promise<MergeOutcome>;
  /** @returns its generation. @throws AppError PreconditionFailed */
  put(key: string, bytes: Uint8Array, ifGeneration: string): Promise<string>;
  /** @throws AppError PreconditionFailed */
  remove(key: string, ifGeneration: string): Promise<void>;
  /** Keeps the disk's content as a version of its own. */
  keep(key: string, bytes: Uint8Array): Promise<void>;
}

/** What both sides last had the same. */
export interface MirrorRecord {
  readonly key: string;
  readonly contentHash: string;
  /** In the bucket. */
  readonly generation: string;
  /** Of the bytes on the disk. */
  readonly diskHash: string;
}

export type SideName = 'disk' | 'bucket';

/** The records of one disk. A change is kept before it resolves. */
export interface Records {
  get(key: string): MirrorRecord | undefined;
  all(): Iterable<MirrorRecord>;
  /** Takes the intentions back as well. */
  set(record: MirrorRecord): Promise<void>;
  delete(key: string): Promise<void>;
  /** Contents that were about to go to that side since the record was written. */
  intended(key: string, to: SideName): ReadonlySet<string>;
  intend(key: string, to: SideName, contentHash: string): Promise<void>;
}
