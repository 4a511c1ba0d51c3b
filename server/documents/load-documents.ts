import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as Y from 'yjs';
import { AppError } from '@terrarium/contract';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import { openJournal } from './journal.ts';
import type { Stored } from './live-document.ts';
import { LiveNotebook, replayed } from './live-notebook.ts';
import type { Notebook } from './nbformat.ts';
import { isPlaygroundKey, playgroundKey } from './playground-key.ts';
import { readObject } from './read-object.ts';
import { noSuchNotebook } from './refusals.ts';
import type { MessageHandler } from './room-member.ts';
import { Room } from './room.ts';
import { sharedExecution, writeSharedNotebook } from './shared-notebook.ts';
import type { DocumentRow, DocumentStore } from './store.ts';
import { marksOfFound } from './storing-marks.ts';
import { Storing } from './storing.ts';

/** A document in memory with all that keeps it. */
export interface OpenDocument {
  readonly row: DocumentRow;
  readonly document: LiveNotebook;
  readonly storing: Storing;
  readonly room: Room;
}

export interface Loader {
  /** @throws AppError NotFound; InvalidInput  it is not a notebook; DriverUnavailable */
  load(owner: BucketOwner, key: string): Promise<OpenDocument>;
  /** Makes a playground from a notebook. */
  createPlayground(
    owner: BucketOwner,
    source: { key: string; notebook: Notebook },
    accountId: string,
  ): Promise<OpenDocument>;
  /** @throws AppError NotFound, InvalidInput */
  readObject(owner: BucketOwner, key: string, generation: string): Promise<Notebook>;
  /** Whether the journal holds what the bucket may lack. */
  isUnsettled(row: DocumentRow): Promise<boolean>;
  /** Forgets a document that is not in memory. */
  discard(row: DocumentRow): Promise<void>;
}

/** Brings documents into memory, from their journals and from the bucket. */
export function createLoader(options: {
  directory: string;
  buckets: Buckets;
  store: DocumentStore;
  clock: Clock;
  log: Log;
  handlers: ReadonlyMap<string, MessageHandler>;
  onStored: (stored: Stored) => void;
  /** Somebody came or went, or its cells began or ceased to run. */
  onUse: (document: LiveNotebook, playgroundOf: string | null) => void;
}): Loader {
  const { directory, buckets, store, clock, log, handlers } = options;
  const fileOf = ({ id }: DocumentRow): string => path.join(directory, `${id}.journal`);

  async function load(owner: BucketOwner, key: string): Promise<OpenDocument> {
    const row = await store.byKey(owner.id, key);
    const info = isPlaygroundKey(key) ? null : await headOf(owner, key, row !== undefined);
    if (row === undefined) {
      if (info === null || info === 'unknown') throw noSuchNotebook(key);
      return begin(owner, newRow(owner, key, null, null), info, (made) => store.insert(made));
    }
    const unsettled = await isUnsettled(row);
    if (info === null && row.playground_of === null && !unsettled) {
      // Its object was deleted while nobody had it open.
      await discard(row);
      throw noSuchNotebook(key);
    }
    return resume(owner, row, info, unsettled);
  }

  /** A document that is on this machine can be edited while its bucket is out of reach. */
  async function headOf(owner: BucketOwner, key: string, isHere: boolean): Promise<ObjectInfo | null | 'unknown'> {
    try {
      return await buckets.head(owner, key);
    } catch (error) {
      if (!isHere || !(error instanceof AppError) || error.code !== 'DriverUnavailable') throw error;
      return 'unknown';
    }
  }

  async function isUnsettled(row: DocumentRow): Promise<boolean> {
    return (await sizeOf(fileOf(row))) !== row.settled_bytes;
  }

  /** A notebook that has no document yet, or whose journal is lost. */
  async function begin(
    owner: BucketOwner,
    row: DocumentRow,
    info: ObjectInfo,
    save: (row: DocumentRow) => Promise<void>,
  ): Promise<OpenDocument> {
    const { bytes, notebook } = await readObject(buckets, owner, row.key, info.generation);
    const entry = await create(owner, row, notebook, marksOfFound(info, bytes));
    try {
      await save(row);
    } catch (error) {
      await abandon(entry);
      throw error;
    }
    // It is shown meanwhile: what is edited comes behind it in the journal, and is acknowledged after it.
    void settle(entry);
    return entry;
  }

  /** Notes that the bucket has all of a document that just began, once its journal is on disk. */
  async function settle({ row, document, storing }: OpenDocument): Promise<void> {
    try {
      await document.durable();
      if (storing.isStored) await store.update(row.id, { settled_bytes: document.journal.size });
    } catch (error) {
      // The journal tells everybody of its trouble; what is not noted is looked at again after the next start.
      log.warn({ err: error, documentId: row.id }, 'that a document is stored could not be noted');
    }
  }

  /** Lets go of a document that nobody got to see. */
  async function abandon({ document, storing, row }: OpenDocument): Promise<void> {
    storing.stop();
    await document.journal.close();
    document.doc.destroy();
    await rm(fileOf(row), { force: true });
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

  async function create(
    owner: BucketOwner,
    row: DocumentRow,
    notebook: Notebook,
    marks: Map<string, unknown>,
  ): Promise<OpenDocument> {
    const doc = new Y.Doc();
    doc.transact(() => {
      writeSharedNotebook(doc, notebook);
    });
    const entry = await assemble(owner, row, { doc, marks });
    entry.document.begin();
    return entry;
  }

  async function resume(
    owner: BucketOwner,
    row: DocumentRow,
    info: ObjectInfo | null | 'unknown',
    unsettled: boolean,
  ): Promise<OpenDocument> {
    const entry = await assemble(owner, row, null);
    if (await isLost(entry, info)) {
      await abandon(entry);
      if (info === null || info === 'unknown') throw noSuchNotebook(row.key);
      log.error({ documentId: row.id, key: row.key }, 'a journal is lost; its notebook is opened as its bucket has it');
      // Clients of the document that was lost would bring in a second time what its object holds already.
      const { id, ...anew } = { ...row, session_id: newId() };
      return begin(owner, { id, ...anew }, info, () => store.update(id, { ...anew, settled_bytes: 0 }));
    }
    try {
      await entry.storing.recover(info === 'unknown' ? null : info, unsettled);
    } catch (error) {
      // The bucket cannot be read; what the journal has can be edited all the same.
      log.warn({ err: error, key: row.key }, 'a document was opened without looking at its object');
    }
    return entry;
  }

  /** Whether the journal is gone, or the object holds what should be in a part of it that is damaged. */
  async function isLost(
    { document, storing, isDamaged }: OpenDocument & { isDamaged: boolean },
    info: ObjectInfo | null | 'unknown',
  ): Promise<boolean> {
    if (document.journal.size === 0) return true;
    return isDamaged && info !== null && info !== 'unknown' && !(await storing.isOurs(info));
  }

  /** @param given  a document to begin with; null reads the journal */
  async function assemble(
    owner: BucketOwner,
    row: DocumentRow,
    given: { doc: Y.Doc; marks: Map<string, unknown> } | null,
  ): Promise<OpenDocument & { isDamaged: boolean }> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (given !== null) await rm(fileOf(row), { force: true });
    const { journal, records, isDamaged } = await openJournal(fileOf(row), {
      snapshot: () => document.snapshot(),
      onTrouble(trouble) {
        if (trouble !== null) log.error({ err: trouble, documentId: row.id }, 'a journal cannot be written');
        room.tell(
          trouble === null
            ? { type: 'well', what: 'journal' }
            : { type: 'trouble', what: 'journal', reason: trouble.message },
        );
        if (trouble === null) room.settle();
      },
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
      onStored: options.onStored,
      onSettled: async (bytes) => {
        await store.update(row.id, { settled_bytes: bytes });
      },
    });
    document.changedAt = row.used_at;
    const state = {
      bucketTrouble: () => storing.trouble,
      isStored: () => storing.isStored,
      save: () => storing.flush(),
      handlers,
    };
    const onUse = (): void => {
      options.onUse(document, row.playground_of);
    };
    const room: Room = new Room(document, state, onUse);
    whenRunningTurns(doc, onUse);
    return { row, document, storing, room, isDamaged };
  }

  async function discard(row: DocumentRow): Promise<void> {
    await store.delete(row.id);
    await rm(fileOf(row), { force: true });
  }

  return {
    load,
    readObject: async (...object) => (await readObject(buckets, ...object)).notebook,
    isUnsettled,
    discard,
    async createPlayground(owner, source, accountId) {
      const row = newRow(owner, playgroundKey(newId(), source.key), accountId, source.key);
      const entry = await create(owner, row, source.notebook, new Map());
      try {
        await entry.document.durable();
        await store.insert(row);
      } catch (error) {
        await abandon(entry);
        throw error;
      }
      return entry;
    },
  };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return -1;
  }
}

function whenRunningTurns(doc: Y.Doc, tell: () => void): void {
  const execution = sharedExecution(doc);
  let wasRunning = execution.size > 0;
  execution.observe(() => {
    if (execution.size > 0 === wasRunning) return;
    wasRunning = !wasRunning;
    tell();
  });
}
