import type { BucketOwner } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { LiveNotebook } from './live-notebook.ts';
import { notebookContentType, writeNotebook, type Notebook } from './nbformat.ts';
import { hashOf } from './storing-marks.ts';

/** A document as if it were an object of the bucket. */
export interface Snapshot {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
  /** The same. */
  readonly notebook: Notebook;
}

const separator = '.unstored.';

/** @param nameOf  the generation, from a hash of the bytes */
export function snapshotOf(document: LiveNotebook, createdAt: Date, nameOf: (hash: string) => string): Snapshot {
  const notebook = document.notebook();
  const bytes = Buffer.from(writeNotebook(notebook));
  const hash = hashOf(bytes).slice(0, 32);
  return {
    bytes,
    notebook,
    info: {
      key: document.key,
      size: bytes.length,
      contentType: notebookContentType,
      generation: nameOf(hash),
      updatedAt: new Date(document.changedAt),
      createdAt,
    },
  };
}

const keptSnapshots = 10;

export type Snapshots = ReturnType<typeof createSnapshots>;

/** What was given out lately of documents whose buckets were in trouble: the same can be read again, and saves be based on it. */
export function createSnapshots() {
  const kept = new Map<string, Snapshot>();
  const nameOf = ({ id }: BucketOwner, key: string, generation: string): string => `${id} ${key} ${generation}`;
  return {
    remember(owner: BucketOwner, snapshot: Snapshot): Snapshot {
      const { key, generation } = snapshot.info;
      const oldest = kept.keys().next();
      if (kept.size >= keptSnapshots && oldest.done !== true) kept.delete(oldest.value);
      kept.set(nameOf(owner, key, generation), snapshot);
      return snapshot;
    },
    of: (owner: BucketOwner, key: string, generation: string): Snapshot | null =>
      kept.get(nameOf(owner, key, generation)) ?? null,
  };
}

/**
 * Names what is in a document and in no bucket: as changes beyond the generation that the bucket has. It is an entity tag
 * and what a save is based on, like any other generation.
 */
export function unstoredGeneration(stored: string | null, hash: string): string {
  return `${stored ?? ''}${separator}${hash}`;
}

export function isUnstored(generation: string): boolean {
  return generation.includes(separator);
}

/** The generation of the bucket that it goes back to; null where there was none. */
export function storedBefore(generation: string): string | null {
  const stored = generation.split(separator, 1)[0] ?? '';
  return stored === '' ? null : stored;
}
