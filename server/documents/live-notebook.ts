import * as Y from 'yjs';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner } from '../bucket/buckets.ts';
import type { Journal, JournalRecord } from './journal.ts';
import type { LiveDocument, Mark, RoomNotice } from './live-document.ts';
import type { Notebook } from './nbformat.ts';
import { readSharedNotebook, sharedCells, sharedMeta } from './shared-notebook.ts';
import { isComplete } from './vet-update.ts';

const nothing = new Uint8Array();
/** A journal smaller than this is not worth replacing by a snapshot. */
const smallJournalBytes = 1024 ** 2;
const growthBeforeSnapshot = 4;
/** Who opens a notebook reads it right after it was written to the journal, and others soon follow. */
const everythingKeptMs = 5000;

/** What Yjs calls the origin of a transaction: who made it, and what became true with it. */
export class Change {
  readonly author: Author | null;
  readonly marks: readonly Mark[];

  constructor(author: Author | null, marks: readonly Mark[]) {
    this.author = author;
    this.marks = marks;
  }
}

/**
 * One open notebook: the shared document and its journal.
 *
 * INVARIANT: every update of `doc` is appended to the journal, in the order in which it happened, together with the
 * marks of its change; reading the journal again gives the same document and the same marks.
 */
export class LiveNotebook implements LiveDocument {
  readonly id: string;
  readonly owner: BucketOwner;
  readonly isPlayground: boolean;
  readonly doc: Y.Doc;
  readonly journal: Journal;
  key: string;
  /** Grows with every change of what is stored in the file; execution states and the like are not. */
  version = 0;
  /** When that was last; epoch ms. */
  changedAt = 0;
  readonly #marks: Map<string, unknown>;
  readonly #tell: (message: RoomNotice) => void;
  readonly #onContent: (change: Change | null) => void;
  #bytesAfterSnapshot: number;
  #isCompacting = false;
  #everything: Uint8Array | null = null;
  #forgetting: NodeJS.Timeout | undefined;

  /** @param options.onContent  after each change of the file's content */
  constructor(options: {
    id: string;
    owner: BucketOwner;
    key: string;
    isPlayground: boolean;
    doc: Y.Doc;
    journal: Journal;
    marks: ReadonlyMap<string, unknown>;
    tell: (message: RoomNotice) => void;
    onContent: (change: Change | null) => void;
  }) {
    this.id = options.id;
    this.owner = options.owner;
    this.key = options.key;
    this.isPlayground = options.isPlayground;
    this.doc = options.doc;
    this.journal = options.journal;
    this.#marks = new Map(options.marks);
    this.#tell = options.tell;
    this.#onContent = options.onContent;
    this.#bytesAfterSnapshot = options.journal.size;
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      this.#everything = null;
      this.#record(update, origin instanceof Change ? origin.marks : []);
    });
    this.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!isContentChanged(this.doc, transaction)) return;
      this.version += 1;
      this.#onContent(transaction.origin instanceof Change ? transaction.origin : null);
    });
  }

  change<T>(work: () => T, { author, marks = [] }: { author: Author | null; marks?: readonly Mark[] }): T {
    const change = new Change(author, marks);
    const before = this.#recorded;
    const result = this.doc.transact(work, change);
    // A transaction that changed nothing updates nothing, and its marks are facts all the same.
    if (this.#recorded === before && marks.length > 0) this.#record(nothing, marks);
    return result;
  }

  /**
   * Applies an update that a client sent, whole or not at all.
   * @returns false when it builds on edits that are not here, and was left
   * @throws Error  it was no update
   */
  receive(update: Uint8Array, change: Change): boolean {
    if (!isComplete(this.doc, update)) return false;
    Y.applyUpdate(this.doc, update, change);
    const { store } = this.doc;
    if (store.pendingStructs === null && store.pendingDs === null) return true;
    // Its parts build on each other in a circle, so Yjs would keep them for ever.
    store.pendingStructs = null;
    store.pendingDs = null;
    throw new Error('it builds on itself');
  }

  marks(): ReadonlyMap<string, unknown> {
    return this.#marks;
  }

  mark(name: string, value: unknown): void {
    this.#record(nothing, [{ name, value }]);
  }

  durable(): Promise<void> {
    return this.journal.sync();
  }

  notebook(): Notebook {
    return readSharedNotebook(this.doc);
  }

  tell(message: RoomNotice): void {
    this.#tell(message);
  }

  /** What it has beyond a state vector, as one update. */
  beyond(stateVector: Uint8Array): Uint8Array {
    return isOfNothing(stateVector) ? this.#whole() : Y.encodeStateAsUpdate(this.doc, stateVector);
  }

  #whole(): Uint8Array {
    this.#everything ??= Y.encodeStateAsUpdate(this.doc);
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => {
      this.#everything = null;
    }, everythingKeptMs);
    this.#forgetting.unref();
    return this.#everything;
  }

  /** Begins the journal with the document as it is. */
  begin(): void {
    this.journal.append(this.snapshot());
  }

  /** Puts a snapshot in place of the journal where that makes it a good deal smaller. */
  async compact(): Promise<void> {
    if (this.#isCompacting) return;
    this.#isCompacting = true;
    try {
      await this.journal.replace(() => this.snapshot());
      this.#bytesAfterSnapshot = this.journal.size;
    } finally {
      this.#isCompacting = false;
    }
  }

  get isWorthCompacting(): boolean {
    return this.journal.size > Math.max(smallJournalBytes, this.#bytesAfterSnapshot * growthBeforeSnapshot);
  }

  snapshot(): JournalRecord {
    return { update: this.#whole(), marks: Object.fromEntries(this.#marks) };
  }

  /** How often something was recorded. */
  #recorded = 0;

  #record(update: Uint8Array, marks: readonly Mark[]): void {
    this.#recorded += 1;
    for (const { name, value } of marks) {
      if (value === null) this.#marks.delete(name);
      else this.#marks.set(name, value);
    }
    this.journal.append({ update, marks: Object.fromEntries(marks.map(({ name, value }) => [name, value])) });
    if (this.isWorthCompacting) {
      this.compact().catch(() => {
        // The journal says what is wrong with the disk; it stays as long as it is, and complete.
      });
    }
  }
}

function isOfNothing(stateVector: Uint8Array): boolean {
  return stateVector.length === 1 && stateVector[0] === 0;
}

/** The document and the marks that a journal's records make. */
export function replayed(records: readonly JournalRecord[]): { doc: Y.Doc; marks: Map<string, unknown> } {
  const doc = new Y.Doc();
  const marks = new Map<string, unknown>();
  doc.transact(() => {
    for (const { update, marks: facts } of records) {
      if (update.length > 0) Y.applyUpdate(doc, update);
      for (const [name, value] of Object.entries(facts)) {
        if (value === null) marks.delete(name);
        else marks.set(name, value);
      }
    }
  });
  return { doc, marks };
}

/** Whether a transaction changed what is written to the file. */
function isContentChanged(doc: Y.Doc, { changed }: Y.Transaction): boolean {
  const roots = new Set<unknown>([sharedCells(doc), sharedMeta(doc)]);
  for (const [type, keys] of changed) {
    // A cell's state comes and goes with its run and is no part of the file.
    if (keys.size === 1 && keys.has('execution_state')) continue;
    let root: Y.AbstractType<unknown> = type as Y.AbstractType<unknown>;
    while (root._item !== null) root = root._item.parent as Y.AbstractType<unknown>;
    if (roots.has(root)) return true;
  }
  return false;
}
