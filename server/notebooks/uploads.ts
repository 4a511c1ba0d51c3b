import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '@terrarium/contract';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';

interface Upload {
  readonly file: string;
  readonly size: number;
  readonly nextChunk: number;
  readonly touchedAt: number;
}

export type Uploads = ReturnType<typeof createUploads>;

const abandonedAfterMs = 3_600_000;

/**
 * Files that arrive in pieces, kept aside until they are whole, so that a half of one is never seen under its name.
 * A restart forgets them: the next piece is refused, and the sender starts again.
 */
export function createUploads(deps: { directory: string; clock: Clock }) {
  const { directory, clock } = deps;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) rmSync(path.join(directory, name), { force: true, recursive: true });
  const underWay = new Map<string, Upload>();

  async function forget(id: string): Promise<void> {
    const upload = underWay.get(id);
    underWay.delete(id);
    if (upload !== undefined) await fs.rm(upload.file, { force: true });
  }

  return {
    /**
     * Adds a piece: 1 starts anew, -1 is the last.
     * @param id  who uploads what
     * @returns the bytes so far
     * @throws AppError NotPossibleNow  this is not the piece after the one before; StorageFull
     */
    async append(id: string, chunk: number, bytes: Buffer): Promise<number> {
      const now = clock.now();
      for (const [other, { touchedAt }] of underWay) if (now - touchedAt > abandonedAfterMs) await forget(other);
      if (chunk === 1) await forget(id);
      const upload = chunk === 1 ? { file: path.join(directory, newId()), size: 0, nextChunk: 1 } : underWay.get(id);
      if (upload === undefined || (chunk !== -1 && chunk !== upload.nextChunk)) {
        await forget(id);
        throw new AppError('NotPossibleNow', 'The upload was interrupted. Nothing was changed; upload the file again.');
      }
      const size = upload.size + bytes.byteLength;
      underWay.set(id, { file: upload.file, size, nextChunk: upload.nextChunk + 1, touchedAt: now });
      try {
        await fs.appendFile(upload.file, bytes, { mode: 0o600 });
      } catch (error) {
        await forget(id);
        throw isFull(error)
          ? new AppError(
              'StorageFull',
              'There is no room left for this upload. Nothing was changed; free some space.',
              {
                cause: error,
              },
            )
          : error;
      }
      return size;
    },

    /** Hands the whole file to `store`, and forgets it when that is done or has failed. */
    async finish<R>(id: string, store: (body: Readable) => Promise<R>): Promise<R> {
      const upload = underWay.get(id);
      if (upload === undefined) throw new Error('an upload is finished after its last piece');
      try {
        return await store(createReadStream(upload.file));
      } finally {
        await forget(id);
      }
    },
  };
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
