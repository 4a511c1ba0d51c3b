import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { AppError } from '@terrarium/contract';
import * as z from 'zod';
import { syncDirectory } from '../plumbing/sync-directory.ts';

/** One entry: an update of the shared document (empty for none) and the facts that became true with it. */
export interface JournalRecord {
  readonly update: Uint8Array;
  readonly marks: Readonly<Record<string, unknown>>;
}

export interface Journal {
  /** Bytes of the file, what waits to be written not among them. */
  readonly size: number;
  /** Why the last attempt to write failed; null when all is well. It is tried again by itself. */
  readonly trouble: AppError | null;
  /**
   * Queues a record. Never fails: what cannot be written waits and is tried again, as a snapshot once it is more than
   * memory should hold.
   */
  append(record: JournalRecord): void;
  /** Resolves when everything appended so far is on disk. @throws AppError  it is not yet; it stays queued */
  sync(): Promise<void>;
  /**
   * Puts one record in place of the whole file, atomically. `snapshot` is asked for when the file is free, and stands for
   * everything appended until then; what is appended later follows it.
   * @throws AppError  the file is as it was
   */
  replace(snapshot: () => JournalRecord): Promise<void>;
  /** Syncs what it can and closes the file. */
  close(): Promise<void>;
}

export interface JournalOptions {
  readonly onTrouble: (trouble: AppError | null) => void;
  readonly snapshot: () => JournalRecord;
}

// uint32 length of the body, uint32 CRC-32 of the body; the body: uint32 length of the marks, marks as JSON, update.
const headBytes = 8;
const retryMs = 1000;
/** What may wait in memory for a disk that takes nothing. */
const mostWaitingBytes = 32 * 1024 ** 2;
const mostRecordBytes = 1024 ** 3;

/**
 * Opens a journal, or makes one.
 *
 * INVARIANTS: records are on disk in the order they were appended, whole, behind one another; one write is under way at
 * a time, and takes everything that waits, so that many records share one sync. `#end` is the length up to which the
 * file is good: a write that failed is undone by cutting the file back to it before anything else is written.
 * @param options.onTrouble  called when writing begins to fail, and with null when it works again
 * @param options.snapshot  one record that stands for all that was appended so far
 * @returns the records that are in it, up to the first damaged one: a record cut short by a crash was never acknowledged
 */
export async function openJournal(
  file: string,
  options: JournalOptions,
): Promise<{ journal: Journal; records: JournalRecord[]; isDamaged: boolean }> {
  // Read and write, made where absent, never cut.
  const handle = await open(file, 'a+', 0o600);
  const bytes = await handle.readFile();
  await handle.close();
  const { records, end } = decodeRecords(bytes);
  const writable = await open(file, 'r+');
  const isDamaged = end < bytes.length;
  if (isDamaged) await writable.truncate(end);
  return { journal: new FileJournal(file, writable, end, options), records, isDamaged };
}

class FileJournal implements Journal {
  readonly #file: string;
  readonly #options: JournalOptions;
  #handle: FileHandle;
  #end: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** What waits became too much: a snapshot is written in its place. */
  #isSnapshotDue = false;
  #writing: Promise<void> | null = null;
  #trouble: AppError | null = null;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(file: string, handle: FileHandle, end: number, options: JournalOptions) {
    this.#file = file;
    this.#handle = handle;
    this.#end = end;
    this.#options = options;
  }

  get size(): number {
    return this.#end;
  }

  get trouble(): AppError | null {
    return this.#trouble;
  }

  append(record: JournalRecord): void {
    if (this.#isSnapshotDue) return;
    const bytes = encodeRecord(record);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#retry === undefined) this.#start();
    else if (this.#waitingBytes > mostWaitingBytes) this.#dropWaiting();
  }

  async sync(): Promise<void> {
    // What is being written when this is called may lack the latest records; the write after it has them.
    while (this.#writing !== null || this.#hasWaiting) {
      if (this.#writing === null) {
        if (this.#isClosed) throw new AppError('NotPossibleNow', 'The notebook was closed before this was on disk.');
        if (this.#trouble !== null) throw this.#trouble;
        this.#start();
      }
      await this.#writing;
    }
  }

  async replace(snapshot: () => JournalRecord): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    if (this.#isClosed) return;
    const record = snapshot();
    // An older mark written behind the snapshot would take a newer one back.
    const covered = this.#takeWaiting();
    const replacing = this.#replace(record).catch((error: unknown) => {
      this.#putBack(covered);
      throw error;
    });
    this.#writing = replacing
      .catch(() => undefined)
      .finally(() => {
        this.#writing = null;
        if (this.#retry === undefined) this.#start();
      });
    await replacing;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#start();
    await this.#writing;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#handle.close();
  }

  get #hasWaiting(): boolean {
    return this.#isSnapshotDue || this.#waiting.length > 0;
  }

  #start(): void {
    if (this.#writing !== null || !this.#hasWaiting || this.#isClosed) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      if (this.#trouble === null) this.#start();
    });
  }

  async #write(): Promise<void> {
    const batch = this.#takeWaiting();
    try {
      if (batch === null) await this.#replace(this.#options.snapshot());
      else await this.#add(batch);
      this.#setTrouble(null);
    } catch (error) {
      this.#putBack(batch);
      // A half-written tail would be taken for damage; if it cannot be cut, the next write overwrites it in place.
      await this.#handle.truncate(this.#end).catch(() => undefined);
      this.#setTrouble(troubleOf(error));
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#start();
      }, retryMs);
    }
  }

  async #add(batch: readonly Buffer[]): Promise<void> {
    const bytes = batch.length === 1 && batch[0] !== undefined ? batch[0] : Buffer.concat(batch);
    await writeAll(this.#handle, bytes, this.#end);
    await this.#handle.datasync();
    this.#end += bytes.length;
  }

  /** @returns null for a snapshot */
  #takeWaiting(): Buffer[] | null {
    const batch = this.#isSnapshotDue ? null : this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isSnapshotDue = false;
    return batch;
  }

  #putBack(batch: readonly Buffer[] | null): void {
    if (batch === null) {
      this.#dropWaiting();
      return;
    }
    this.#waiting = [...batch, ...this.#waiting];
    this.#waitingBytes = this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  #dropWaiting(): void {
    this.#takeWaiting();
    this.#isSnapshotDue = true;
  }

  async #replace(snapshot: JournalRecord): Promise<void> {
    const bytes = encodeRecord(snapshot);
    const temporary = `${this.#file}.new`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await writeAll(handle, bytes, 0);
      await handle.datasync();
      await rename(temporary, this.#file);
      await syncDirectory(path.dirname(this.#file));
    } catch (error) {
      await handle.close();
      await rm(temporary, { force: true });
      throw troubleOf(error);
    }
    await this.#handle.close();
    this.#handle = handle;
    this.#end = bytes.length;
    // The snapshot holds what waited to be tried again.
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#setTrouble(null);
  }

  #setTrouble(trouble: AppError | null): void {
    if (this.#trouble?.code === trouble?.code) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

function encodeRecord({ update, marks }: JournalRecord): Buffer {
  const facts = Buffer.from(JSON.stringify(marks));
  const record = Buffer.alloc(headBytes + 4 + facts.length + update.length);
  record.writeUInt32BE(record.length - headBytes, 0);
  record.writeUInt32BE(facts.length, headBytes);
  facts.copy(record, headBytes + 4);
  record.set(update, headBytes + 4 + facts.length);
  record.writeUInt32BE(crc32(record.subarray(headBytes)), 4);
  return record;
}

const Marks = z.record(z.string(), z.unknown());

/** @returns the whole records from the start, and where the last of them ends */
export function decodeRecords(bytes: Buffer): { records: JournalRecord[]; end: number } {
  const records: JournalRecord[] = [];
  let end = 0;
  while (end + headBytes + 4 <= bytes.length) {
    const length = bytes.readUInt32BE(end);
    const start = end + headBytes;
    if (length < 4 || length > mostRecordBytes || start + length > bytes.length) break;
    const body = bytes.subarray(start, start + length);
    if (crc32(body) !== bytes.readUInt32BE(end + 4)) break;
    const factsLength = body.readUInt32BE(0);
    if (4 + factsLength > length) break;
    const marks = Marks.parse(JSON.parse(body.subarray(4, 4 + factsLength).toString()));
    records.push({ update: body.subarray(4 + factsLength), marks });
    end = start + length;
  }
  return { records, end };
}

function troubleOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new AppError('StorageFull', 'The disk that holds the data directory is full. Free some space there.', {
      cause: error,
    });
  }
  return new AppError('DriverUnavailable', 'The data directory cannot be written to.', { cause: error });
}
