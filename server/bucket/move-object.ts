import { AppError } from '@terrarium/contract';
import type { BucketOwner, Buckets } from './buckets.ts';
import type { ObjectInfo } from './object-store.ts';
import { noSuchObject } from './send-object.ts';

/**
 * Gives an object another key. Nothing is lost whenever it stops: the copy is whole before the original goes, and an
 * original that was written to in the meantime is copied again.
 * @throws AppError NotFound, AlreadyExists
 */
export async function moveObject(buckets: Buckets, owner: BucketOwner, from: string, to: string): Promise<ObjectInfo> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const original = await buckets.head(owner, from);
    if (original === null) throw noSuchObject(from);
    if (from === to) return original;
    const copy = await copyObject(buckets, owner, from, to);
    try {
      await buckets.delete(owner, from, { ifGeneration: original.generation });
      return copy;
    } catch (error) {
      // Whatever went wrong, only the original may remain; a copy that someone has already changed is theirs.
      await unlessChanged(buckets.delete(owner, to, { ifGeneration: copy.generation }));
      if (!isPreconditionFailed(error)) throw error;
    }
  }
  throw new AppError('NotPossibleNow', `"${from}" is being written to over and over. Try again in a moment.`);
}

/** Copies to a key where there is nothing yet. @throws AppError NotFound, AlreadyExists */
export async function copyObject(buckets: Buckets, owner: BucketOwner, from: string, to: string): Promise<ObjectInfo> {
  if ((await buckets.head(owner, from)) === null) throw noSuchObject(from);
  try {
    return await buckets.copy(owner, from, to, { ifGeneration: 'absent' });
  } catch (error) {
    throw isPreconditionFailed(error) ? alreadyExists(to, error) : error;
  }
}

export function alreadyExists(key: string, cause?: unknown): AppError {
  return new AppError('AlreadyExists', `There is a "${key}" already. Choose another name.`, { cause });
}

export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof AppError && error.code === 'PreconditionFailed';
}

async function unlessChanged(deletion: Promise<boolean>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
  }
}
