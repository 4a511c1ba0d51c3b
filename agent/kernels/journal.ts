import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, log, messageOf } from '../log.ts';
import { decodeEntries, encodeEntry, entrySize } from './journal-file.ts';
import { composeMessage, newHeader, type Channel, type WireMessage } from './wire.ts';

/** One message to (`in`) or from (`out`) a kernel. */
export interface JournalEntry {
  /** Ascending from 1, without gaps, over restarts of the kernel. */
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly channel: Channel;
  /** The session that asked, where a reply is for it alone; null where everybody gets the message. */
  readonly audience: string | null;
  readonly msgId: string;
  readonly msgType: string;
  readonly parentId: string;
  readonly message: WireMessage;
}

export interface JournalLimits {
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

interface Chunk {
  readonly file: string;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  /** Parent header of its last output: what the notice is shown under once the chunk is dropped. */
  readonly parentHeader: Buffer | undefined;
}

/**
 * Every message of one kernel, in order, readable from any cursor.
 *
 * INVARIANTS: entries with seq <= droppedThrough are gone; `chunks` hold the following ones in order without gaps;
 * `recent` holds the rest up to lastSeq. Appending, spilling and reading are synchronous, so a reader never sees a gap.
 */
export class Journal {
  #recent: JournalEntry[] = [];
  #recentBytes = 0;
  #chunks: Chunk[] = [];
  #chunkBytes = 0;
  #dropped: { through: number; count: number; bytes: number; parentHeader: Buffer | undefined } | null = null;
  #lastSeq = 0;
  /** The chunk read last: readers go through a chunk entry by entry. */
  #loaded: { chunk: Chunk; entries: readonly JournalEntry[] } | null = null;
  readonly #directory: string;
  readonly #limits: JournalLimits;

  constructor(directory: string, limits: JournalLimits = { memoryBytes: 4 * 1024 ** 2, diskBytes: 128 * 1024 ** 2 }) {
    this.#directory = directory;
    this.#limits = limits;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Entries up to this sequence number have been dropped; 0 when all are still here. */
  get droppedThrough(): number {
    return this.#dropped?.through ?? 0;
  }

  append(fields: Omit<JournalEntry, 'seq'>): JournalEntry {
    const entry = { ...fields, seq: ++this.#lastSeq };
    this.#recent.push(entry);
    this.#recentBytes += entrySize(entry);
    if (this.#recentBytes > this.#limits.memoryBytes) this.#spill();
    return entry;
  }

  /**
   * The first entry after a cursor, or null at the end. Where what follows the cursor was dropped, an entry that says so,
   * with the sequence number of the last one dropped.
   */
  next(cursor: number): JournalEntry | null {
    if (cursor >= this.#lastSeq) return null;
    if (this.#dropped !== null && cursor < this.#dropped.through) return this.droppedNotice(this.#dropped.parentHeader);
    const wanted = cursor + 1;
    const firstRecent = this.#recent[0]?.seq ?? Infinity;
    if (wanted >= firstRecent) return this.#recent[wanted - firstRecent] ?? null;
    const chunk = this.#chunks.find(({ last }) => last >= wanted);
    if (chunk === undefined) return null;
    return this.#load(chunk)[wanted - chunk.first] ?? null;
  }

  droppedNotice(parentHeader: Buffer | undefined): JournalEntry | null {
    if (this.#dropped === null) return null;
    const { through, count, bytes } = this.#dropped;
    const limit = megabytes(this.#limits.diskBytes);
    const text = `[${String(count)} older messages of this kernel (${megabytes(bytes)} MB) were dropped: the journal keeps the latest ${limit} MB.]\n`;
    const message = composeMessage({
      header: newHeader('stream', 'terrarium-journal'),
      ...(parentHeader === undefined ? {} : { parentHeader }),
      content: { name: 'stderr', text },
    });
    return {
      seq: through,
      at: Date.now(),
      direction: 'out',
      channel: 'iopub',
      audience: null,
      msgId: '',
      msgType: 'stream',
      parentId: '',
      message,
    };
  }

  /** Removes what is on disk. */
  close(): void {
    this.#recent = [];
    this.#chunks = [];
    this.#loaded = null;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Moves the older half of memory to disk as one chunk; when the disk refuses, that half is dropped. */
  #spill(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#recent.length - 1 && bytes < this.#limits.memoryBytes / 2) {
      const entry = this.#recent[count++];
      if (entry !== undefined) bytes += entrySize(entry);
    }
    const entries = this.#recent.splice(0, count);
    const first = entries[0];
    const last = entries.at(-1);
    if (first === undefined || last === undefined) return;
    this.#recentBytes -= bytes;
    const file = path.join(this.#directory, `${String(first.seq)}.journal`);
    const lastOutput = entries.findLast(({ channel, parentId }) => channel === 'iopub' && parentId !== '');
    const chunk = { file, first: first.seq, last: last.seq, bytes, parentHeader: lastOutput?.message.parentHeader };
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(file, Buffer.concat(entries.flatMap(encodeEntry)), { mode: 0o600 });
    } catch (error) {
      log('warn', 'the journal could not be written to disk; its older part is dropped', { cause: messageOf(error) });
      while (this.#chunks.length > 0) this.#dropOldest();
      this.#drop(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#chunkBytes += bytes;
    while (this.#chunkBytes > this.#limits.diskBytes) this.#dropOldest();
  }

  #dropOldest(): void {
    const oldest = this.#chunks.shift();
    if (oldest === undefined) return;
    this.#chunkBytes -= oldest.bytes;
    this.#drop(oldest);
  }

  #drop(chunk: Chunk): void {
    const { count, bytes } = this.#dropped ?? { count: 0, bytes: 0 };
    this.#dropped = {
      through: chunk.last,
      count: count + chunk.last - chunk.first + 1,
      bytes: bytes + chunk.bytes,
      parentHeader: chunk.parentHeader ?? this.#dropped?.parentHeader,
    };
    if (this.#loaded?.chunk === chunk) this.#loaded = null;
    try {
      rmSync(chunk.file, { force: true });
    } catch {
      // what cannot be removed was never written, or its disk is gone
    }
  }

  #load(chunk: Chunk): readonly JournalEntry[] {
    if (this.#loaded?.chunk === chunk) return this.#loaded.entries;
    try {
      this.#loaded = { chunk, entries: decodeEntries(readFileSync(chunk.file)) };
      return this.#loaded.entries;
    } catch (error) {
      // Someone removed the file: the chunk and what is older count as dropped, and the next read says so.
      log('error', 'a part of the journal cannot be read', { code: errnoOf(error) });
      while (this.#chunks[0] !== undefined && this.#chunks[0] !== chunk) this.#dropOldest();
      this.#dropOldest();
      const notice = this.droppedNotice(chunk.parentHeader);
      return Array.from({ length: chunk.last - chunk.first + 1 }, () => notice).filter((entry) => entry !== null);
    }
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0);
}
