import { buffer } from 'node:stream/consumers';
import { objectKeyProblem } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { Buckets, BucketOwner } from '../bucket/buckets.ts';
import type { Documents } from '../documents/live-document.ts';
import { notebookContentType } from '../documents/nbformat.ts';
import type { BucketSide } from './sides.ts';

const folder = 'notebooks/';

export interface StoredNotebook {
  readonly key: string;
  readonly generation: string;
  readonly size: number;
}

export interface BucketNotebooks extends BucketSide {
  list(): Promise<StoredNotebook[]>;
  stat(key: string): Promise<StoredNotebook | null>;
}

/** What the bucket's part of a mirror needs of the others. */
export interface BucketParts {
  /** As it is stored: to look at it must not make open documents write. */
  readonly stored: Pick<Buckets, 'head' | 'get' | 'all'>;
  /** Through which open documents learn of a change. */
  readonly buckets: Pick<Buckets, 'put' | 'delete'>;
  readonly documents: Pick<Documents, 'merge' | 'flush'>;
  /** Keeps bytes as a version of a notebook. */
  readonly keepConflict: (owner: BucketOwner, key: string, bytes: Uint8Array, author: Author) => Promise<void>;
  /** Says of a stored generation that it came from a disk. */
  readonly markFromDisk: (owner: BucketOwner, key: string, generation: string, author: Author) => Promise<void>;
  /** Drops what belongs to a notebook that was deleted. */
  readonly forgetCheckpoints: (owner: BucketOwner, key: string) => Promise<void>;
}

/** The notebooks of a workspace, changed in the name of the environment's owner. */
export function createBucketNotebooks(
  { stored, buckets, documents, keepConflict, markFromDisk, forgetCheckpoints }: BucketParts,
  owner: BucketOwner,
  author: Author,
): BucketNotebooks {
  return {
    async list() {
      const found: StoredNotebook[] = [];
      for await (const info of stored.all(owner, folder)) found.push(info);
      return found;
    },
    stat: (key) => stored.head(owner, key),
    head: async (key) => (await stored.head(owner, key))?.generation ?? null,
    async read(key, generation) {
      const found = await stored.get(owner, key, generation === undefined ? {} : { generation });
      return found === null ? null : { generation: found.info.generation, bytes: await buffer(found.body) };
    },
    async merge(key, { base, notebook }) {
      const outcome = await documents.merge(owner, key, { base, notebook, author });
      // What is in the document and not in the bucket is not in step yet.
      await documents.flush(owner, key);
      if (outcome.kind !== 'conflict' && outcome.generation !== base) {
        await markFromDisk(owner, key, outcome.generation, author);
      }
      return outcome;
    },
    async put(key, bytes, ifGeneration) {
      const options = { contentType: notebookContentType, ifGeneration, author };
      const { generation } = await buckets.put(owner, key, bytes, options);
      await markFromDisk(owner, key, generation, author);
      return generation;
    },
    async remove(key, ifGeneration) {
      // What was typed and not stored yet is a change, which wins over the deletion.
      await documents.flush(owner, key);
      await buckets.delete(owner, key, { ifGeneration });
      await forgetCheckpoints(owner, key);
    },
    keep: (key, bytes) => keepConflict(owner, key, bytes, author),
  };
}

/** Whether a key is a notebook's that belongs on the disk: playgrounds, checkpoints and other hidden things do not. */
export function isMirrored(key: string): boolean {
  return key.startsWith(folder) && key.endsWith('.ipynb') && !key.includes('/.') && objectKeyProblem(key) === undefined;
}

export function keyOf(path: string): string {
  return folder + path;
}

export function pathIn(key: string): string {
  return key.slice(folder.length);
}
