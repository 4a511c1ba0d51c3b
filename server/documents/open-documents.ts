import { AppError } from '@terrarium/contract';
import type { BucketOwner } from '../bucket/buckets.ts';
import type { Clock } from '../plumbing/clock.ts';
import { beforeDeadline } from '../plumbing/deadline.ts';
import type { Log } from '../plumbing/log.ts';
import type { Holding } from './live-document.ts';
import type { Loader, OpenDocument } from './load-documents.ts';
import type { DocumentStore } from './store.ts';

/** How long a document that nobody needs any more stays in memory. */
const lingerMs = 30_000;
const longestFlushMs = 5000;

interface Entry extends OpenDocument {
  holders: number;
  linger: NodeJS.Timeout | undefined;
}

export interface OpenDocuments {
  /** @throws as Loader.load; DriverUnavailable  while closing */
  hold(owner: BucketOwner, key: string): Promise<Holding & { readonly entry: OpenDocument }>;
  get(workspaceId: string, key: string): OpenDocument | undefined;
  /** The same of a document that is still being loaded. */
  opening(workspaceId: string, key: string): Promise<OpenDocument> | undefined;
  /** Runs `work` while nothing of this key is opened, closed, moved or deleted. */
  exclusively<T>(workspaceId: string, key: string, work: () => Promise<T>): Promise<T>;
  /** Takes a document out of memory. Call it exclusively. */
  shut(entry: OpenDocument): Promise<void>;
  /** The document is under another key from now on. Call it exclusively. */
  rename(entry: OpenDocument, to: string): void;
  /** Stores what is not stored, as far as that goes, and closes everything. */
  close(): Promise<void>;
}

/**
 * INVARIANTS: a key has at most one document in memory; opening, closing, moving and deleting of one key happen one after
 * another. A document stays in memory while somebody holds it or the bucket lacks something of it.
 */
export function createOpenDocuments(options: {
  loader: Loader;
  store: DocumentStore;
  clock: Clock;
  log: Log;
}): OpenDocuments {
  const { loader, store, clock, log } = options;
  const entries = new Map<string, Promise<Entry>>();
  const ready = new Map<string, Entry>();
  const turns = new Map<string, Promise<unknown>>();
  let isClosing = false;

  const nameOf = (workspaceId: string, key: string): string => `${workspaceId}\n${key}`;

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
      opening = inTurn(name, async () => ({ ...(await loader.load(owner, key)), holders: 0, linger: undefined }));
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
      await entry.storing.exclusively(() => shut(entry));
    });
  }

  async function shut(entry: OpenDocument): Promise<void> {
    const { document, storing } = entry;
    const name = nameOf(document.owner.id, document.key);
    clearTimeout(ready.get(name)?.linger);
    entries.delete(name);
    ready.delete(name);
    storing.stop();
    entry.room.close(1012, 'The document is closed.');
    if (document.isWorthCompacting) await document.compact().catch(() => undefined);
    await document.journal.close();
    document.doc.destroy();
    if (!storing.isStored) return;
    try {
      await store.update(entry.row.id, { settled_bytes: document.journal.size, used_at: clock.now() });
    } catch (error) {
      log.warn({ err: error, documentId: entry.row.id }, 'that a document is stored could not be noted');
    }
  }

  return {
    async hold(owner, key) {
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
    },
    get: (workspaceId, key) => ready.get(nameOf(workspaceId, key)),
    opening: (workspaceId, key) => entries.get(nameOf(workspaceId, key)),
    exclusively: (workspaceId, key, work) => inTurn(nameOf(workspaceId, key), work),
    shut,
    rename({ document }, to) {
      const { id } = document.owner;
      const from = nameOf(id, document.key);
      const opening = entries.get(from);
      const entry = ready.get(from);
      entries.delete(from);
      ready.delete(from);
      document.key = to;
      if (opening !== undefined) entries.set(nameOf(id, to), opening);
      if (entry !== undefined) ready.set(nameOf(id, to), entry);
    },
    async close() {
      isClosing = true;
      const open = await Promise.all([...entries.values()].map((opening) => opening.catch(() => null)));
      await Promise.all(
        open.map(async (entry) => {
          if (entry === null) return;
          entry.room.close(1012, 'Terrarium is being stopped.');
          // A bucket that does not answer keeps nobody waiting: the journal has it all, and the next start stores it.
          const flushed = entry.storing.flush().catch(() => undefined);
          await beforeDeadline(flushed, longestFlushMs, () => undefined);
          await shut(entry);
        }),
      );
    },
  };
}
