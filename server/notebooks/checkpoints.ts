import { createHash } from 'node:crypto';
import { AppError } from '@terrarium/contract';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import { isPlaygroundKey } from '../documents/playground-key.ts';

/** A saved state of one file that it can be put back to. */
export interface Checkpoint {
  readonly id: string;
  readonly last_modified: string;
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

// Jupyter keeps one checkpoint a file, under this name, and its clients expect no more.
const onlyId = 'checkpoint';

/** Checkpoints of the objects in a bucket, kept in the bucket too, apart from what people see as its folders. */
export function createCheckpoints(deps: { buckets: Buckets }) {
  const { buckets } = deps;

  async function required(owner: BucketOwner, key: string, id: string): Promise<string> {
    const at = checkpointKey(key);
    if (id !== onlyId || (await buckets.head(owner, at)) === null) {
      throw new AppError('NotFound', `"${key}" has no checkpoint "${id.slice(0, 60)}".`);
    }
    return at;
  }

  return {
    async list(owner: BucketOwner, key: string): Promise<Checkpoint[]> {
      const info = await buckets.head(owner, checkpointKey(key));
      return info === null ? [] : [toCheckpoint(info)];
    },

    /** Keeps the object as it is now, instead of the checkpoint before. @throws AppError NotFound, NotPossibleNow */
    async create(owner: BucketOwner, key: string): Promise<Checkpoint> {
      // It would be in the bucket, where nothing of a playground may be.
      if (isPlaygroundKey(key)) {
        throw new AppError('NotPossibleNow', 'A playground has no checkpoints. Keep it as a notebook to have them.');
      }
      if ((await buckets.head(owner, key)) === null) throw new AppError('NotFound', `There is no "${key}".`);
      return toCheckpoint(await buckets.copy(owner, key, checkpointKey(key)));
    },

    /** Puts the object back to its checkpoint, as a new generation: what it was until now stays among its versions. */
    async restore(owner: BucketOwner, key: string, id: string): Promise<ObjectInfo> {
      return buckets.copy(owner, await required(owner, key, id), key);
    },

    async delete(owner: BucketOwner, key: string, id: string): Promise<void> {
      await buckets.delete(owner, await required(owner, key, id));
    },

    async deleteAll(owner: BucketOwner, key: string): Promise<void> {
      await buckets.delete(owner, checkpointKey(key));
    },

    /** Takes the checkpoint along when its object gets another key; one that was left there goes. */
    async move(owner: BucketOwner, from: string, to: string): Promise<void> {
      if ((await buckets.head(owner, checkpointKey(from))) === null) {
        await buckets.delete(owner, checkpointKey(to));
        return;
      }
      await buckets.copy(owner, checkpointKey(from), checkpointKey(to));
      await buckets.delete(owner, checkpointKey(from));
    },
  };
}

function checkpointKey(key: string): string {
  const direct = `.checkpoints/${key}/${onlyId}`;
  // Keys have at most 900 bytes. Keys of files start with `notebooks/`, so the two forms cannot meet.
  if (Buffer.byteLength(direct) <= 900) return direct;
  return `.checkpoints/long/${createHash('sha256').update(key).digest('hex')}/${onlyId}`;
}

function toCheckpoint(info: ObjectInfo): Checkpoint {
  return { id: onlyId, last_modified: info.updatedAt.toISOString() };
}
