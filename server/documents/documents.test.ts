import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { createBuckets, type Buckets } from '../bucket/buckets.ts';
import type { ObjectStore } from '../bucket/object-store.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { migrations } from '../migrations/index.ts';
import { systemClock } from '../plumbing/clock.ts';
import { openSqlite, type OpenDatabase } from '../plumbing/db/database.ts';
import { migrate } from '../plumbing/db/migrate.ts';
import { createEventBus } from '../plumbing/events.ts';
import { createLog } from '../plumbing/log.ts';
import { createDocuments, type LiveDocuments } from './documents.ts';
import { createLiveBuckets } from './live-buckets.ts';
import type { Stored } from './live-document.ts';
import { readNotebook, type Notebook } from './nbformat.ts';
import { documentStore } from './store.ts';
import { RoomClient } from './testing-client.ts';
import { notebookOf } from './testing-room.ts';

const owner = { id: 'w1', bucket: 'terrarium-test' };
const key = 'notebooks/a.ipynb';
const ann: Author = { accountId: 'ann', name: 'Ann' };

let directory = '';
let database: OpenDatabase;
let store: ObjectStore & { close(): Promise<void> };
let failing: AppError | null = null;
let raw: Buckets;
let documents: LiveDocuments;
let live: Buckets;
let server: Server;
const stored: Stored[] = [];
const clients: RoomClient[] = [];
let rights = { canWrite: true, canCompute: true };

function bytesOf(notebook: Notebook): Buffer {
  return Buffer.from(JSON.stringify(notebook));
}

async function inBucket(): Promise<string[]> {
  const found = await raw.get(owner, key);
  if (found === null) return [];
  const reading = readNotebook(await buffer(found.body));
  if (reading.kind === 'refused') throw new Error(reading.reason);
  expect(reading.problem).toBeNull();
  return reading.notebook.cells.map(({ source }) => String(source));
}

function start(): void {
  const events = createEventBus('test');
  raw = createBuckets({
    store: {
      ...store,
      put: (...given) => (failing === null ? store.put(...given) : Promise.reject(failing)),
    },
    events,
  });
  documents = createDocuments({
    directory: path.join(directory, 'documents'),
    buckets: raw,
    store: documentStore(database),
    events,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
  });
  documents.onStored((one) => stored.push(one));
  live = createLiveBuckets(raw, documents, { withPlaygrounds: true });
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-documents-'));
  database = openSqlite(path.join(directory, 'terrarium.db'));
  await migrate(database, migrations);
  const tables = database.tables<Record<string, Record<string, string | number | null>>>();
  await tables
    .insertInto('accounts')
    .values({ id: 'ann', email: 'ann@localhost', name: 'Ann', password_hash: null, is_operator: 0, created_at: 0 })
    .execute();
  await tables.insertInto('billing_projects').values({ name: 'lab', description: '', created_at: 0 }).execute();
  await tables
    .insertInto('workspaces')
    .values({ ...owner, namespace: 'lab', name: 'one', description: '', owner_id: 'ann', created_at: 0, updated_at: 0 })
    .execute();
  store = createFilesystemObjectStore({ directory: path.join(directory, 'buckets') });
  failing = null;
  rights = { canWrite: true, canCompute: true };
  stored.length = 0;
  start();
  await raw.put(owner, key, bytesOf(notebookOf('one', 'two')));
  const sockets = new WebSocketServer({ noServer: true });
  server = createServer().on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://server');
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.pause();
      const room = {
        documentId: url.searchParams.get('id') ?? '',
        sessionId: url.searchParams.get('session') ?? '',
      };
      const author = { accountId: url.searchParams.get('who') ?? '', name: url.searchParams.get('who') ?? '' };
      documents
        .join(owner, room, { socket: client, author, isOurs: true, ...rights })
        .then((isIn) => {
          if (!isIn) client.close(1003, 'unknown');
        })
        .catch(() => {
          client.close(4500, '');
        })
        .finally(() => {
          client.resume();
        });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await documents.close();
  server.close();
  server.closeAllConnections();
  await store.close();
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

async function connect(who = 'ann', doc?: RoomClient['doc'], where = key): Promise<RoomClient> {
  const { documentId, sessionId } = await documents.session(owner, where);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const query = new URLSearchParams({ id: documentId, session: sessionId, who });
  const client = new RoomClient(`ws://127.0.0.1:${String(port)}/?${query.toString()}`, {}, doc);
  clients.push(client);
  await client.synced();
  return client;
}

/** What a crash leaves: nothing is stored or closed, and another run begins with the same files. */
function crash(): void {
  start();
}

test('two people see what the other types, and the bucket has it within seconds, by whom', async () => {
  const [first, second] = [await connect('ann'), await connect('bob')];
  first.source(0).insert(3, '!');
  second.source(1).insert(0, 'twenty-');
  await second.until(() => second.text(0) === 'one!', "the other's edit");
  await first.until(() => first.text(1) === 'twenty-two', "the other's edit");
  await first.saved();
  await first.until(
    () => first.notices.some(({ type, generation }) => type === 'stored' && generation !== null),
    'the bucket',
  );
  expect(await inBucket()).toEqual(['one!', 'twenty-two']);
  expect(stored.flatMap(({ authors }) => authors.map(({ name }) => name)).toSorted()).toEqual(['ann', 'bob']);
});

test('what was acknowledged is there after a crash, and reaches the bucket', async () => {
  const client = await connect();
  for (let count = 0; count < 200; count++) client.source(0).insert(0, `${String(count)} `);
  await client.saved();
  const expected = client.text(0);
  crash();
  await documents.recover();
  expect(await inBucket()).toEqual([expected, 'two']);
});

test('a notebook is shown before its journal is on disk, and nothing typed into it is acknowledged before', async () => {
  const probe = await open(path.join(directory, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as { datasync: () => Promise<void> };
  await probe.close();
  const slow = Promise.withResolvers<void>();
  // A slow disk, at the edge of our own code.
  const sync = vi.spyOn(prototype, 'datasync').mockImplementationOnce(() => slow.promise);
  try {
    const client = await connect();
    expect(client.text(0)).toBe('one');
    const before = client.durable;
    client.source(0).insert(3, '!');
    const [row] = await documentStore(database).all();
    expect(row?.settled_bytes).toBe(0);
    expect(client.durable).toBe(before);
    slow.resolve();
    await client.saved();
  } finally {
    slow.resolve();
    sync.mockRestore();
  }
  crash();
  await documents.recover();
  expect(await inBucket()).toEqual(['one!', 'two']);
});

test('a notebook that was only opened is settled once its journal is on disk, and not written again', async () => {
  const { generation } = (await raw.head(owner, key)) ?? {};
  await connect();
  const rows = documentStore(database);
  await expect.poll(async () => (await rows.all())[0]?.settled_bytes).toBeGreaterThan(0);
  crash();
  await documents.recover();
  expect(documents.opened(owner, key)).toBeNull();
  expect((await raw.head(owner, key))?.generation).toBe(generation);
});

test('edits made while the server was away are merged with those of others', async () => {
  const first = await connect('ann');
  const { doc } = first;
  first.socket.terminate();
  await once(first.socket, 'close');
  first.source(0).insert(0, 'away ');
  const second = await connect('bob');
  second.source(0).insert(3, ' here');
  await second.saved();
  const again = await connect('ann', doc);
  await again.saved();
  await second.until(() => second.text(0) === 'away one here', 'both edits');
  expect(again.text(0)).toBe('away one here');
});

test('a client that outlived a restart of the control plane goes on where it was', async () => {
  const first = await connect();
  first.source(0).insert(0, 'before ');
  await first.saved();
  const { doc } = first;
  first.socket.terminate();
  crash();
  first.source(1).insert(0, 'meanwhile ');
  const again = await connect('ann', doc);
  await again.saved();
  const opened = documents.opened(owner, key);
  expect(opened?.notebook().cells.map(({ source }) => source)).toEqual(['before one', 'meanwhile two']);
});

test('an object that somebody else writes is brought into the open document', async () => {
  const client = await connect();
  client.source(0).insert(0, 'mine ');
  await raw.put(owner, key, bytesOf(notebookOf('one', 'theirs')));
  await client.until(() => client.text(1) === 'theirs', "the others' change");
  await documents.flush(owner, key);
  expect(await inBucket()).toEqual(['mine one', 'theirs']);
});

test('a write to an open notebook over what was read before is merged, over older bytes refused', async () => {
  const client = await connect();
  const before = await live.head(owner, key);
  client.source(0).insert(0, 'mine ');
  await client.saved();
  await documents.flush(owner, key);
  const stale = live.put(owner, key, bytesOf(notebookOf('one', 'late')), { ifGeneration: before?.generation });
  await expect(stale).rejects.toMatchObject({ code: 'PreconditionFailed' });
  const merged = await documents.merge(owner, key, {
    base: before?.generation ?? '',
    notebook: notebookOf('one', 'late'),
    author: ann,
  });
  expect(merged.kind).toBe('merged');
  expect(await inBucket()).toEqual(['mine one', 'late']);
  const conflict = await documents.merge(owner, key, {
    base: before?.generation ?? '',
    notebook: notebookOf('other', 'two'),
    author: ann,
  });
  expect(conflict).toMatchObject({ kind: 'conflict', cells: ['cell0'] });
  expect(await inBucket()).toEqual(['mine one', 'late']);
});

test('while the bucket cannot be written to, edits are safe, and it is said; later they are stored', async () => {
  const client = await connect();
  failing = new AppError('DriverUnavailable', 'The bucket answers 503.');
  client.source(0).insert(0, 'x');
  await client.saved();
  await client.until(
    () => client.notices.some(({ type, what }) => type === 'trouble' && what === 'bucket'),
    'the trouble',
  );
  expect(await inBucket()).toEqual(['one', 'two']);
  failing = null;
  await client.until(
    () => client.notices.some(({ type, what }) => type === 'well' && what === 'bucket'),
    'the end of it',
  );
  expect(await inBucket()).toEqual(['xone', 'two']);
});

test("a reader's edits are not taken, and it is told so", async () => {
  const writer = await connect('ann');
  rights = { canWrite: false, canCompute: false };
  const reader = await connect('bob');
  reader.source(0).insert(0, 'sneaky ');
  await reader.until(() => reader.notices.some(({ type }) => type === 'read-only'), 'the refusal');
  writer.source(1).insert(0, 'w ');
  await reader.until(() => reader.text(1) === 'w two', "the writer's edit");
  await documents.flush(owner, key);
  expect(await inBucket()).toEqual(['one', 'w two']);
});

test('a renamed notebook keeps its editors, a deleted one lets them go', async () => {
  const client = await connect();
  client.source(0).insert(0, 'x');
  await live.move(owner, key, 'notebooks/b.ipynb');
  await client.until(
    () => client.notices.some(({ type, path: to }) => type === 'moved' && to === 'notebooks/b.ipynb'),
    'the move',
  );
  client.source(0).insert(0, 'y');
  await client.saved();
  await documents.flush(owner, 'notebooks/b.ipynb');
  expect(await inBucket()).toEqual([]);
  const found = await raw.get(owner, 'notebooks/b.ipynb');
  expect((await buffer(found?.body ?? Readable.from([]))).toString()).toContain('yxone');
  const closed = once(client.socket, 'close');
  await live.delete(owner, 'notebooks/b.ipynb');
  expect((await closed)[0]).toBe(4404);
  await expect(documents.hold(owner, 'notebooks/b.ipynb')).rejects.toMatchObject({ code: 'NotFound' });
});

test('a playground never reaches the bucket, survives a restart, and can be copied out', async () => {
  const { key: playground } = await documents.createPlayground(owner, key, ann);
  const client = await connect('ann', undefined, playground);
  client.source(0).insert(0, 'tried ');
  await client.saved();
  crash();
  expect(await documents.playgroundOwner(owner, playground)).toBe('ann');
  const reading = readNotebook(await buffer((await live.get(owner, playground))?.body ?? Readable.from([])));
  expect(reading.kind === 'notebook' && reading.notebook.cells[0]?.['source']).toBe('tried one');
  const keys: string[] = [];
  for await (const info of raw.all(owner, '')) keys.push(info.key);
  expect(keys).toEqual([key]);
  await live.copy(owner, playground, 'notebooks/kept.ipynb');
  expect((await raw.head(owner, 'notebooks/kept.ipynb'))?.size).toBeGreaterThan(0);
});

test('messages that are none end the connection of their sender alone', async () => {
  const [good, bad] = [await connect('ann'), await connect('mallory')];
  const closed = once(bad.socket, 'close');
  bad.socket.send(new Uint8Array([0, 2, 200, 1, 2, 3]));
  expect((await closed)[0]).toBe(4400);
  good.source(0).insert(0, 'fine ');
  await good.saved();
});

test('a cell that two people moved at once is mended, and the file is valid', async () => {
  const client = await connect();
  const cells = client.doc.getArray<never>('cells');
  const copy = (cells.get(0) as unknown as { clone(): never }).clone();
  cells.insert(2, [copy]);
  await client.saved();
  await documents.flush(owner, key);
  expect(await inBucket()).toEqual(['one', 'two', 'one']);
  const ids =
    documents
      .opened(owner, key)
      ?.notebook()
      .cells.map(({ id }) => id) ?? [];
  expect(new Set(ids).size).toBe(3);
  await client.until(
    () => new Set(cells.toArray().map((cell: { get(name: string): unknown }) => cell.get('id'))).size === 3,
    'the mended id',
  );
});

test('a notebook whose journal is lost is opened as its bucket has it, and never written over with nothing', async () => {
  const client = await connect();
  client.source(0).insert(0, 'typed ');
  await client.saved();
  await documents.flush(owner, key);
  const before = await documents.session(owner, key);
  await client.close();
  await documents.close();
  const [journal = ''] = await readdir(path.join(directory, 'documents'));
  for (const lose of [
    (file: string) => rm(file),
    (file: string) => writeFile(file, ''),
    (file: string) => writeFile(file, 'what never was a journal'),
  ]) {
    await lose(path.join(directory, 'documents', journal));
    start();
    const after = await documents.session(owner, key);
    expect(after.documentId).toBe(before.documentId);
    expect(after.sessionId).not.toBe(before.sessionId);
    const again = await connect();
    expect(again.text(0)).toBe('typed one');
    again.source(1).insert(0, 'x');
    await again.saved();
    await again.close();
    await documents.close();
    expect((await inBucket())[0]).toBe('typed one');
  }
  expect(await inBucket()).toEqual(['typed one', 'xxxtwo']);
});

test('a journal that is damaged where the bucket knows more gives what the bucket has, once', async () => {
  const client = await connect();
  client.source(0).insert(0, 'early ');
  await client.saved();
  await documents.flush(owner, key);
  const [journal = ''] = await readdir(path.join(directory, 'documents'));
  const file = path.join(directory, 'documents', journal);
  const { length } = await readFile(file);
  client.source(0).insert(0, 'late ');
  await client.saved();
  await documents.flush(owner, key);
  const before = await documents.session(owner, key);
  client.socket.terminate();
  await documents.close();
  const bytes = await readFile(file);
  bytes[length + 12] = (bytes[length + 12] ?? 0) ^ 1;
  await writeFile(file, bytes);
  start();
  expect((await documents.session(owner, key)).sessionId).not.toBe(before.sessionId);
  expect((await connect()).text(0)).toBe('late early one');
});

test('deleting a notebook in the middle of a write to its bucket ends everything about it', async () => {
  const client = await connect();
  let release = (): void => undefined;
  const released = new Promise<void>((go) => {
    release = go;
  });
  const put = store.put.bind(store);
  const reached = new Promise<void>((resolve) => {
    store.put = async (...given) => {
      resolve();
      // A second write may come before the deletion, and must not wait for ever.
      await released;
      return put(...given);
    };
  });
  client.source(0).insert(0, 'x');
  await reached;
  const waiting = documents.flush(owner, key);
  const forgotten = documents.forget(owner, key);
  release();
  await Promise.all([waiting.catch(() => undefined), forgotten]);
  store.put = put;
  expect(documents.opened(owner, key)).toBeNull();
  // Nothing spins: the next one is opened and answers.
  expect((await connect()).text(1)).toBe('two');
});
