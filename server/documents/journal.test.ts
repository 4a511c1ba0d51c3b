import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decodeRecords, openJournal, type JournalOptions, type JournalRecord } from './journal.ts';

let directory = '';
let file = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-journal-'));
  file = path.join(directory, 'one.journal');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const record = (text: string, marks: Record<string, unknown> = {}): JournalRecord => ({
  update: Buffer.from(text),
  marks,
});

const quiet: JournalOptions = { onTrouble: () => undefined, snapshot: () => record('snapshot') };

async function written(records: readonly JournalRecord[]): Promise<Buffer> {
  const { journal } = await openJournal(file, quiet);
  for (const one of records) journal.append(one);
  await journal.sync();
  await journal.close();
  return readFile(file);
}

function plain(records: readonly JournalRecord[]): { update: string; marks: unknown }[] {
  return records.map(({ update, marks }) => ({ update: Buffer.from(update).toString(), marks }));
}

test('what was synced is read again, in order, with its marks', async () => {
  await written([record('a', { seq: 1 }), record('', { seq: 2 }), record('c')]);
  const { records, isDamaged, journal } = await openJournal(file, quiet);
  expect(plain(records)).toEqual([
    { update: 'a', marks: { seq: 1 } },
    { update: '', marks: { seq: 2 } },
    { update: 'c', marks: {} },
  ]);
  expect(isDamaged).toBe(false);
  await journal.close();
});

test('a file cut short anywhere gives the records that were whole, and takes new ones behind them', async () => {
  const all = [record('first', { seq: 1 }), record('second'), record('third')];
  const bytes = await written(all);
  for (let length = 0; length <= bytes.length; length++) {
    await writeFile(file, bytes.subarray(0, length));
    const { records, journal } = await openJournal(file, quiet);
    expect(plain(records)).toEqual(plain(all.slice(0, records.length)));
    journal.append(record('new'));
    await journal.close();
    const { records: after } = decodeRecords(await readFile(file));
    expect(plain(after)).toEqual(plain([...all.slice(0, records.length), record('new')]));
  }
});

test('a changed byte anywhere is noticed, and everything before its record is kept', async () => {
  const bytes = await written([record('first'), record('second'), record('third')]);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      const { records, end } = decodeRecords(damaged);
      expect(end).toBeLessThanOrEqual(at);
      expect(plain(records)).toEqual(plain([record('first'), record('second')].slice(0, records.length)));
    }),
  );
});

test('a snapshot takes the place of what was before it, and what comes meanwhile follows', async () => {
  const { journal } = await openJournal(file, quiet);
  for (let number = 0; number < 100; number++) journal.append(record('x'.repeat(1000), { seq: number }));
  const before = record('late', { seq: 100 });
  journal.append(before);
  const replaced = journal.replace(() => record('snapshot', { seq: 100 }));
  await replaced;
  journal.append(record('after', { seq: 101 }));
  await journal.close();
  const { records } = decodeRecords(await readFile(file));
  expect(plain(records)).toEqual([
    { update: 'snapshot', marks: { seq: 100 } },
    { update: 'after', marks: { seq: 101 } },
  ]);
});

test('a full disk is said, nothing is promised, and everything is written when there is room', async ({ skip }) => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    skip('a tmpfs cannot be mounted here: this story needs root');
  }
  try {
    const troubles: (string | null)[] = [];
    const { journal } = await openJournal(file, {
      ...quiet,
      onTrouble: (trouble) => {
        troubles.push(trouble?.code ?? null);
      },
    });
    journal.append(record('kept'));
    await journal.sync();
    const filler = path.join(directory, 'filler');
    await writeFile(filler, Buffer.alloc(200_000));
    journal.append(record('x'.repeat(100_000)));
    await expect(journal.sync()).rejects.toMatchObject({ code: 'StorageFull' });
    journal.append(record('later'));
    expect(plain(decodeRecords(await readFile(file)).records)).toEqual(plain([record('kept')]));
    await rm(filler);
    await expect.poll(() => troubles, { timeout: 10_000 }).toEqual(['StorageFull', null]);
    await journal.close();
    const { records } = decodeRecords(await readFile(file));
    expect(plain(records).map(({ update }) => update.slice(0, 5))).toEqual(['kept', 'xxxxx', 'later']);
  } finally {
    execFileSync('umount', ['-l', directory]);
  }
});

test('what waits for a full disk is bounded, and stands in a snapshot when there is room', async ({ skip }) => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    skip('a tmpfs cannot be mounted here: this story needs root');
  }
  try {
    let latest = 0;
    const { journal } = await openJournal(file, { ...quiet, snapshot: () => record(`all up to ${String(latest)}`) });
    const filler = path.join(directory, 'filler');
    await writeFile(filler, Buffer.alloc(200_000));
    const before = process.memoryUsage().arrayBuffers;
    for (latest = 1; latest <= 300; latest++) {
      journal.append(record('x'.repeat(1024 ** 2)));
      if (latest === 1) await expect(journal.sync()).rejects.toMatchObject({ code: 'StorageFull' });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 ** 2);
    await expect(journal.sync()).rejects.toMatchObject({ code: 'StorageFull' });
    await rm(filler);
    await expect.poll(() => journal.trouble, { timeout: 10_000 }).toBeNull();
    journal.append(record('and later'));
    await journal.sync();
    await journal.close();
    const { records } = decodeRecords(await readFile(file));
    expect(plain(records).map(({ update }) => update)).toEqual(['all up to 301', 'and later']);
  } finally {
    execFileSync('umount', ['-l', directory]);
  }
});

test('waiting for a journal that was closed ends', async () => {
  const { journal } = await openJournal(file, quiet);
  await journal.close();
  journal.append(record('too late'));
  await expect(journal.sync()).rejects.toMatchObject({ code: 'NotPossibleNow' });
});

test('a snapshot that succeeds ends the trouble that records before it had', async () => {
  const troubles: (string | null)[] = [];
  const { journal } = await openJournal(file, {
    ...quiet,
    onTrouble: (trouble) => {
      troubles.push(trouble?.code ?? null);
    },
  });
  journal.append(record('first'));
  await journal.sync();
  const probe = await open(file);
  const prototype = Object.getPrototypeOf(probe) as { datasync: () => Promise<void> };
  await probe.close();
  // The disk's refusal, at the edge of our own code.
  const refusal = vi.spyOn(prototype, 'datasync').mockRejectedValueOnce(Object.assign(new Error(), { code: 'ENOSPC' }));
  journal.append(record('second'));
  await expect(journal.sync()).rejects.toMatchObject({ code: 'StorageFull' });
  refusal.mockRestore();
  await journal.replace(() => record('snapshot of both'));
  expect(troubles).toEqual(['StorageFull', null]);
  await journal.sync();
  await journal.close();
  expect(plain(decodeRecords(await readFile(file)).records).map(({ update }) => update)).toEqual(['snapshot of both']);
});
