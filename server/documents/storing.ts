import { buffer } from 'node:stream/consumers';
import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { Buckets } from '../bucket/buckets.ts';
import { isPreconditionFailed } from '../bucket/move-object.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { applyNotebook } from './apply-notebook.ts';
import type { Stored } from './live-document.ts';
import type { LiveNotebook } from './live-notebook.ts';
import { mergeNotebooks } from './merge-notebooks.ts';
import { notebookContentType, readNotebook, writeNotebook, type Notebook } from './nbformat.ts';
import { isSharedCell, sharedCells } from './shared-notebook.ts';
import { authorsIn, hashOf, intendedIn, knownIn, storingMarks, type Known } from './storing-marks.ts';

/** An edit is stored this long after the last one, and at the latest this long after the first that is not. */
const quietMs = 1000;
const latestMs = 5000;
/** What a kernel prints is stored less often. */
const outputMs = 10_000;
/** A notebook that takes long to write is written less often: at most a tenth of the time goes into it. */
const workShare = 10;
const retryDelaysMs = [1000, 2000, 4000, 8000, 15_000, 30_000];
const triesAgainstOthers = 5;

/**
 * Keeps the bucket's object in step with one document.
 *
 * INVARIANTS: one write is under way at a time, over the generation that is known; an object that somebody else changed
 * is merged into the document before it is written over, and stays among its versions. Before a write the journal holds
 * what is written and its hash: after a crash our own object is not taken for somebody else's, which would bring in a
 * second time what clients have and send again. Whose changes they are is journaled as well, with the first change of each
 * person and then with the write, so that a version has its authors however the write before it ended.
 */
export class Storing {
  readonly #document: LiveNotebook;
  readonly #buckets: Buckets;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onStored: (stored: Stored) => void;
  readonly #onSettled: (journalBytes: number) => Promise<void>;
  #known: Known | null;
  #storedVersion: number;
  #authors = new Map<string, Author>();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  #firstUnstoredAt: number | null = null;
  #earliestAt = 0;
  #failures = 0;
  #trouble: AppError | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: {
    document: LiveNotebook;
    buckets: Buckets;
    clock: Clock;
    log: Log;
    onStored: (stored: Stored) => void;
    /** The bucket has everything; the journal is this large. */
    onSettled: (journalBytes: number) => Promise<void>;
  }) {
    this.#document = options.document;
    this.#buckets = options.buckets;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onStored = options.onStored;
    this.#onSettled = options.onSettled;
    this.#known = knownIn(options.document.marks());
    for (const author of authorsIn(options.document.marks())) this.#authors.set(author.accountId, author);
    this.#storedVersion = options.document.version;
  }

  get isStored(): boolean {
    return this.#document.isPlayground || this.#storedVersion === this.#document.version;
  }

  get generation(): string | null {
    return this.#known?.generation ?? null;
  }

  get trouble(): AppError | null {
    return this.#trouble;
  }

  /** Something was changed: by a person, or by a kernel where `author` is null. */
  changed(author: Author | null, isByPerson: boolean): void {
    if (this.#document.isPlayground || this.#isStopped) return;
    if (author !== null && !this.#authors.has(author.accountId)) this.#setAuthors([...this.#authors.values(), author]);
    const now = this.#clock.now();
    this.#firstUnstoredAt ??= now;
    if (this.#failures > 0) return;
    const wanted = isByPerson ? Math.min(now + quietMs, this.#firstUnstoredAt + latestMs) : now + outputMs;
    if (isByPerson || this.#dueAt === Infinity) this.#schedule(wanted);
  }

  /** Writes what is not in the bucket yet. @throws AppError  the document and its journal keep everything */
  async flush(): Promise<void> {
    const wanted = this.#document.version;
    while (!this.#isStopped && !this.isStored && this.#storedVersion < wanted) {
      await this.#inTurn(() => this.#storeIfNeeded());
    }
  }

  /** The object was changed by somebody else: its content is brought into the document. */
  async absorb(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isStopped) return;
      const info = await this.#buckets.head(this.#document.owner, this.#document.key);
      if (info !== null && info.generation !== this.#known?.generation) await this.#absorb(info);
    });
  }

  /** Whether what the bucket has was written from this document as it is here, or before. */
  async isOurs(info: ObjectInfo): Promise<boolean> {
    if (info.generation === this.#known?.generation) return true;
    const theirs = await this.#read(info.generation);
    return theirs !== null && hashOf(writeNotebook(theirs)) === intendedIn(this.#document.marks())?.hash;
  }

  /**
   * After a restart: what the journal has and the bucket lacks is written soon; what the bucket has and the journal
   * lacks is brought in.
   */
  async recover(info: ObjectInfo | null, isUnsettled: boolean): Promise<void> {
    if (isUnsettled) {
      this.#storedVersion = -1;
      this.changed(null, true);
    }
    const intended = intendedIn(this.#document.marks());
    if (info !== null && info.generation !== this.#known?.generation) await this.#inTurn(() => this.#absorb(info));
    if (intended === null || intended.authors.length === 0) return;
    // What was written may not have been told of; what was not written is still to be.
    if (info !== null && intended.hash === this.#known?.hash) this.#tell(info, intended.authors);
    else this.#setAuthors([...this.#authors.values(), ...intended.authors]);
  }

  /** Runs `work` while nothing is written. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(work);
  }

  /** The object has another key or generation after a move. */
  moved(info: ObjectInfo): void {
    if (this.#known !== null) this.#setKnown({ ...this.#known, generation: info.generation });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #schedule(wanted: number): void {
    const at = Math.max(wanted, this.#earliestAt);
    this.#dueAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Infinity;
        this.#inTurn(() => this.#storeIfNeeded()).catch((error: unknown) => {
          if (!(error instanceof AppError)) this.#log.error({ err: error, key: this.#document.key }, 'storing failed');
        });
      },
      Math.max(0, at - this.#clock.now()),
    );
    this.#timer.unref();
  }

  async #storeIfNeeded(): Promise<void> {
    if (this.isStored || this.#isStopped) return;
    const startedAt = this.#clock.now();
    try {
      for (let attempt = 1; !(await this.#store()); attempt++) {
        if (attempt < triesAgainstOthers) continue;
        throw new AppError('NotPossibleNow', 'The notebook is being written to from elsewhere again and again.');
      }
      const now = this.#clock.now();
      this.#earliestAt = now + (now - startedAt) * workShare;
      this.#failures = 0;
      if (this.#trouble !== null) {
        this.#trouble = null;
        this.#document.tell({ type: 'well', what: 'bucket' });
      }
      this.#firstUnstoredAt = this.isStored ? null : now;
      if (!this.isStored) this.#schedule(now + quietMs);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    const trouble =
      error instanceof AppError ? error : new AppError('Internal', 'It could not be stored.', { cause: error });
    if (this.#trouble?.message !== trouble.message) {
      this.#log.warn({ err: error, key: this.#document.key }, 'a notebook could not be stored; it is tried again');
      this.#document.tell({ type: 'trouble', what: 'bucket', reason: trouble.message });
    }
    this.#trouble = trouble;
    const delay = retryDelaysMs[Math.min(this.#failures, retryDelaysMs.length - 1)] ?? latestMs;
    this.#failures += 1;
    this.#schedule(this.#clock.now() + delay);
  }

  /** @returns false when somebody else's change came in between and was merged: to be tried again */
  async #store(): Promise<boolean> {
    const document = this.#document;
    const notebook = this.#withMendedIds();
    const { version } = document;
    const authors = [...this.#authors.values()];
    const text = writeNotebook(notebook);
    const hash = hashOf(text);
    if (hash !== this.#known?.hash) {
      document.mark(storingMarks.storing, { hash, authors });
      this.#setAuthors([]);
      await document.durable();
      const bytes = Buffer.from(text);
      let info: ObjectInfo;
      try {
        info = await this.#buckets.put(document.owner, document.key, bytes, {
          contentType: notebookContentType,
          ifGeneration: this.#known?.generation ?? 'absent',
        });
      } catch (error) {
        this.#setAuthors([...authors, ...this.#authors.values()]);
        if (!isPreconditionFailed(error)) throw error;
        const current = await this.#buckets.head(document.owner, document.key);
        if (current === null) this.#known = null;
        else await this.#absorb(current);
        return false;
      }
      this.#setKnown({ generation: info.generation, hash });
      this.#tell(info, authors);
      document.tell({ type: 'stored', at: info.updatedAt.getTime(), generation: info.generation });
    }
    this.#storedVersion = version;
    await document.durable().catch(() => undefined);
    if (this.isStored) {
      this.#clearDirty();
      await document.durable().catch(() => undefined);
      // Where it cannot be noted, the document is only looked at again after the next start.
      await this.#onSettled(document.journal.size).catch(() => undefined);
    }
    return true;
  }

  async #absorb(info: ObjectInfo): Promise<void> {
    const document = this.#document;
    const theirs = await this.#read(info.generation);
    if (theirs === null) {
      // It is no notebook, or gone again. What is open is written over it, and it stays among the versions.
      this.#setKnown({ generation: info.generation, hash: '' });
      this.#storedVersion = -1;
      return;
    }
    const hash = hashOf(writeNotebook(theirs));
    if (hash !== intendedIn(document.marks())?.hash || this.#known === null) {
      const base = this.isStored || this.#known === null ? null : await this.#read(this.#known.generation);
      const isClean = this.isStored;
      const merged = isClean
        ? theirs
        : base === null
          ? null
          : mergeNotebooks(base, document.notebook(), theirs).notebook;
      if (merged !== null) {
        document.change(
          () => {
            applyNotebook(document.doc, merged);
          },
          { author: null },
        );
      }
      if (isClean) this.#storedVersion = document.version;
    }
    this.#setKnown({ generation: info.generation, hash });
    if (!this.isStored) this.changed(null, true);
  }

  async #read(generation: string): Promise<Notebook | null> {
    const found = await this.#buckets.get(this.#document.owner, this.#document.key, { generation });
    if (found === null) return null;
    const reading = readNotebook(await buffer(found.body));
    return reading.kind === 'notebook' ? reading.notebook : null;
  }

  #setKnown(known: Known): void {
    this.#known = known;
    this.#document.mark(storingMarks.stored, known);
  }

  #setAuthors(authors: readonly Author[]): void {
    this.#authors = new Map(authors.map((author) => [author.accountId, author]));
    this.#document.mark(storingMarks.authors, authors.length === 0 ? null : [...this.#authors.values()]);
  }

  #tell({ generation, size, updatedAt }: ObjectInfo, authors: readonly Author[]): void {
    const { id, owner, key } = this.#document;
    this.#onStored({ documentId: id, owner, key, generation, size, at: updatedAt.getTime(), authors });
  }

  /** Cells that two people moved at once are there twice, under one id. */
  #withMendedIds(): Notebook {
    const document = this.#document;
    const notebook = document.notebook();
    const ids = notebook.cells.map(({ id }) => id);
    const cells = sharedCells(document.doc).toArray().filter(isSharedCell);
    if (cells.every((cell, index) => cell.get('id') === ids[index])) return notebook;
    document.change(
      () => {
        cells.forEach((cell, index) => {
          if (cell.get('id') !== ids[index]) cell.set('id', ids[index]);
        });
      },
      { author: null },
    );
    return notebook;
  }

  /** JupyterLab marks a document dirty with every edit and leaves it to the server to take that back. */
  #clearDirty(): void {
    const state = this.#document.doc.getMap('state');
    if (state.get('dirty') !== true) return;
    this.#document.change(() => state.set('dirty', false), { author: null });
  }
}
