import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
