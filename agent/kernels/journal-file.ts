import { isRecord } from '../router.ts';
import { jsonObject } from './wire.ts';
import type { JournalEntry } from './journal.ts';

/** Everything of an entry but its bytes, as the JSON that precedes them in a file. */
type EntryHead = Omit<JournalEntry, 'message'> & { readonly sizes: readonly number[] };

function parts({ message }: JournalEntry): Buffer[] {
  return [message.header, message.parentHeader, message.metadata, message.content, ...message.buffers];
}

/** What an entry counts for against the journal's limits. */
export function entrySize(entry: JournalEntry): number {
  return parts(entry).reduce((sum, part) => sum + part.length, 300);
}

/** uint32 length of the head, the head, then the parts one after another. */
export function encodeEntry(entry: JournalEntry): Buffer[] {
  const { message: _, ...facts } = entry;
  const bytes = parts(entry);
  const head = Buffer.from(JSON.stringify({ ...facts, sizes: bytes.map(({ length }) => length) }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length, 0);
  return [length, head, ...bytes];
}

/** @throws when the file is not one that encodeEntry wrote whole */
export function decodeEntries(file: Buffer): JournalEntry[] {
  const entries: JournalEntry[] = [];
  let offset = 0;
  const take = (length: number): Buffer => {
    if (offset + length > file.length) throw new Error('the journal file is cut short');
    offset += length;
    return file.subarray(offset - length, offset);
  };
  while (offset < file.length) {
    const { sizes, ...facts } = readHead(take(take(4).readUInt32BE(0)));
    const [header, parentHeader, metadata, content, ...buffers] = sizes.map(take);
    if (!header || !parentHeader || !metadata || !content) throw new Error('a journal entry lacks a part');
    entries.push({ ...facts, message: { header, parentHeader, metadata, content, buffers } });
  }
  return entries;
}

function readHead(bytes: Buffer): EntryHead {
  const head: unknown = jsonObject(bytes);
  if (!isHead(head)) throw new Error('a journal entry has no head');
  return head;
}

/** Enough to tell a head from a broken file; only encodeEntry writes into this directory. */
function isHead(head: unknown): head is EntryHead {
  return isRecord(head) && typeof head['seq'] === 'number' && Array.isArray(head['sizes']);
}
