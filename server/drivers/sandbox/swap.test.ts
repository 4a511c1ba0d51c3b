import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepInMemory, moveToSwap } from './swap.ts';

/** Plain files in the places of the kernel's; what is written can be read back. */
describe('the memory of a machine that rests', () => {
  let group = '';
  const read = (name: string): Promise<string> => fs.readFile(path.join(group, name), 'utf8');
  const swaps = (): string => path.join(group, 'swaps');
  const isAtRestFor = (looks: number) => (): boolean => looks-- > 0;

  beforeEach(async () => {
    group = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-swap-'));
    await fs.writeFile(path.join(group, 'memory.swap.max'), '0');
    await fs.writeFile(path.join(group, 'memory.current'), String(2 ** 30));
    await fs.writeFile(swaps(), 'Filename Type Size Used Priority\n/swapfile file 1000 0 -2\n');
  });
  afterEach(async () => {
    await fs.rm(group, { recursive: true });
  });

  it('goes to swap in pieces until it no longer rests, and takes none afterwards', async () => {
    await moveToSwap([group], isAtRestFor(3), swaps());
    expect(await read('memory.swap.max')).toBe('max');
    expect(await read('memory.reclaim')).toBe(String(32 * 2 ** 20));
    keepInMemory([group]);
    expect(await read('memory.swap.max')).toBe('0');
  });

  it('stays where it is when there is no swap, or no such group', async () => {
    await fs.writeFile(swaps(), 'Filename Type Size Used Priority\n');
    await moveToSwap([group], isAtRestFor(3), swaps());
    expect(await read('memory.swap.max')).toBe('0');
    await moveToSwap([path.join(group, 'gone')], isAtRestFor(3), swaps());
    keepInMemory([]);
  });
});
