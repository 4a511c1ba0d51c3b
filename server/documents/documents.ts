import type { Author } from '../accounts/author.ts';
import { AppError, playgroundDays } from '@terrarium/contract';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import type { Documents, LiveDocument, Stored } from './live-document.ts';
import type { LiveNotebook } from './live-notebook.ts';
import { createLoader } from './load-documents.ts';
import { asItStands, createMerging } from './merging.ts';
import { createOpenDocuments } from './open-documents.ts';
import { mayUsePlayground } from './playground-key.ts';
import type { Joining, MessageHandler } from './room-member.ts';
import { sharedExecution } from './shared-notebook.ts';
import { createSnapshots, snapshotOf, type Snapshot } from './snapshot.ts';
import type { DocumentRow, DocumentStore } from './store.ts';

const playgroundKeptMs = playgroundDays * 24 * 60 * 60 * 1000;

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
  /** Whether a cell of it runs or waits to run. */
  isRunning(owner: BucketOwner, key: string): boolean;
  /** Whose playground a key is; null when there is none. */
  playgroundOwner(owner: BucketOwner, key: string): Promise<string | null>;
  playgrounds(owner: BucketOwner, accountId: string): Promise<DocumentRow[]>;
  /** A playground as if it were an object of the bucket; null when there is none. */
  readPlayground(owner: BucketOwner, key: string): Promise<Snapshot | null>;
  /** A document that is in memory, as it stands and whether it is stored or not; null when it is not in memory. */
  readOpen(owner: BucketOwner, key: string): Snapshot | null;
  /** What `readOpen` gave lately; null when it gave nothing of that generation. */
  givenOut(owner: BucketOwner, key: string, generation: string): Snapshot | null;
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
  /** Deletes playgrounds that nobody used for `playgroundDays`. */
  sweepPlaygrounds(): Promise<void>;
  /** Stores what is not stored, as far as that goes, and closes everything. */
  close(): Promise<void>;
}

/**
 * The live documents of all workspaces.
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
  const { store, events, clock, log } = options;
  const storedListeners: ((stored: Stored) => void)[] = [];
  const movedListeners: ((document: LiveDocument) => void)[] = [];
  const handlers = new Map<string, MessageHandler>();
  const onStored = (stored: Stored): void => {
    for (const listener of storedListeners) listener(stored);
  };
  const onUse = ({ key, owner }: LiveNotebook, playgroundOf: string | null): void => {
    events.publish({ kind: 'notebook', id: key, workspaceId: owner.id }, playgroundOf);
  };
  const loader = createLoader({ ...options, handlers, onStored, onUse });
  const open = createOpenDocuments({ loader, store, clock, log });
  const { hold } = open;

  events.subscribe(({ event }) => {
    if (event.kind !== 'object') return;
    // Somebody wrote the object past the document; one that is being opened may have read it before.
    open
      .opening(event.workspaceId ?? '', event.id)
      ?.then(async ({ document, storing }) => {
        if (!document.isPlayground) await storing.absorb();
      })
      .catch((error: unknown) => {
        log.warn({ err: error, key: event.id }, 'a changed object could not be read; its document goes on without it');
      });
  });

  const snapshots = createSnapshots();
  const merge = createMerging({ hold, loader, snapshots });

  async function forget(owner: BucketOwner, key: string): Promise<void> {
    await open.exclusively(owner.id, key, async () => {
      const entry = open.get(owner.id, key);
      if (entry !== undefined) {
        entry.storing.stop();
        entry.room.tell({ type: 'deleted' });
        entry.room.close(4404, 'The notebook was deleted.');
        await entry.storing.exclusively(() => open.shut(entry));
      }
      const row = await store.byKey(owner.id, key);
      if (row !== undefined) await loader.discard(row);
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

    opened: (owner, key) => open.get(owner.id, key)?.document ?? null,
    peopleIn: (owner, key) => open.get(owner.id, key)?.room.people ?? [],
    isRunning(owner, key) {
      const entry = open.get(owner.id, key);
      return entry !== undefined && sharedExecution(entry.document.doc).size > 0;
    },

    async flush(owner, key) {
      await open.get(owner.id, key)?.storing.flush();
    },

    async createPlayground(owner, key, author) {
      using source = await hold(owner, key);
      const from = { key, notebook: source.document.notebook() };
      const entry = await loader.createPlayground(owner, from, author.accountId);
      await open.shut(entry);
      return { key: entry.row.key };
    },

    async playgroundOwner(owner, key) {
      return (await store.byKey(owner.id, key))?.playground_of ?? null;
    },
    playgrounds: (owner, accountId) => store.playgroundsOf(owner.id, accountId),
    async readPlayground(owner, key) {
      if ((await store.byKey(owner.id, key))?.playground_of == null) return null;
      using held = await hold(owner, key);
      const { document, row } = held.entry;
      return snapshotOf(document, new Date(row.created_at), (hash) => hash);
    },

    readOpen(owner, key) {
      const entry = open.get(owner.id, key);
      return entry === undefined ? null : snapshots.remember(owner, asItStands(entry));
    },
    givenOut: snapshots.of,

    onStored(listener) {
      storedListeners.push(listener);
    },
    onMoved(listener) {
      movedListeners.push(listener);
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
      onStored({ documentId: null, owner, key, generation, size, at: info.updatedAt.getTime(), authors });
    },

    async forgetIn(workspaceId) {
      for (const row of await store.all()) {
        if (row.workspace_id === workspaceId) await forget({ id: workspaceId, bucket: row.bucket }, row.key);
      }
    },

    forget,

    async move(owner, from, to, move) {
      if (from === to) return move();
      return open.exclusively(owner.id, from, async () => {
        const entry = open.get(owner.id, from);
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
          open.rename(entry, to);
          entry.storing.moved(info);
          entry.room.tell({ type: 'moved', path: to });
          for (const listener of movedListeners) listener(entry.document);
          return info;
        });
      });
    },

    async recover() {
      for (const row of await store.all()) {
        if (row.playground_of !== null || !(await loader.isUnsettled(row))) continue;
        try {
          using held = await hold({ id: row.workspace_id, bucket: row.bucket }, row.key);
          await held.entry.storing.flush();
        } catch (error) {
          log.warn({ err: error, key: row.key }, 'a notebook is not in its bucket yet; it is tried again when opened');
        }
      }
    },

    async sweepPlaygrounds() {
      const before = clock.now() - playgroundKeptMs;
      for (const row of await store.all()) {
        if (row.playground_of === null || row.used_at >= before) continue;
        await open.exclusively(row.workspace_id, row.key, async () => {
          if (open.get(row.workspace_id, row.key) === undefined) await loader.discard(row);
        });
      }
    },

    close: () => open.close(),
  };

  async function moveRow(owner: BucketOwner, row: DocumentRow, to: string): Promise<void> {
    const stale = await store.byKey(owner.id, to);
    if (stale !== undefined) await loader.discard(stale);
    await store.update(row.id, { key: to });
    row.key = to;
  }
}
