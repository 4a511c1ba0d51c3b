import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError, createClient } from '@terrarium/contract';
import type { ObjectStore } from '../bucket/object-store.ts';
import type { RoomClient } from '../documents/testing-client.ts';
import { joinRoom, openSession, type RoomAddress, type RoomDoor } from '../testing/room-typist.ts';
import { startInside, type InsideServer } from './outside/inside-server.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const key = 'notebooks/one.ipynb';
const clients: RoomClient[] = [];
let inside: InsideServer;
let store: ObjectStore;
/** What stands in the way of reading and writing the bucket. */
let obstacle: (what: 'read' | 'write') => Promise<void>;

beforeEach(async () => {
  obstacle = async () => undefined;
  inside = await startInside(undefined, (inner) => {
    store = inner;
    return {
      ...inner,
      head: async (...given) => obstacle('read').then(() => inner.head(...given)),
      get: async (...given) => obstacle('read').then(() => inner.get(...given)),
      put: async (...given) => obstacle('write').then(() => inner.put(...given)),
    };
  });
  const cell = { id: 'c', cell_type: 'code', metadata: {}, source: 'x', outputs: [], execution_count: null };
  const body = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] });
  expect((await ask('PUT', body)).status).toBe(200);
});

afterEach(async () => {
  obstacle = async () => undefined;
  for (const client of clients.splice(0)) await client.close();
  await inside.remove();
});

const door = (): RoomDoor => ({ url: inside.server.url, token: inside.server.token, workspace });

function ask(method: string, body: string | null = null): Promise<Response> {
  return fetch(`${inside.server.url}/api/workspaces/my-project/getting-started/bucket/objects/${key}`, {
    method,
    body,
    headers: { authorization: `Bearer ${inside.server.token}` },
  });
}

/** What is in the bucket, without asking the documents. */
async function stored(): Promise<string> {
  const client = createClient({ baseUrl: inside.server.url, token: inside.server.token });
  const { bucket } = await client.getWorkspace({ params: workspace });
  return text((await store.get(bucket, key))?.body ?? Readable.from([]));
}

async function join(room: RoomAddress, doc?: RoomClient['doc']): Promise<RoomClient> {
  const client = joinRoom(door(), room, doc);
  clients.push(client);
  await client.synced();
  return client;
}

const away = async (): Promise<void> => {
  throw new AppError('DriverUnavailable', 'The bucket answers 503.');
};

/** Resolves with the reason that was given. */
async function trouble(client: RoomClient, what: string): Promise<unknown> {
  const find = () => client.notices.find((notice) => notice['type'] === 'trouble' && notice['what'] === what);
  await client.until(() => find() !== undefined, `trouble with the ${what}`);
  return find()?.['reason'];
}

function isWell(client: RoomClient): boolean {
  return client.notices.some((notice) => notice['type'] === 'well' && notice['what'] === 'bucket');
}

test('a bucket that answers 503 is told; edits are safe over a restart, and stored when it is back', async () => {
  const room = await openSession(door(), key);
  const first = await join(room);
  obstacle = away;
  first.source(0).insert(1, '1');
  await first.saved();
  expect(await trouble(first, 'bucket')).toBe('The bucket answers 503.');
  first.source(0).insert(2, '2');
  await first.saved();
  const { doc } = first;
  await first.close();
  await inside.restart();

  expect(await openSession(door(), key), 'the same document').toEqual(room);
  const fresh = await join(room);
  expect(fresh.text(0)).toBe('x12');
  expect(await trouble(fresh, 'bucket')).toBe('The bucket answers 503.');
  const again = await join(room, doc);
  again.source(0).insert(3, '3');
  await again.saved();
  await fresh.until(() => fresh.text(0) === 'x123', "the other's edit");

  obstacle = async () => undefined;
  await fresh.until(() => isWell(fresh), 'the end of the trouble', 40_000);
  expect(await (await ask('GET')).text()).toContain('"x123"');
});

test('a notebook that nobody has open reaches the bucket by itself when it is back', async () => {
  const client = await join(await openSession(door(), key));
  obstacle = away;
  client.source(0).insert(1, '1');
  await client.saved();
  await client.close();
  await inside.restart();
  expect(await stored()).toContain('"x"');
  obstacle = async () => undefined;
  await expect.poll(stored, { timeout: 40_000 }).toContain('"x1"');
});

test('a slow bucket holds up nobody: edits are acknowledged and seen meanwhile', async () => {
  const room = await openSession(door(), key);
  const [first, second] = [await join(room), await join(room)];
  const held: (() => void)[] = [];
  obstacle = (what) => (what === 'write' ? new Promise((resolve) => held.push(resolve)) : Promise.resolve());
  first.source(0).insert(1, '1');
  first.save(1);
  await first.saved();
  await expect.poll(() => held.length).toBe(1);
  for (let number = 2; number < 100; number++) first.source(0).insert(first.text(0).length, `,${String(number)}`);
  await first.saved();
  await second.until(() => second.text(0).endsWith(',99'), 'the edits');
  expect(held).toHaveLength(1);
  expect(await stored()).toContain('"x"');
  obstacle = async () => undefined;
  held[0]?.();
  await expect.poll(stored, { timeout: 10_000 }).toContain(',99"');
});

test('a bucket that never answers does not keep the server from stopping', async () => {
  const client = await join(await openSession(door(), key));
  obstacle = (what) => (what === 'write' ? new Promise(() => undefined) : Promise.resolve());
  client.source(0).insert(1, '1');
  client.save(1);
  await client.saved();
  await inside.restart();
  obstacle = async () => undefined;
  await expect.poll(stored, { timeout: 10_000 }).toContain('"x1"');
});

describe('an open notebook whose bucket cannot be used', () => {
  const contents = (method: string, body: string | null = null): Promise<Response> =>
    fetch(`${inside.server.url}/jupyter/my-project/getting-started/api/contents/${key}`, {
      method,
      body,
      headers: { authorization: `Bearer ${inside.server.token}`, 'content-type': 'application/json' },
    });
  const withSource = (source: string): object => {
    const cell = { id: 'c', cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null };
    return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] };
  };
  const saved = async (source: string): Promise<number> => {
    const body = JSON.stringify({ type: 'notebook', format: 'json', content: withSource(source) });
    return (await contents('PUT', body)).status;
  };
  const full = async (what: 'read' | 'write'): Promise<void> => {
    if (what === 'write') throw new AppError('StorageFull', 'The bucket is full.');
  };

  test.each([
    ['cannot be reached', away],
    ['is full', full],
  ])('is read as it stands while the bucket %s', async (_, what) => {
    const client = await join(await openSession(door(), key));
    client.source(0).insert(1, '1');
    await client.saved();
    obstacle = what;
    client.source(0).insert(2, '2');
    await client.saved();
    const answer = await ask('GET');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ipynb+json']);
    expect(await answer.text()).toContain('"x12"');
    const etag = answer.headers.get('etag') ?? '';
    const again = await fetch(answer.url, {
      headers: { authorization: `Bearer ${inside.server.token}`, 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
    const model = (await (await contents('GET')).json()) as { content: { cells: { source: string }[] } };
    expect(model.content.cells[0]?.source).toBe('x12');
    client.source(0).insert(3, '3');
    await client.saved();
    expect(await (await ask('GET')).text()).toContain('"x123"');
    obstacle = async () => undefined;
    await expect.poll(stored, { timeout: 20_000 }).toContain('"x123"');
  });

  test('is saved by clients once the journal has it, and again, over a restart', async () => {
    const room = await openSession(door(), key);
    const client = await join(room);
    expect((await contents('GET')).status).toBe(200);
    obstacle = full;
    expect(await saved('y')).toBe(200);
    await client.until(() => client.text(0) === 'y', 'the save');
    expect(await saved('yy')).toBe(200);
    const put = await ask('PUT', JSON.stringify(withSource('yyy')));
    expect(put.status).toBe(200);
    const conditional = await fetch(put.url, {
      method: 'PUT',
      body: JSON.stringify(withSource('yyyy')),
      headers: { authorization: `Bearer ${inside.server.token}`, 'if-match': put.headers.get('etag') ?? '' },
    });
    expect(conditional.status).toBe(200);
    const stale = await fetch(put.url, {
      method: 'PUT',
      body: JSON.stringify(withSource('too late')),
      headers: { authorization: `Bearer ${inside.server.token}`, 'if-match': put.headers.get('etag') ?? '' },
    });
    expect(stale.status).toBe(412);
    await client.close();
    await inside.restart();
    expect((await join(room)).text(0)).toBe('yyyy');
    obstacle = async () => undefined;
    await expect.poll(stored, { timeout: 20_000 }).toContain('"yyyy"');
  });

  test('keeps what others type beside a save that was based on what was not stored yet', async () => {
    const client = await join(await openSession(door(), key));
    obstacle = full;
    client.source(0).insert(1, '1');
    await client.saved();
    const model = (await (await contents('GET')).json()) as { content: { cells: object[] } };
    const added = { id: 'd', cell_type: 'markdown', metadata: {}, source: 'added' };
    client.source(0).insert(2, '2');
    await client.saved();
    const content = { ...model.content, cells: [...model.content.cells, added] };
    const body = JSON.stringify({ type: 'notebook', format: 'json', content });
    expect((await contents('PUT', body)).status).toBe(200);
    await client.until(() => client.text(1) === 'added', 'the save');
    expect(client.text(0)).toBe('x12');
  });
});
