import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeNotebook } from './write.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'terrarium-write-'));
  mkdirSync(path.join(home, 'notebooks'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test('what a program writes in the moment in which its file is replaced is not lost', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `${String(index)}.ipynb`);
  const at = (name: string): string => path.join(home, 'notebooks', name);
  const expected = createHash('sha256').update('old').digest('hex');
  for (let round = 0; round < 5; round++) {
    for (const name of names) writeFileSync(at(name), 'old');
    // A file that was written just now is taken for one that is being written.
    await delay(700);
    await Promise.all(
      names.map(async (name) => {
        const replacing = writeNotebook(home, name, Readable.from([Buffer.from('new')]), expected).catch(
          // Refused, since it changed.
          () => undefined,
        );
        await delay(Math.random() * 250);
        writeFileSync(at(name), 'mine');
        await replacing;
      }),
    );
    for (const name of names) expect(readFileSync(at(name), 'utf8')).toBe('mine');
  }
  expect(readdirSync(path.join(home, 'notebooks')).toSorted()).toEqual(names.toSorted());
});
