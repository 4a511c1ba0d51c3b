import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../../agent/testing/test-agent.ts';
import { createBuckets, type Buckets } from '../bucket/buckets.ts';
import type { ObjectStore } from '../bucket/object-store.ts';
import { createDocuments, type LiveDocuments } from '../documents/documents.ts';
import { createLiveBuckets } from '../documents/live-buckets.ts';
import { documentStore } from '../documents/store.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { migrations } from '../migrations/index.ts';
import { systemClock } from '../plumbing/clock.ts';
import { openSqlite, type OpenDatabase } from '../plumbing/db/database.ts';
import { migrate } from '../plumbing/db/migrate.ts';
import { createEventBus, type EventBus } from '../plumbing/events.ts';
import { createLog } from '../plumbing/log.ts';
import { untilTrue } from '../testing/control-plane.ts';
import { createAgentDisk } from './agent-notebooks.ts';
import { createBucketNotebooks, keyOf } from './bucket-notebooks.ts';
import { mirrorStore } from './store.ts';
import { notebookBytes, textsIn, type CellId } from './sync-testing.ts';
import { startWorker, type MirrorWorker } from './worker.ts';

const owner = { id: 'w1', bucket: 'terrarium-test' };
const log = createLog({ level: 'silent' });
const start = { a: 'one', b: 'two', c: 'three' };

let directory = '';
let database: OpenDatabase;
let objects: ReturnType<typeof createFilesystemObjectStore>;
let events: EventBus;
let stored: Buckets;
let buckets: Buckets;
let documents: LiveDocuments;
let kept: { key: string; bytes: Uint8Array }[] = [];
let people: Person[] = [];
/** Every content the bucket ever had. */
let everStored: Uint8Array[] = [];

interface Person {
  readonly agent: TestAgent;
  readonly folder: string;
  readonly notices: string[];
  worker: MirrorWorker;
  canWrite: boolean;
  at(name: string): string;
  read(name: string): Record<CellId, string> | null;
  write(name: string, texts: Record<CellId, string>): void;
  names(): string[];
}

beforeEach(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'terrarium-mirror-'));
  database = openSqlite(path.join(directory, 'terrarium.db'));
  await migrate(database, migrations);
  const tables = database.tables<Record<string, Record<string, string | number | null>>>();
  const account = {
    id: 'ann',
    email: 'ann@localhost',
    name: 'Ann',
    password_hash: null,
    is_operator: 0,
    created_at: 0,
  };
  await tables.insertInto('accounts').values(account).execute();
  await tables.insertInto('billing_projects').values({ name: 'lab', description: '', created_at: 0 }).execute();
  const workspace = {
    ...owner,
    namespace: 'lab',
    name: 'one',
    description: '',
    owner_id: 'ann',
    created_at: 0,
    updated_at: 0,
  };
  await tables.insertInto('workspaces').values(workspace).execute();
  objects = createFilesystemObjectStore({ directory: path.join(directory, 'buckets') });
  events = createEventBus('test');
  everStored = [];
  const remembering: ObjectStore = {
    ...objects,
    async put(bucket, key, body, options) {
      const bytes = body instanceof Uint8Array ? body : await buffer(body);
      const info = await objects.put(bucket, key, bytes, options);
      everStored.push(bytes);
      return info;
    },
  };
  stored = createBuckets({ store: remembering, events });
  documents = createDocuments({
    directory: path.join(directory, 'documents'),
    buckets: stored,
    store: documentStore(database),
    events,
    clock: systemClock,
    log,
  });
  buckets = createLiveBuckets(stored, documents, { withPlaygrounds: false });
  events.subscribe(({ event }) => {
    if (event.kind === 'notebook') for (const { worker } of people) worker.changed(event.id);
  });
  kept = [];
  people = [];
});

afterEach(async () => {
  for (const { worker, agent } of people) {
    await worker.stop();
    await agent[Symbol.asyncDispose]();
  }
  await documents.close();
  await objects.close();
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

/** A person with a disk of their own, whose mirror is at work. */
async function join(): Promise<Person> {
  const diskId = `disk${String(people.length)}`;
  const tables = database.tables<Record<string, Record<string, string | number | null>>>();
  const lease = { run_at: null, attempts: 0, lease_until: null, fence: 0 };
  const disk = {
    id: diskId,
    workspace_id: owner.id,
    owner_id: 'ann',
    name: diskId,
    size_gib: 1,
    created_at: 0,
    ...lease,
  };
  await tables
    .insertInto('disks')
    .values({ ...disk, desired: 'present', status: 'Ready' })
    .execute();
  const agent = await startTestAgent();
  const folder = path.join(agent.home, 'notebooks');
  const at = (name: string): string => path.join(folder, name);
  const person: Person = {
    agent,
    folder,
    notices: [],
    canWrite: true,
    worker: undefined as never, // set by the next line
    at,
    read(name) {
      try {
        return textsIn(readFileSync(at(name)));
      } catch {
        return null;
      }
    },
    write(name, texts) {
      mkdirSync(path.dirname(at(name)), { recursive: true });
      writeFileSync(at(name), notebookBytes(texts));
    },
    names: () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ipynb'))
        .toSorted(),
  };
  person.worker = await work(person, diskId);
  people.push(person);
  return person;
}

async function work(person: Person, diskId: string): Promise<MirrorWorker> {
  const store = mirrorStore(database);
  const abort = new AbortController();
  const { socketPath, secret } = person.agent;
  return startWorker({
    disk: createAgentDisk(async () => ({ environmentId: diskId, address: { socketPath }, secret }), abort.signal),
    bucket: createBucketNotebooks(
      {
        stored,
        buckets,
        documents,
        keepConflict: async (_owner, key, bytes) => void kept.push({ key, bytes }),
        markFromDisk: async () => undefined,
        forgetCheckpoints: async () => undefined,
      },
      owner,
      { accountId: 'ann', name: 'Ann' },
    ),
    records: await store.records(diskId),
    folder: await store.folderOf(diskId),
    rememberFolder: (folder) => store.setFolder(diskId, folder),
    canWrite: async () => person.canWrite,
    notify: async (_key, message) => void person.notices.push(message),
    onChange: () => undefined,
    clock: systemClock,
    log,
    abort,
  });
}

const put = (name: string, texts: Record<CellId, string>) => buckets.put(owner, keyOf(name), notebookBytes(texts));
async function live(name: string): Promise<Record<CellId, string> | null> {
  const found = await stored.get(owner, keyOf(name));
  return found === null ? null : textsIn(Buffer.concat(await found.body.toArray()));
}
async function liveNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of stored.all(owner, 'notebooks/')) names.push(key.slice('notebooks/'.length));
  return names;
}
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const until = (condition: () => Promise<boolean> | boolean, what: string) =>
  untilTrue(async () => condition(), what, 20_000);
const untilInStep = () => until(() => people.every(({ worker }) => worker.state === 'inStep'), 'all are in step');

test('a change on a disk reaches an open document at once, beside what its editors type', async () => {
  await put('a.ipynb', start);
  const ann = await join();
  await until(() => same(ann.read('a.ipynb'), start), 'it is on the disk');
  using held = await documents.hold(owner, keyOf('a.ipynb'));
  const sources = () => held.document.notebook().cells.map((cell) => cell['source']);
  ann.write('a.ipynb', { ...start, a: 'disk' });
  await until(() => sources()[0] === 'disk', 'the document has it');
  expect(sources()).toEqual(['disk', 'two', 'three']);
});

test('what two people and the workspace change at random comes to the same everywhere, and nothing is lost', async () => {
  const names = ['a.ipynb', 'x/b.ipynb', 'x/c.ipynb'];
  const [ann, bob] = [await join(), await join()];
  const written = new Set<string>();
  let count = 0;
  const cells: CellId[] = ['a', 'b', 'c'];
  const empty = { a: '', b: '', c: '' };
  const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T; // lists here have items
  const endsAt = performance.now() + 8000;
  while (performance.now() < endsAt) {
    const [name, cell, person] = [any(names), any(cells), any([ann, bob, null])];
    const text = `${person === null ? 'bucket' : person === ann ? 'ann' : 'bob'} ${String(++count)}`;
    if (person === null) {
      const isPut = put(name, { ...((await live(name)) ?? empty), [cell]: text });
      await isPut.then(
        () => written.add(text),
        () => undefined,
      );
    } else {
      const before = person.read(name) ?? empty;
      // Somebody's own text that they write over before it was taken is theirs to lose.
      written.delete(before[cell]);
      person.write(name, { ...before, [cell]: text });
      written.add(text);
    }
    // No wait for anything: people act when they like.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
  }
  await until(async () => {
    for (const name of names) {
      const now = await live(name);
      if (!same(ann.read(name), now) || !same(bob.read(name), now)) return false;
    }
    return people.every(({ worker }) => worker.state === 'inStep');
  }, 'all have the same');

  const found = new Set(
    [...everStored, ...kept.map(({ bytes }) => bytes)].flatMap((bytes) => Object.values(textsIn(bytes))),
  );
  expect(written.size).toBeGreaterThan(10);
  expect([...written].filter((text) => !found.has(text))).toEqual([]);
  expect(people.flatMap(({ worker }) => [...worker.problems])).toEqual([]);
});

test('a folder that moves moves in the bucket; most of them gone at once are put back', async () => {
  for (let n = 0; n < 30; n++) await put(`x/${String(n)}.ipynb`, { ...start, a: String(n) });
  const ann = await join();
  await until(() => ann.names().length === 30, 'all are on the disk');
  await untilInStep();
  renameSync(ann.at('x'), ann.at('y'));
  await until(async () => (await liveNames()).every((name) => name.startsWith('y/')), 'they have moved');
  expect(await liveNames()).toHaveLength(30);
  expect(ann.notices).toEqual([]);

  await untilInStep();
  for (let n = 0; n < 25; n++) rmSync(ann.at(`y/${String(n)}.ipynb`));
  await until(() => ann.notices.length > 0 && ann.names().length === 30, 'they are put back');
  expect(ann.notices).toEqual([expect.stringContaining('25 notebooks were gone')]);
  expect(await liveNames()).toHaveLength(30);
  await untilInStep();
  for (let n = 0; n < 5; n++) rmSync(ann.at(`y/${String(n)}.ipynb`));
  await until(async () => (await liveNames()).length === 25, 'a few are deleted');
  expect(ann.notices).toHaveLength(1);
});

test('a new disk takes all and deletes nothing; one that was emptied or replaced while nobody looked neither', async () => {
  await put('a.ipynb', start);
  await put('b.ipynb', start);
  const ann = await join();
  await until(() => ann.names().length === 2, 'both are on the disk');
  await untilInStep();
  await ann.worker.stop();
  rmSync(ann.folder, { recursive: true });
  mkdirSync(ann.folder);
  writeFileSync(ann.at('a.ipynb'), notebookBytes(start));
  ann.worker = await work(ann, 'disk0');
  await until(() => ann.names().length === 2, 'what was gone is back');
  await untilInStep();
  expect(await liveNames()).toEqual(['a.ipynb', 'b.ipynb']);
});

test('a brief absence is no deletion: files are replaced that way', async () => {
  await put('a.ipynb', start);
  await put('b.ipynb', start);
  const ann = await join();
  await untilInStep();
  const generations = async () => (await objects.versions(owner.bucket, keyOf('a.ipynb'))).length;
  rmSync(ann.at('a.ipynb'));
  await until(() => ann.worker.state === 'working', 'its absence is seen');
  ann.write('a.ipynb', start);
  await untilInStep();
  expect(await live('a.ipynb')).toEqual(start);
  expect(await generations()).toBe(0);
});

test('who may not write reads along, and keeps what they change', async () => {
  await put('a.ipynb', start);
  await put('b.ipynb', start);
  const ann = await join();
  await untilInStep();
  ann.canWrite = false;
  ann.write('a.ipynb', { ...start, a: 'mine' });
  ann.write('new.ipynb', start);
  rmSync(ann.at('b.ipynb'));
  await until(() => ann.worker.problems.size === 3, 'it is reported');
  await put('a.ipynb', { ...start, b: 'theirs' });
  await put('c.ipynb', start);
  await until(() => ann.read('c.ipynb') !== null, 'others follow');
  expect(ann.read('a.ipynb')).toEqual({ ...start, a: 'mine' });
  expect(await liveNames()).toEqual(['a.ipynb', 'b.ipynb', 'c.ipynb']);
  ann.canWrite = true;
  ann.worker.changed(keyOf('a.ipynb'));
  await until(async () => same(await live('a.ipynb'), { a: 'mine', b: 'theirs', c: 'three' }), 'it is merged');
});

test('names that cannot be keys, links off the disk and hidden things stay where they are', async () => {
  const ann = await join();
  await untilInStep();
  ann.write(`${'n'.repeat(201)}.ipynb`, start);
  ann.write(' spaced.ipynb', start);
  ann.write('.ipynb_checkpoints/a.ipynb', start);
  ann.write('good.ipynb', start);
  await stored.put(owner, 'notebooks/.playground/p1/a.ipynb', notebookBytes(start));
  await until(async () => (await live('good.ipynb')) !== null && ann.worker.problems.size === 2, 'both are reported');
  await untilInStep();
  expect(await liveNames()).toEqual(['.playground/p1/a.ipynb', 'good.ipynb']);
  expect(ann.names()).toHaveLength(4);
  rmSync(ann.at(' spaced.ipynb'));
  await until(() => ann.worker.problems.size === 1, 'what is gone is reported no more');
});
