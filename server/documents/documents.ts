import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as Y from 'yjs';
import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import { applyNotebook } from './apply-notebook.ts';
import { openJournal } from './journal.ts';
import type { Documents, Holding, MergeOutcome, Stored } from './live-document.ts';
import { LiveNotebook, replayed, snapshotOf } from './live-notebook.ts';
import { mergeNotebooks } from './merge-notebooks.ts';
import { notebookContentType, readNotebook, writeNotebook, type Notebook } from './nbformat.ts';
import { isPlaygroundKey, mayUsePlayground, playgroundKey } from './playground-key.ts';
import { Room, type Joining, type MessageHandler } from './room.ts';
import { writeSharedNotebook } from './shared-notebook.ts';
import type { DocumentRow, DocumentStore } from './store.ts';
import { Storing } from './storing.ts';

/** How long a document that nobody needs any more stays in memory. */
const lingerMs = 30_000;

export interface LiveDocuments extends Documents {
  /** What a client needs to join the room of a notebook. @throws as `hold` */
  session(owner: BucketOwner, key: string): Promise<{ documentId: string; sessionId: string }>;
  /**
   * Lets a client in.
   * @returns false when there is no such document, or the client's copy is of one that had to begin anew
   */
  join(owner: BucketOwner, room: { documentId: string; sessionId: string }, joining: Joining): Promise<boolean>;
  /** Who has it open; empty when nobody has. */
  peopleIn(owner: BucketOwner, key: string): readonly Author[];
  /** Whose playground a key is; null when there is none. */
  playgroundOwner(owner: BucketOwner, key: string): Promise<string | null>;
  playgrounds(owner: BucketOwner, accountId: string): Promise<DocumentRow[]>;
  /** A playground as if it were an object of the bucket; null when there is none. */
  readPlayground(owner: BucketOwner, key: string): Promise<{ info: ObjectInfo; bytes: Buffer } | null>;
  /** Tells those who listen of a notebook that was written to the bucket without a document. */
  report(owner: BucketOwner, info: ObjectInfo, author: Author | null): void;
  /** Ends all documents of a workspace that is about to be deleted. */
  forgetIn(workspaceId: string): Promise<void>;
  /** Ends a document whose object was deleted. */
  forget(owner: BucketOwner, key: string): Promise<void>;
  /** Moves the object by `move`, and the document with it; editors stay connected. */
  move(owner: BucketOwner, from: string, to: string, move: () => Promise<ObjectInfo>): Promise<ObjectInfo>;
  /** Writes to the buckets what an earlier run of the control plane did not get to. */
  recover(): Promise<void>;
  /** Deletes playgrounds that nobody used since `before`, in epoch ms. */
  sweepPlaygrounds(before: number): Promise<void>;
  /** Stores what is not stored, as far as that goes, and closes everything. */
  close(): Promise<void>;
}

interface Entry {
  readonly row: DocumentRow;
  readonly document: LiveNotebook;
  readonly storing: Storing;
  readonly room: Room;
  holders: number;
  linger: NodeJS.Timeout | undefined;
}

/**
 * INVARIANTS: a key has at most one document in memory; opening and closing of one key happen one after another. A
 * document stays in memory while somebody holds it or the bucket lacks something of it.
 * @param options.directory  where the journals are
 */
export function createDocuments(options: {
  directory: string;
  buckets: Buckets;
  store: DocumentStore;
  events: EventBus;
  clock: Clock;
  log: Log;
}): LiveDocuments {
  const { directory, buckets, store, events, clock, log } = options;
  const entries = new Map<string, Promise<Entry>>();
  const ready = new Map<string, Entry>();
  const turns = new Map<string, Promise<unknown>>();
  const storedListeners: ((stored: Stored) => void)[] = [];
  const handlers = new Map<string, MessageHandler>();
  let isClosing = false;

  const nameOf = (workspaceId: string, key: string): string => `${workspaceId}\n${key}`;
  const fileOf = (id: string): string => path.join(directory, `${id}.journal`);

  events.subscribe(({ event }) => {
    if (event.kind !== 'object') return;
    // Somebody wrote the object past the document.
    const entry = ready.get(nameOf(event.workspaceId ?? '', event.id));
    if (entry === undefined || entry.document.isPlayground) return;
    entry.storing.absorb().catch((error: unknown) => {
      log.warn({ err: error, key: event.id }, 'a changed object could not be read; its document goes on without it');
    });
  });

  /** Opening, closing, moving and deleting of one key, one after another. */
  function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = (turns.get(name) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => undefined)
      .then(() => {
        if (turns.get(name) === settled) turns.delete(name);
      });
    turns.set(name, settled);
    return done;
  }

  async function enter(owner: BucketOwner, key: string): Promise<Entry> {
    if (isClosing) throw new AppError('DriverUnavailable', 'Terrarium is being stopped.');
    const name = nameOf(owner.id, key);
    let opening = entries.get(name);
    if (opening === undefined) {
      opening = inTurn(name, () => load(owner, key));
      entries.set(name, opening);
      opening.then(
        (entry) => ready.set(name, entry),
        () => entries.delete(name),
      );
    }
    const entry = await opening;
    // It may have been closed between its loading and now.
    if (entries.get(nameOf(owner.id, entry.document.key)) !== opening) return enter(owner, key);
    entry.holders += 1;
    clearTimeout(entry.linger);
    return entry;
  }

  function leave(entry: Entry): void {
    entry.holders -= 1;
    if (entry.holders > 0) return;
    clearTimeout(entry.linger);
    entry.linger = setTimeout(() => {
      closeIfUnused(entry).catch((error: unknown) => {
        log.warn({ err: error, key: entry.document.key }, 'a document stays open, since it could not be stored');
      });
    }, lingerMs);
    entry.linger.unref();
  }

  async function closeIfUnused(entry: Entry): Promise<void> {
    if (!entry.storing.isStored) {
      // It stays until its storing, which goes on by itself, has succeeded.
      await entry.storing.flush().catch(() => undefined);
    }
    const name = nameOf(entry.document.owner.id, entry.document.key);
    await inTurn(name, async () => {
      if (entry.holders > 0 || !ready.has(name)) return;
      if (!entry.storing.isStored) {
        entry.holders += 1;
        leave(entry);
        return;
      }
      await shut(entry);
    });
  }

  async function shut(entry: Entry): Promise<void> {
    const { document, storing } = entry;
    const name = nameOf(document.owner.id, document.key);
    entries.delete(name);
    ready.delete(name);
    clearTimeout(entry.linger);
    storing.stop();
    entry.room.close(1012, 'The document is closed.');
    if (document.isWorthCompacting) await document.compact().catch(() => undefined);
    await document.journal.close();
    if (storing.isStored) {
      await store.update(entry.row.id, { settled_bytes: document.journal.size, used_at: clock.now() });
    }
    document.doc.destroy();
  }

  async function load(owner: BucketOwner, key: string): Promise<Entry> {
    const row = await store.byKey(owner.id, key);
    const info = isPlaygroundKey(key) ? null : await buckets.head(owner, key);
    if (row === undefined) {
      if (info === null) throw noSuchNotebook(key);
      return begin(owner, key, info);
    }
    const isUnsettled = (await sizeOf(fileOf(row.id))) !== row.settled_bytes;
    if (info === null && row.playground_of === null && !isUnsettled) {
      // Its object was deleted while nobody had it open.
      await discard(row);
      throw noSuchNotebook(key);
    }
    return resume(owner, row, info, isUnsettled);
  }

  /** A notebook that has no document yet. */
  async function begin(owner: BucketOwner, key: string, info: ObjectInfo): Promise<Entry> {
    const notebook = await readObject(owner, key, info.generation);
    const row = newRow(owner, key, null, null);
    const entry = await create(owner, row, notebook);
    entry.storing.adopt(info, notebook);
    await entry.document.durable();
    await store.insert({ ...row, settled_bytes: entry.document.journal.size });
    return entry;
  }

  function newRow(owner: BucketOwner, key: string, playgroundOf: string | null, source: string | null): DocumentRow {
    const now = clock.now();
    return {
      id: newId(),
      workspace_id: owner.id,
      bucket: owner.bucket,
      key,
      session_id: newId(),
      playground_of: playgroundOf,
      source_key: source,
      settled_bytes: 0,
      created_at: now,
      used_at: now,
    };
  }

  async function create(owner: BucketOwner, row: DocumentRow, notebook: Notebook): Promise<Entry> {
    const doc = new Y.Doc();
    doc.transact(() => {
      writeSharedNotebook(doc, notebook);
    });
    const entry = await assemble(owner, row, { doc, marks: new Map() });
    entry.document.journal.append(snapshotOf(doc, new Map()));
    return entry;
  }

  async function resume(
    owner: BucketOwner,
    row: DocumentRow,
    info: ObjectInfo | null,
    isUnsettled: boolean,
  ): Promise<Entry> {
    const entry = await assemble(owner, row, null);
    try {
      await entry.storing.recover(info, isUnsettled);
    } catch (error) {
      // The bucket cannot be read; what the journal has can be edited all the same.
      log.warn({ err: error, key: row.key }, 'a document was opened without looking at its object');
    }
    return entry;
  }

  /** @param given  a document to begin with; null reads the journal */
  async function assemble(
    owner: BucketOwner,
    row: DocumentRow,
    given: { doc: Y.Doc; marks: Map<string, unknown> } | null,
  ): Promise<Entry> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (given !== null) await rm(fileOf(row.id), { force: true });
    const { journal, records, isDamaged } = await openJournal(fileOf(row.id), (trouble) => {
      if (trouble !== null) log.error({ err: trouble, documentId: row.id }, 'a journal cannot be written');
      room.tell(
        trouble === null
          ? { type: 'well', what: 'journal' }
          : { type: 'trouble', what: 'journal', reason: trouble.message },
      );
      if (trouble === null) room.settle();
    });
    if (isDamaged) log.warn({ documentId: row.id }, 'the end of a journal was cut short; it was never acknowledged');
    const { doc, marks } = given ?? replayed(records);
    const document: LiveNotebook = new LiveNotebook({
      id: row.id,
      owner,
      key: row.key,
      isPlayground: row.playground_of !== null,
      doc,
      journal,
      marks,
      tell: (notice) => {
        room.tell(notice);
      },
      onContent: (change) => {
        document.changedAt = clock.now();
        storing.changed(change?.author ?? null, change !== null && change.author !== null);
      },
    });
    const storing: Storing = new Storing({
      document,
      buckets,
      clock,
      log,
      onStored: (stored) => {
        for (const listener of storedListeners) listener(stored);
      },
      onSettled: async (bytes) => {
        await store.update(row.id, { settled_bytes: bytes });
      },
    });
    document.changedAt = row.used_at;
    const room: Room = new Room(document, {
      bucketTrouble: () => storing.trouble,
      isStored: () => storing.isStored,
      save: () => storing.flush(),
      handlers,
    });
    return { row, document, storing, room, holders: 0, linger: undefined };
  }

  async function readObject(owner: BucketOwner, key: string, generation?: string): Promise<Notebook> {
    const found = await buckets.get(owner, key, generation === undefined ? {} : { generation });
    if (found === null) throw noSuchNotebook(key);
    const reading = readNotebook(await buffer(found.body));
    if (reading.kind === 'refused') {
      throw new AppError('InvalidInput', `"${key}" is not a notebook: ${reading.reason}`);
    }
    return reading.notebook;
  }

  async function discard(row: DocumentRow): Promise<void> {
    await store.delete(row.id);
    await rm(fileOf(row.id), { force: true });
  }

  async function hold(owner: BucketOwner, key: string): Promise<Holding & { entry: Entry }> {
    const entry = await enter(owner, key);
    let isHeld = true;
    return {
      entry,
      document: entry.document,
      [Symbol.dispose]() {
        if (isHeld) leave(entry);
        isHeld = false;
      },
    };
  }

  async function merge(
    owner: BucketOwner,
    key: string,
    { base, notebook, author }: { base: string | null; notebook: Notebook; author: Author | null },
  ): Promise<MergeOutcome> {
    using held = await hold(owner, key);
    const { document, storing } = held.entry;
    if (!document.isPlayground) await storing.flush();
    const stored = storing.generation;
    const from = base ?? stored;
    // What was typed since the last store is in neither side's base, so it is merged as well.
    const isPresent = document.isPlayground || (from === stored && storing.isStored);
    let wanted = notebook;
    if (!isPresent && from !== null) {
      const before = await readObject(owner, key, from);
      const merged = mergeNotebooks(before, document.notebook(), notebook);
      if (merged.conflicts.length > 0) return { kind: 'conflict', cells: merged.conflicts, generation: stored ?? '' };
      wanted = merged.notebook;
    }
    document.change(
      () => {
        applyNotebook(document.doc, wanted);
      },
      { author },
    );
    if (document.isPlayground) await document.durable();
    else await storing.flush();
    return { kind: from === stored ? 'applied' : 'merged', generation: storing.generation ?? '' };
  }

  async function forget(owner: BucketOwner, key: string): Promise<void> {
    const name = nameOf(owner.id, key);
    await inTurn(name, async () => {
      const entry = ready.get(name);
      if (entry !== undefined) {
        entry.storing.stop();
        entry.room.tell({ type: 'deleted' });
        entry.room.close(4404, 'The notebook was deleted.');
        await shut(entry);
      }
      const row = await store.byKey(owner.id, key);
      if (row !== undefined) await discard(row);
    });
  }

  return {
    hold,
    merge,

    async holdById(documentId) {
      const row = await store.byId(documentId);
      if (row === undefined) return null;
      try {
        return await hold({ id: row.workspace_id, bucket: row.bucket }, row.key);
      } catch (error) {
        if (error instanceof AppError && error.code === 'NotFound') return null;
        throw error;
      }
    },

    opened: (owner, key) => ready.get(nameOf(owner.id, key))?.document ?? null,
    peopleIn: (owner, key) => ready.get(nameOf(owner.id, key))?.room.people ?? [],

    async flush(owner, key) {
      await ready.get(nameOf(owner.id, key))?.storing.flush();
    },

    async createPlayground(owner, key, author) {
      using source = await hold(owner, key);
      const target = playgroundKey(newId(), key);
      const row = newRow(owner, target, author.accountId, key);
      const entry = await create(owner, row, source.document.notebook());
      await entry.document.durable();
      await store.insert(row);
      await shut(entry);
      return { key: target };
    },

    async playgroundOwner(owner, key) {
      return (await store.byKey(owner.id, key))?.playground_of ?? null;
    },
    playgrounds: (owner, accountId) => store.playgroundsOf(owner.id, accountId),
    async readPlayground(owner, key) {
      if ((await store.byKey(owner.id, key))?.playground_of == null) return null;
      using held = await hold(owner, key);
      const { document, row } = held.entry;
      const bytes = Buffer.from(writeNotebook(document.notebook()));
      const info: ObjectInfo = {
        key,
        size: bytes.length,
        contentType: notebookContentType,
        generation: createHash('sha256').update(bytes).digest('hex').slice(0, 32),
        updatedAt: new Date(document.changedAt),
        createdAt: new Date(row.created_at),
      };
      return { info, bytes };
    },

    onStored(listener) {
      storedListeners.push(listener);
    },
    onMessage(type, handler) {
      handlers.set(type, handler);
    },

    async session(owner, key) {
      using held = await hold(owner, key);
      const { id, session_id: sessionId } = held.entry.row;
      return { documentId: id, sessionId };
    },

    async join(owner, { documentId, sessionId }, joining) {
      const row = await store.byId(documentId);
      if (row === undefined || row.workspace_id !== owner.id || row.session_id !== sessionId) return false;
      if (row.playground_of !== null && !mayUsePlayground(row.playground_of, joining.author.accountId)) return false;
      const held = await hold(owner, row.key);
      // The socket may have closed while the document was opened, and would then never be let go.
      if (joining.socket.readyState > joining.socket.OPEN) {
        held[Symbol.dispose]();
        return true;
      }
      held.entry.room.join(joining, () => {
        held[Symbol.dispose]();
      });
      return true;
    },

    report(owner, info, author) {
      const { key, generation, size } = info;
      const authors = author === null ? [] : [author];
      for (const listener of storedListeners) {
        listener({ documentId: null, owner, key, generation, size, at: info.updatedAt.getTime(), authors });
      }
    },

    async forgetIn(workspaceId) {
      for (const row of await store.all()) {
        if (row.workspace_id === workspaceId) await forget({ id: workspaceId, bucket: row.bucket }, row.key);
      }
    },

    forget,

    async move(owner, from, to, move) {
      if (from === to) return move();
      const name = nameOf(owner.id, from);
      return inTurn(name, async () => {
        const entry = ready.get(name);
        if (entry === undefined) {
          const info = await move();
          const row = await store.byKey(owner.id, from);
          if (row !== undefined) await moveRow(owner, row, to);
          return info;
        }
        await entry.storing.flush();
        return entry.storing.exclusively(async () => {
          const info = await move();
          await moveRow(owner, entry.row, to);
          const opening = entries.get(name);
          entries.delete(name);
          ready.delete(name);
          entry.document.key = to;
          if (opening !== undefined) entries.set(nameOf(owner.id, to), opening);
          ready.set(nameOf(owner.id, to), entry);
          entry.storing.moved(info);
          entry.room.tell({ type: 'moved', path: to });
          return info;
        });
      });
    },

    async recover() {
      for (const row of await store.all()) {
        if (row.playground_of !== null || (await sizeOf(fileOf(row.id))) === row.settled_bytes) continue;
        try {
          using held = await hold({ id: row.workspace_id, bucket: row.bucket }, row.key);
          await held.entry.storing.flush();
        } catch (error) {
          log.warn({ err: error, key: row.key }, 'a notebook is not in its bucket yet; it is tried again when opened');
        }
      }
    },

    async sweepPlaygrounds(before) {
      for (const row of await store.all()) {
        if (row.playground_of === null || row.used_at >= before) continue;
        const name = nameOf(row.workspace_id, row.key);
        await inTurn(name, async () => {
          if (!ready.has(name)) await discard(row);
        });
      }
    },

    async close() {
      isClosing = true;
      const open = await Promise.all([...entries.values()].map((opening) => opening.catch(() => null)));
      await Promise.all(
        open.map(async (entry) => {
          if (entry === null) return;
          entry.room.close(1012, 'Terrarium is being stopped.');
          await entry.storing.flush().catch(() => undefined);
          await shut(entry);
        }),
      );
    },
  };

  async function moveRow(owner: BucketOwner, row: DocumentRow, to: string): Promise<void> {
    const stale = await store.byKey(owner.id, to);
    if (stale !== undefined) await discard(stale);
    await store.update(row.id, { key: to });
    row.key = to;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return -1;
  }
}

function noSuchNotebook(key: string): AppError {
  return new AppError('NotFound', `There is no notebook "${key.replace(/^notebooks\//, '')}" here.`);
}
