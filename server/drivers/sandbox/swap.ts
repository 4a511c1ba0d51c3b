import fs from 'node:fs/promises';
import path from 'node:path';
import { optionally, readGroupFile } from './group-files.ts';
import { writeFileSync } from 'node:fs';

/** Small enough that a wake is not kept waiting by one that is under way. */
const pieceBytes = 32 * 2 ** 20;

/**
 * Gives the memory of a machine that rests to swap, piece by piece, while `isAtRest` and as far as the kernel can: version
 * 2 of control groups has a way to ask for it, and there has to be swap. Never fails: it only makes room for others.
 */
export async function moveToSwap(
  groups: readonly string[],
  isAtRest: () => boolean,
  swaps = '/proc/swaps',
): Promise<void> {
  const group = groupWithSwap(groups);
  if (group === null || readGroupFile(swaps).trim().split('\n').length < 2) return;
  try {
    await fs.writeFile(path.join(group, 'memory.swap.max'), 'max');
    while (isAtRest() && Number(readGroupFile(group, 'memory.current')) > pieceBytes)
      await fs.writeFile(path.join(group, 'memory.reclaim'), String(pieceBytes));
  } catch {
    // EAGAIN: no more can be given. The rest stays in memory.
  }
}

/** From now on it takes no swap. What is there comes back as it is needed. */
export function keepInMemory(groups: readonly string[]): void {
  const group = groupWithSwap(groups);
  if (group !== null)
    optionally(() => {
      writeFileSync(path.join(group, 'memory.swap.max'), '0');
    });
}

function groupWithSwap(groups: readonly string[]): string | null {
  return groups.find((group) => readGroupFile(group, 'memory.swap.max') !== '') ?? null;
}
