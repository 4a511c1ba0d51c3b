import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBiggest } from './folders.ts';

const withinMs = 10_000;
const mebibyte = 1024 ** 2;
let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'folders-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function file(name: string, size: number): void {
  const place = path.join(home, name);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, Buffer.alloc(size, 1));
}

test('an empty disk has nothing that is big', async () => {
  expect(await findBiggest(home, { withinMs })).toEqual({ entries: [], bytes: 0, isComplete: true });
});

test('the largest come first, sizes as du counts, folders with what is deep in them', async () => {
  file('data/raw/2026/june/deep/a.bin', 3 * mebibyte);
  file('data/raw/2026/july/b.bin', 2 * mebibyte);
  file('data/small.csv', mebibyte);
  file('.cache/pip/wheels/w', 4 * mebibyte);
  file('notes.txt', 100);
  const { entries, bytes, isComplete } = await findBiggest(home, { withinMs });
  expect(isComplete).toBe(true);
  const du = (name: string): number =>
    1024 *
    Number(
      execFileSync('du', ['-sk', path.join(home, name)])
        .toString()
        .split('\t')[0],
    );
  expect(entries).toEqual([
    { path: 'data', kind: 'folder', bytes: du('data') },
    // data/raw holds no more than that
    { path: 'data/raw/2026', kind: 'folder', bytes: du('data/raw/2026') },
    { path: '.cache/pip/wheels', kind: 'folder', bytes: du('.cache/pip/wheels') },
    { path: 'data/small.csv', kind: 'file', bytes: mebibyte },
    { path: 'notes.txt', kind: 'file', bytes: 4096 },
  ]);
  expect(bytes).toBe(du('.') - 4096);
});

test('a file with two names counts once, a link not at all, a hole takes no room', async () => {
  file('one/a.bin', mebibyte);
  mkdirSync(path.join(home, 'two'));
  linkSync(path.join(home, 'one/a.bin'), path.join(home, 'two/a.bin'));
  symlinkSync('/usr', path.join(home, 'link'));
  execFileSync('truncate', ['-s', '1G', path.join(home, 'sparse.img')]);
  const { bytes, entries } = await findBiggest(home, { withinMs });
  expect(bytes).toBeLessThan(mebibyte + 20_000);
  expect(entries.map((entry) => entry.path)).not.toContain('sparse.img');
});

test('ten are told of a disk with very many files, in bounded time, without holding up anything else', async () => {
  for (let folder = 0; folder < 20; folder++)
    for (let name = 0; name < 200; name++) file(`f${String(folder)}/${String(name)}`, 5000 + folder);
  let longestStallMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestStallMs = Math.max(longestStallMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const found = await findBiggest(home, { withinMs });
  clearInterval(timer);
  expect(found.entries).toHaveLength(10);
  expect(longestStallMs).toBeLessThan(200);

  const hurried = await findBiggest(home, { withinMs: 0 });
  expect(hurried).toMatchObject({ isComplete: false, bytes: 0 });
});
