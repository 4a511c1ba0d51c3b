import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal, type JournalEntry } from './journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function append(journal: Journal, text: string): void {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const message = {
    header: json({ msg_id: text }),
    parentHeader: json({ msg_id: 'cell' }),
    metadata: json({}),
    content: json({ text }),
    buffers: [Buffer.from(text)],
  };
  journal.append({
    at: 1,
    direction: 'out',
    channel: 'iopub',
    audience: null,
    msgId: text,
    msgType: 'stream',
    parentId: 'cell',
    message,
  });
}

function readAll(journal: Journal, after = 0): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let entry = journal.next(after); entry !== null; entry = journal.next(entry.seq)) entries.push(entry);
  return entries;
}

const filler = 'x'.repeat(500);

test('entries beyond the memory limit are read back from disk, in order and whole', () => {
  const journal = new Journal(path.join(folder, 'j'), { memoryBytes: 10_000, diskBytes: 10 ** 7 });
  for (let index = 1; index <= 500; index++) append(journal, `${String(index)}-${filler}`);
  expect(readdirSync(path.join(folder, 'j')).length).toBeGreaterThan(3);
  const entries = readAll(journal);
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  expect(entries.every(({ seq, message }) => message.buffers[0]?.toString() === `${String(seq)}-${filler}`)).toBe(true);
  expect(readAll(journal, 498).map(({ seq }) => seq)).toEqual([499, 500]);
  journal.close();
  expect(existsSync(path.join(folder, 'j'))).toBe(false);
});

test('beyond the disk limit the oldest go, and one message says so in their place', () => {
  const journal = new Journal(path.join(folder, 'j'), { memoryBytes: 10_000, diskBytes: 50_000 });
  for (let index = 1; index <= 500; index++) append(journal, `${String(index)}-${filler}`);
  const [notice, first, ...rest] = readAll(journal);
  expect(journal.droppedThrough).toBeGreaterThan(300);
  expect(notice?.seq).toBe(journal.droppedThrough);
  expect(notice?.message.content.toString()).toMatch(/older messages of this kernel .* were dropped/);
  expect(notice?.message.parentHeader.toString()).toBe('{"msg_id":"cell"}');
  expect(first?.seq).toBe(journal.droppedThrough + 1);
  expect(rest.at(-1)?.seq).toBe(500);
});

test('a disk that refuses costs the older messages, never the newer ones or the kernel', () => {
  writeFileSync(path.join(folder, 'blocked'), '');
  const journal = new Journal(path.join(folder, 'blocked/j'), { memoryBytes: 10_000, diskBytes: 50_000 });
  for (let index = 1; index <= 100; index++) append(journal, `${String(index)}-${filler}`);
  const entries = readAll(journal);
  expect(entries[0]?.message.content.toString()).toContain('were dropped');
  expect(entries.at(-1)?.msgId).toBe(`100-${filler}`);
});

test('a journal file that someone removed is reported in its place', () => {
  const journal = new Journal(path.join(folder, 'j'), { memoryBytes: 10_000, diskBytes: 10 ** 7 });
  for (let index = 1; index <= 100; index++) append(journal, `${String(index)}-${filler}`);
  rmSync(path.join(folder, 'j'), { recursive: true });
  const entries = readAll(journal);
  expect(entries[0]?.message.content.toString()).toContain('were dropped');
  expect(entries.at(-1)?.msgId).toBe(`100-${filler}`);
});
