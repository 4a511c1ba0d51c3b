import { statfs } from 'node:fs/promises';
import { findBiggest } from '../files/folders.ts';

export interface DiskUse {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

const countWithinMs = 10_000;
const countEveryMs = 60_000;
/** Counting takes at most one part in so many of the time. */
const restFactor = 50;

/**
 * How full the disk is: by its file system, or, where the disk is a folder that nothing holds to its size, by what is in
 * it, counted every minute or less often where that takes long.
 */
export class DiskMeter {
  readonly #home: string;
  readonly #unenforcedBytes: number | null;
  #counted: DiskUse | null = null;
  #counting: Promise<void> | null = null;
  #countAgainAt = 0;

  constructor(home: string, unenforcedBytes: number | null) {
    this.#home = home;
    this.#unenforcedBytes = unenforcedBytes;
  }

  /** Null when it cannot be told, or was not counted yet. */
  async look(): Promise<DiskUse | null> {
    if (this.#unenforcedBytes !== null) {
      this.#countAgain(this.#unenforcedBytes);
      return this.#counted;
    }
    const disk = await statfs(this.#home).catch(() => null);
    if (disk === null) return null;
    return {
      usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
      // What a user can fill: without the blocks kept for root, as df counts.
      totalBytes: (disk.blocks - disk.bfree + disk.bavail) * disk.bsize,
    };
  }

  #countAgain(totalBytes: number): void {
    const startedAt = performance.now();
    if (this.#counting !== null || startedAt < this.#countAgainAt) return;
    this.#counting = findBiggest(this.#home, { withinMs: countWithinMs })
      .then(({ bytes }) => {
        this.#counted = { usedBytes: bytes, totalBytes };
      })
      .catch(() => undefined)
      .finally(() => {
        const now = performance.now();
        this.#countAgainAt = now + Math.max(countEveryMs, restFactor * (now - startedAt));
        this.#counting = null;
      });
  }
}
