import { buffer } from 'node:stream/consumers';
import type { Buckets, BucketOwner } from '../bucket/buckets.ts';
import { objectKeyProblem } from '@terrarium/contract';
import type { Author, Documents } from '../documents/live-document.ts';
import type { BucketSide } from './sides.ts';

const folder = 'notebooks/';
const contentType = 'application/x-ipynb+json';

/** What the bucket's part of a mirror needs of the others. */
export interface BucketParts {
  /** As it is stored: to look at it must not make open documents write. */
  readonly stored: Pick<Buckets, 'head' | 'get' | 'all'>;
  /** Through which open documents learn of a change. */
  readonly buckets: Pick<Buckets, 'put' | 'delete'>;
  readonly documents: Pick<Documents, 'merge' | 'flush'>;
  /** Keeps bytes as a version of a notebook. */
  readonly keepConflict: (owner: BucketOwner, key: string, bytes: Uint8Array, author: Author) => Promise<void>;
  /** Drops what belongs to a notebook that was deleted. */
  readonly forgetCheckpoints: (owner: BucketOwner, key: string) => Promise<void>;
}

/** The notebooks of a workspace, changed in the name of the environment's owner. */
export function createBucketNotebooks(
  { stored, buckets, documents, keepConflict, forgetCheckpoints }: BucketParts,
  owner: BucketOwner,
  author: Author,
): BucketSide {
  return {
    head: async (key) => (await stored.head(owner, key))?.generation ?? null,
    async read(key) {
      const found = await stored.get(owner, key);
      return found === null ? null : { generation: found.info.generation, bytes: await buffer(found.body) };
    },
    merge: (key, { base, notebook }) => documents.merge(owner, key, { base, notebook, author }),
    put: async (key, bytes, ifGeneration) =>
      (await buckets.put(owner, key, bytes, { contentType, ifGeneration })).generation,
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
