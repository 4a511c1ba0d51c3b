import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeEvent } from '@terrarium/contract';
import { accountStore } from '../accounts/store.ts';
import { createBuckets, keepsVersions, type Buckets } from '../bucket/buckets.ts';
import { copyObject, moveObject } from '../bucket/move-object.ts';
import { writeNotebook, type Notebook } from '../documents/nbformat.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { migrations } from '../migrations/index.ts';
import { openSqlite, type OpenDatabase } from '../plumbing/db/database.ts';
import { migrate } from '../plumbing/db/migrate.ts';
import { createLog } from '../plumbing/log.ts';
import { workspaceStore } from '../workspaces/store.ts';
import { createDeletedNotebooks } from './deleted-notebooks.ts';
import { createGoingBack } from './going-back.ts';
import { versionStore } from './store.ts';
import { testingDocuments } from './testing-documents.ts';
import { upgraded } from './testing-notebooks.ts';
import { createVersions } from './versions.ts';

const owner = { id: 'workspace1', bucket: 'terrarium-test' };
const ada = { accountId: 'ada', name: 'Ada' };
const bob = { accountId: 'bob', name: 'Bob' };
const key = 'notebooks/a.ipynb';
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const notebook = (...cells: [id: string, source: string][]) =>
  upgraded({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(([id, source]) => ({
      cell_type: 'code',
      id,
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
  });

let directory: string;
let database: OpenDatabase;
let objects: ReturnType<typeof createFilesystemObjectStore>;
let buckets: Buckets;
let now = 0;
let events: ChangeEvent[] = [];
let documents: ReturnType<typeof testingDocuments>;
let versions: ReturnType<typeof createVersions>;
let goingBack: ReturnType<typeof createGoingBack>;
let deleted: ReturnType<typeof createDeletedNotebooks>;

beforeEach(async () => {
  now = Date.UTC(2026, 5, 1, 12);
  const clock = { now: () => now };
  events = [];
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-versions-'));
  database = openSqlite(path.join(directory, 'terrarium.db'));
  await migrate(database, migrations);
  const account = {
    id: 'ada',
    email: 'ada@localhost',
    name: 'Ada',
    password_hash: null,
    is_operator: 0,
    created_at: 0,
  };
  await accountStore(database).insertAccount(account);
  await database
    .tables<{ billing_projects: { name: string; description: string; created_at: number } }>()
    .insertInto('billing_projects')
    .values({ name: 'lab', description: '', created_at: 0 })
    .execute();
  const workspace = { namespace: 'lab', name: 'one', description: '', owner_id: 'ada', created_at: 0, updated_at: 0 };
  await workspaceStore(database).insert({ ...owner, ...workspace });
  objects = createFilesystemObjectStore({ directory: path.join(directory, 'buckets'), clock, keepsVersions });
  buckets = createBuckets({ store: objects, events: { publish: () => undefined } });
  documents = testingDocuments(buckets);
  const store = versionStore(database);
  const log = createLog({ level: 'silent' });
  const bus = { publish: (event: ChangeEvent) => void events.push(event) };
  versions = createVersions({ store, buckets, documents, events: bus, clock, log });
  goingBack = createGoingBack({ versions, buckets, documents });
  deleted = createDeletedNotebooks({ store, versions, buckets });
});

afterEach(async () => {
  await objects.close();
  await database.close();
  await fs.rm(directory, { recursive: true });
});

async function sourcesOf(at = key): Promise<string[]> {
  const found = await buckets.get(owner, at);
  if (found === null) throw new Error(`There is no ${at}.`);
  const { cells } = JSON.parse((await buffer(found.body)).toString()) as Notebook;
  return cells.map((cell) => `${String(cell['id'])}=${[cell['source']].flat().join('')}`);
}

const listed = async (at = key) => versions.list(owner, at);
const inShort = async (at = key) =>
  (await listed(at)).map(({ kind, name, authors }) =>
    [kind, name, ...authors.map((author) => author.name)].filter(Boolean).join(' '),
  );
const blobs = async () => (await fs.readdir(path.join(directory, 'buckets/blobs'))).length;

describe('the history of a notebook', () => {
  it('says who stored what, newest first', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    now += minuteMs;
    await documents.put(owner, key, notebook(['a', '2']), [bob]);
    expect(await inShort()).toEqual(['autosave Bob', 'created Ada']);
    const [newest, oldest] = await listed();
    expect(newest).toMatchObject({ isCurrent: true, at: '2026-06-01T12:01:00.000Z' });
    expect(oldest).toMatchObject({ isCurrent: false });
    expect(events).toContainEqual({ kind: 'notebook', id: key, workspaceId: owner.id });
  });

  it('finds what was stored past it', async () => {
    await buckets.put(owner, key, Buffer.from(writeNotebook(notebook(['a', '1']))));
    now += minuteMs;
    await buckets.put(owner, key, Buffer.from(writeNotebook(notebook(['a', '2']))));
    expect(await inShort()).toEqual(['autosave', 'created']);
  });

  it('thins and frees the space, and the heir names everybody', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    for (let round = 0; round < 10; round += 1) {
      now += 1000;
      await documents.put(owner, key, notebook(['a', String(round)]), [round % 2 === 0 ? ada : bob]);
    }
    expect(await inShort()).toHaveLength(11);
    now += 15 * minuteMs;
    await versions.sweep(owner);
    expect(await inShort()).toEqual(['autosave Bob', 'autosave Ada Bob']);
    expect(await blobs()).toBe(2);
    now += 2 * dayMs;
    await documents.put(owner, key, notebook(['a', 'later']), [ada]);
    expect(await inShort()).toEqual(['autosave Ada', 'autosave Bob Ada']);
    expect(await blobs()).toBe(2);
  });

  it('keeps a named checkpoint, whatever comes', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    const { version } = await versions.checkpoint(owner, key, { name: 'sent to review', author: bob });
    for (let round = 0; round < 3; round += 1) {
      now += 400 * dayMs;
      await documents.put(owner, key, notebook(['a', String(round)]), [ada]);
      await versions.sweep(owner);
    }
    expect(await inShort()).toContain('checkpoint sent to review Ada');
    await versions.rename(owner, key, version, null);
    await versions.rename(owner, key, version, 'again');
    expect(await inShort()).toContain('checkpoint again Ada');
    expect((await goingBack.notebook(owner, key, version)).cells[0]?.['source']).toBe('1');
  });

  it('goes along with a rename, and not with a copy', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    now += minuteMs;
    await documents.put(owner, key, notebook(['a', '2']), [bob]);
    const before = await listed();
    now += minuteMs;
    const to = 'notebooks/deep/b.ipynb';
    await moveObject(buckets, owner, key, to);
    await versions.moved(owner, key, to);
    expect(await listed(to)).toEqual(before);
    expect(await blobs()).toBe(2);
    expect(await deleted.list(owner)).toEqual([]);
    await expect(listed()).rejects.toThrow(/no notebook "a.ipynb"/);
    now += minuteMs;
    await copyObject(buckets, owner, to, key);
    expect(await inShort()).toEqual(['created']);
    await documents.put(owner, to, notebook(['a', '3']), [ada]);
    expect(await inShort(to)).toEqual(['autosave Ada', 'autosave Bob', 'created Ada']);
  });

  it('goes along with a rename that was looked at before it was told', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    const to = 'notebooks/b.ipynb';
    now += minuteMs;
    await moveObject(buckets, owner, key, to);
    await versions.sweep(owner);
    expect(await deleted.list(owner)).toHaveLength(1);
    await versions.moved(owner, key, to);
    expect(await inShort(to)).toEqual(['created Ada']);
    expect(await deleted.list(owner)).toEqual([]);
  });

  it('keeps the other side of a conflict', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    const bytes = Buffer.from(writeNotebook(notebook(['a', 'theirs'])));
    now += minuteMs;
    const conflict = await versions.keep(owner, key, bytes, { kind: 'conflict', authors: [bob], name: null });
    expect(await inShort()).toEqual(['conflict Bob', 'created Ada']);
    expect((await listed()).map(({ isCurrent }) => isCurrent)).toEqual([false, true]);
    now += 100 * dayMs;
    await versions.sweep(owner);
    expect((await goingBack.notebook(owner, key, conflict.version)).cells[0]?.['source']).toBe('theirs');
    await goingBack.restore(owner, key, conflict.version, { cells: undefined, author: ada });
    expect(await sourcesOf()).toEqual(['a=theirs']);
  });

  it('takes checkpoints from rooms, of those who may write', async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    const told = (canWrite: boolean) =>
      new Promise((resolve) => {
        const member = { author: bob, canWrite, canCompute: false, tell: resolve };
        void documents.send(member, { owner, key }, { type: 'checkpoint', name: ' mine ' });
      });
    expect(await told(false)).toMatchObject({ type: 'checkpoint', error: { code: 'NotAllowed' } });
    expect(await told(true)).toMatchObject({ type: 'checkpoint', version: { name: 'mine' } });
    expect(await inShort()).toEqual(['checkpoint mine Ada']);
  });
});

describe('going back', () => {
  beforeEach(async () => {
    await documents.put(owner, key, notebook(['a', '1'], ['b', '1']), [ada]);
    now += 10 * minuteMs;
    await documents.put(owner, key, notebook(['a', '2'], ['b', '2'], ['c', '2']), [bob]);
  });

  it('puts the whole notebook back, and can itself be undone', async () => {
    const [, first] = await listed();
    now += 1000;
    const restored = await goingBack.restore(owner, key, first?.version ?? '', { cells: undefined, author: bob });
    expect(restored).toMatchObject({ isChanged: true, version: { kind: 'restore', isCurrent: true } });
    expect(await sourcesOf()).toEqual(['a=1', 'b=1']);
    now += 1000;
    await goingBack.restore(owner, key, restored.previous, { cells: undefined, author: bob });
    expect(await sourcesOf()).toEqual(['a=2', 'b=2', 'c=2']);
    expect(await inShort()).toEqual(['restore Bob', 'restore Bob', 'autosave Bob', 'created Ada']);
  });

  it('puts single cells back and leaves the others', async () => {
    const [, first] = await listed();
    await goingBack.restore(owner, key, first?.version ?? '', { cells: ['b', 'c'], author: ada });
    expect(await sourcesOf()).toEqual(['a=2', 'b=1']);
  });

  it('makes no version where there is nothing to change', async () => {
    const [current] = await listed();
    const restored = await goingBack.restore(owner, key, current?.version ?? '', { cells: undefined, author: ada });
    expect(restored).toMatchObject({ isChanged: false, version: { kind: 'autosave' } });
    expect(await listed()).toHaveLength(2);
  });

  it('compares with the version before, with another and with now', async () => {
    const [second, first] = await listed();
    const ids = [second?.version ?? '', first?.version ?? ''] as const;
    const kinds = ({ cells }: { cells: { kind: string }[] }) => cells.map(({ kind }) => kind);
    const ofBoth = ['changed', 'changed', 'added'];
    expect(kinds(await goingBack.diff(owner, key, ids[0], 'previous'))).toEqual(ofBoth);
    expect(kinds(await goingBack.diff(owner, key, ids[1], 'current'))).toEqual(ofBoth);
    for (const [one, other] of [ids, ids.toReversed()]) {
      const diff = await goingBack.diff(owner, key, one ?? '', other ?? '');
      expect(kinds(diff)).toEqual(ofBoth);
      expect([diff.before?.version, diff.after?.version]).toEqual([ids[1], ids[0]]);
    }
    const initial = await goingBack.diff(owner, key, ids[1], 'previous');
    expect([initial.before, ...kinds(initial)]).toEqual([null, 'added', 'added']);
    await expect(goingBack.diff(owner, key, 'nowhere', 'previous')).rejects.toThrow(/no version "nowhere"/);
  });
});

describe('a deleted notebook', () => {
  beforeEach(async () => {
    await documents.put(owner, key, notebook(['a', '1']), [ada]);
    now += 10 * minuteMs;
    await documents.put(owner, key, notebook(['a', '2']), [bob]);
    await versions.checkpoint(owner, key, { name: 'final', author: ada });
    now += minuteMs;
    await buckets.delete(owner, key);
  });

  it('comes back with its history', async () => {
    const [found] = await deleted.list(owner);
    expect(found).toMatchObject({ path: 'a.ipynb', deletedAt: '2026-06-01T12:11:00.000Z' });
    now += 20 * dayMs;
    await versions.sweep(owner);
    expect(await deleted.restore(owner, found?.id ?? '', bob)).toEqual({ path: 'a.ipynb' });
    expect(await sourcesOf()).toEqual(['a=2']);
    expect(await inShort()).toEqual(['restore Bob', 'checkpoint final Bob', 'created Ada']);
    expect(await deleted.list(owner)).toEqual([]);
    await expect(deleted.restore(owner, found?.id ?? '', bob)).rejects.toThrow(/no longer kept/);
  });

  it('comes back beside another that took its name', async () => {
    now += minuteMs;
    await documents.put(owner, key, notebook(['x', 'other']), [ada]);
    expect(await inShort()).toEqual(['created Ada']);
    const [found] = await deleted.list(owner);
    expect(await deleted.restore(owner, found?.id ?? '', bob)).toEqual({ path: 'a (restored).ipynb' });
    expect(await sourcesOf('notebooks/a (restored).ipynb')).toEqual(['a=2']);
    expect(await sourcesOf()).toEqual(['x=other']);
  });

  it('is gone after 30 days, with its bytes', async () => {
    expect(await deleted.list(owner)).toHaveLength(1);
    now += 31 * dayMs;
    await versions.sweep(owner);
    expect(await deleted.list(owner)).toEqual([]);
    expect(await blobs()).toBe(0);
  });
});
