import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import fc from 'fast-check';
import * as encoding from 'lib0/encoding';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as Y from 'yjs';
import { applyNotebook } from './apply-notebook.ts';
import { decodeRecords } from './journal.ts';
import { Change, replayed } from './live-notebook.ts';
import { notebookProblem } from './nbformat-problem.ts';
import { readNotebook, writeNotebook } from './nbformat.ts';
import { encodeAwareness, encodeUpdate } from './room-messages.ts';
import { readSharedNotebook, sharedCells, sharedMeta } from './shared-notebook.ts';
import type { RoomClient } from './testing-client.ts';
import { notebookOf, startRoom, type TestRoom } from './testing-room.ts';

const pingEveryMs = 10_000;
const megabyte = 1024 ** 2;
let room: TestRoom;

beforeEach(async () => {
  // The pings alone; all else takes its time on real sockets.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  room = await startRoom(notebookOf('one', 'two'));
});

afterEach(async () => {
  vi.useRealTimers();
  await room.stop();
});

/** What the next run of the control plane would make of the journal. */
async function fromJournal(): Promise<Y.Doc> {
  await room.journal.sync();
  return replayed(decodeRecords(await readFile(room.file)).records).doc;
}

function sourceOf(index: number): Y.Text {
  return sharedCells(room.document.doc).get(index).get('source') as Y.Text;
}

/** Lets what is in the sockets arrive. */
async function arrived(client: RoomClient): Promise<void> {
  const mark = `${String(Math.random())} `;
  room.document.change(
    () => {
      sourceOf(1).insert(0, mark);
    },
    { author: null },
  );
  await client.until(() => client.text(1).includes(mark), 'what was sent');
}

test('a client that answers no pings is dropped within 30 s, and comes back without loss', async () => {
  const [client, other] = [await room.join(), await room.join()];
  const [serverEnd, otherEnd] = room.sockets;
  const ping = async (): Promise<void> => {
    const pong = once(otherEnd ?? other.socket, 'pong');
    vi.advanceTimersByTime(pingEveryMs);
    await pong;
  };
  client.socket.pause();
  client.source(0).insert(0, 'stalled ');
  other.source(1).insert(0, 'meanwhile ');
  await other.until(() => other.text(0) === 'stalled one', 'what went out before');
  await other.saved();
  await ping();
  await ping();
  expect(serverEnd?.readyState).toBe(WebSocket.OPEN);
  await ping();
  await vi.waitFor(() => {
    expect(serverEnd?.readyState).toBe(WebSocket.CLOSED);
  });
  await arrived(other);
  expect(other.socket.readyState).toBe(WebSocket.OPEN);
  client.source(0).insert(0, 'away ');
  const again = await room.join(client.doc);
  await again.saved();
  expect([again.text(0), room.document.notebook().cells[0]?.['source']]).toEqual([
    'away stalled one',
    'away stalled one',
  ]);
  expect(again.text(1)).toContain('meanwhile two');
});

test('a client that reads slowly is not taken for a dead one', async () => {
  const client = await room.join();
  client.socket.pause();
  // More than the system takes off our hands.
  for (let count = 0; count < 40; count++) {
    room.document.change(
      () => {
        sourceOf(0).insert(0, String(count).padEnd(megabyte, '.'));
      },
      { author: null },
    );
  }
  const [serverEnd] = room.sockets;
  expect(serverEnd?.bufferedAmount).toBeGreaterThan(10 * megabyte);
  let pongs = 0;
  serverEnd?.on('pong', () => pongs++);
  // That is ten minutes on a slow line.
  for (let pings = 0; pings < 60; pings++) vi.advanceTimersByTime(pingEveryMs);
  expect(serverEnd?.readyState).toBe(WebSocket.OPEN);
  client.socket.resume();
  await client.until(() => client.text(0).length > 40 * megabyte, 'all of it', 30_000);
  await vi.waitFor(() => {
    expect(pongs).toBe(60);
  }, 10_000);
  // What it has read is no excuse any more.
  client.socket.pause();
  for (let pings = 0; pings < 3; pings++) vi.advanceTimersByTime(pingEveryMs);
  await vi.waitFor(() => {
    expect(serverEnd?.readyState).toBe(WebSocket.CLOSED);
  });
});

test('a client that never reads costs a bounded amount of memory', async () => {
  const client = await room.join();
  client.socket.pause();
  const [serverEnd] = room.sockets;
  let most = 0;
  for (let count = 0; count < 120; count++) {
    room.document.change(
      () => {
        sourceOf(0).delete(0, sourceOf(0).length);
        sourceOf(0).insert(0, String(count).padEnd(megabyte, '.'));
      },
      { author: null },
    );
    most = Math.max(most, serverEnd?.bufferedAmount ?? 0);
  }
  expect(most).toBeGreaterThan(30 * megabyte);
  expect(most).toBeLessThan(70 * megabyte);
  await vi.waitFor(() => {
    expect(serverEnd?.readyState).toBe(WebSocket.CLOSED);
  });
  client.socket.terminate();
});

test('a notebook larger than what may wait unread reaches a client', async () => {
  room.document.change(
    () => {
      sourceOf(0).insert(0, '.'.repeat(80 * megabyte));
    },
    { author: null },
  );
  const client = await room.join();
  await arrived(client);
  expect(client.text(0).length).toBe(80 * megabyte + 3);
});

test('presence is shown under the name of the account while a client is there, and belongs to its latest connection', async () => {
  const watcher = new awarenessProtocol.Awareness(new Y.Doc());
  const other = await room.join();
  other.socket.on('message', (data: Buffer) => {
    if (data[0] === 1) awarenessProtocol.applyAwarenessUpdate(watcher, data.subarray(data.length > 129 ? 3 : 2), null);
  });
  // Whatever it says of itself.
  const ann = { name: 'Ann', display_name: 'Ann', color: 'red' };
  const states = () =>
    [...watcher.getStates().values()].flatMap((state) => (state['user'] === undefined ? [] : [state['user']]));
  const client = await room.join();
  const awareness = new awarenessProtocol.Awareness(client.doc);
  const say = (to: RoomClient): void => {
    awareness.setLocalState({ user: { name: 'Bea', display_name: 'Bea', color: 'red' } });
    to.socket.send(encodeAwareness(awareness, [client.doc.clientID]));
  };
  say(client);
  await vi.waitFor(() => {
    expect(states()).toEqual([ann]);
  });
  const again = await room.join(client.doc);
  say(again);
  const [, oldEnd] = room.sockets;
  client.socket.terminate();
  await once(oldEnd ?? client.socket, 'close');
  await arrived(other);
  expect(states()).toEqual([ann]);
  again.socket.terminate();
  await vi.waitFor(() => {
    expect(states()).toEqual([]);
  });
  awareness.destroy();
  watcher.destroy();
});

function awarenessOf(...states: [client: number, json: string][]): Uint8Array {
  const inner = encoding.createEncoder();
  encoding.writeVarUint(inner, states.length);
  for (const [client, json] of states) {
    encoding.writeVarUint(inner, client);
    encoding.writeVarUint(inner, 1);
    encoding.writeVarString(inner, json);
  }
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 1);
  encoding.writeVarUint8Array(encoder, encoding.toUint8Array(inner));
  return encoding.toUint8Array(encoder);
}

test.each([
  ['gigantic', awarenessOf([1, JSON.stringify({ name: 'x'.repeat(megabyte) })])],
  [
    'of a thousand people',
    awarenessOf(...Array.from({ length: 1000 }, (_, id): [number, string] => [id + 1, '{"a":1}'])),
  ],
  ['nested without end', awarenessOf([1, '['.repeat(100_000) + ']'.repeat(100_000)])],
  ['no JSON', awarenessOf([1, '{'])],
])('presence that is %s ends the connection of its sender alone', async (_, message) => {
  const [good, bad] = [await room.join(), await room.join()];
  const closed = once(bad.socket, 'close');
  bad.socket.send(message);
  await expect(closed).resolves.toContain(4400);
  good.source(0).insert(0, 'fine ');
  await good.saved();
  const late = await room.join();
  expect(late.text(0)).toBe('fine one');
});

test('two clients who find no cell, or see the last one go, get one from us and not one each', async () => {
  await room.stop();
  room = await startRoom(notebookOf());
  const clients = await Promise.all([room.join(), room.join()]);
  const ids = () => [room.document.doc, ...clients.map(({ doc }) => doc)].map((doc) => readSharedNotebook(doc).cells);
  const haveOne = (): boolean => ids().every((cells) => cells.length === 1 && cells[0]?.id === ids()[0]?.[0]?.id);
  for (const client of clients) await client.until(haveOne, 'the first cell');
  const first = ids()[0]?.[0]?.id;
  room.document.change(() => applyNotebook(room.document.doc, notebookOf()), { author: null });
  for (const client of clients)
    await client.until(() => haveOne() && ids()[0]?.[0]?.id !== first, 'another first cell');
  expect(readSharedNotebook(await fromJournal())).toEqual(readSharedNotebook(room.document.doc));
});

test('an edit that came before the one it builds on waits for it, and is acknowledged then', async () => {
  const client = await room.join();
  const { doc } = client;
  const updates: Uint8Array[] = [];
  const onUpdate = (update: Uint8Array): number => updates.push(update);
  client.socket.terminate();
  doc.on('update', onUpdate);
  client.source(0).insert(0, 'first ');
  client.source(0).insert(6, 'second ');
  const [other, third] = [await room.join(), await room.join()];
  other.socket.send(encodeUpdate(updates[1] ?? new Uint8Array()));
  other.sent += 1;
  third.source(1).insert(0, 'meanwhile ');
  await third.saved();
  expect(other.durable).toBeLessThan(other.sent);
  // It comes over another connection: two tabs of a browser tell each other first.
  third.socket.send(encodeUpdate(updates[0] ?? new Uint8Array()));
  await other.saved();
  const after = await fromJournal();
  expect(readSharedNotebook(after).cells[0]?.['source']).toBe('first second one');
});

test('updates that build on nothing that ever comes are taken up to a bound', async () => {
  const [good, bad] = [await room.join(), await room.join()];
  const doc = new Y.Doc();
  const closed = once(bad.socket, 'close');
  doc.on('update', (update: Uint8Array) => {
    // Its first edit is kept back.
    if (doc.getText('t').length > 1) bad.socket.send(encodeUpdate(update));
  });
  doc.getText('t').insert(0, 'x');
  for (let count = 0; count < 30; count++) doc.getText('t').insert(0, '.'.repeat(100_000));
  await expect(closed).resolves.toContain(4400);
  expect(room.document.doc.store.pendingStructs).toBeNull();
  good.source(0).insert(0, 'fine ');
  await good.saved();
});

test('whatever bytes a client sends, the journal holds the document as it is, and others go on', async () => {
  const template = new Y.Doc();
  Y.applyUpdate(template, Y.encodeStateAsUpdate(room.document.doc));
  const change = new Change(null, []);
  const valid: Uint8Array[] = [];
  template.on('update', (update: Uint8Array) => valid.push(update));
  const cells = sharedCells(template);
  (cells.get(0).get('source') as Y.Text).insert(1, 'abc');
  (cells.get(1).get('source') as Y.Text).delete(0, 2);
  cells.insert(1, [
    new Y.Map([
      ['id', 'n'],
      ['cell_type', 'markdown'],
      ['source', new Y.Text('new')],
    ] as [string, unknown][]),
  ]);
  cells.delete(2);
  sharedMeta(template).set('metadata', { a: [1, { b: null }] });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(valid.length - 1),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(400)),
      async (which, flips, cut) => {
        const bytes = Uint8Array.from(valid[which] ?? []);
        for (const [at, value] of flips) bytes[at % bytes.length] = value;
        try {
          room.document.receive(bytes.subarray(0, cut ?? bytes.length), change);
        } catch {
          // Its sender would be let go.
        }
        expect(notebookProblem(room.document.notebook())).toBeNull();
        const after = await fromJournal();
        expect(readSharedNotebook(after)).toEqual(room.document.notebook());
        expect(Y.encodeStateVector(after)).toEqual(Y.encodeStateVector(room.document.doc));
      },
    ),
    { numRuns: 300 },
  );
  const client = await room.join();
  const cell = new Y.Map<unknown>([
    ['id', 'z'],
    ['cell_type', 'markdown'],
    ['source', new Y.Text('still')],
  ]);
  sharedCells(client.doc).insert(0, [cell]);
  await client.saved();
  expect(room.document.notebook().cells[0]?.['source']).toBe('still');
});

test('values that JSON cannot say are left out of the file, and nothing else', async () => {
  const client = await room.join();
  let deep: unknown = 1;
  for (let depth = 0; depth < 2000; depth++) deep = [deep];
  let deepMap = new Y.Map<unknown>();
  const outermost = deepMap;
  const junk = {
    big: 12n,
    bytes: new Uint8Array([1, 2]),
    none: undefined,
    infinite: Infinity,
    list: [1n, NaN, 'kept'],
    kept: 'yes',
    deep,
  };
  client.doc.transact(() => {
    sharedMeta(client.doc).set('metadata', junk);
    const metadata = sharedCells(client.doc).get(0).get('metadata') as Y.Map<unknown>;
    metadata.set('deep', outermost);
    for (let depth = 0; depth < 2000; depth++) {
      const inner = new Y.Map<unknown>();
      deepMap.set('in', inner);
      deepMap = inner;
    }
    metadata.set('xml', new Y.XmlElement('p'));
    metadata.set('kept', 'too');
  });
  await client.saved();
  const text = writeNotebook(room.document.notebook());
  const reading = readNotebook(Buffer.from(text));
  if (reading.kind === 'refused') throw new Error(reading.reason);
  expect(reading.problem).toBeNull();
  expect(writeNotebook(reading.notebook)).toBe(text);
  const { deep: _, ...metadata } = reading.notebook.metadata;
  expect(metadata).toEqual({ infinite: null, list: [null, null, 'kept'], kept: 'yes' });
  expect(reading.notebook.cells.map(({ source }) => source)).toEqual(['one', 'two']);
  expect(reading.notebook.cells[0]?.metadata).toMatchObject({ kept: 'too' });
});

test(
  'the journal of a document that is rewritten ten thousand times stays within 2 MiB',
  { timeout: 60_000 },
  async () => {
    let largest = 0;
    for (let count = 0; count < 10_000; count++) {
      room.document.change(
        () => {
          sourceOf(0).delete(0, sourceOf(0).length);
          sourceOf(0).insert(0, String(count).padEnd(2000, '.'));
        },
        { author: null },
      );
      if (count % 100 === 99) {
        await room.document.durable();
        largest = Math.max(largest, (await stat(room.file)).size);
      }
    }
    expect(largest).toBeGreaterThan(megabyte);
    expect(largest).toBeLessThan(2 * megabyte);
    await room.document.compact();
    expect(room.journal.size).toBeLessThan(3 * writeNotebook(room.document.notebook()).length);
    expect(readSharedNotebook(await fromJournal())).toEqual(room.document.notebook());
  },
);

test('so does that of one with twenty thousand tiny edits', { timeout: 60_000 }, async () => {
  const client = await room.join();
  for (let count = 0; count < 20_000; count++) {
    if (count % 2 === 0) client.source(0).insert(3, 'x');
    else client.source(0).delete(3, 1);
    if (count % 1000 === 999) await client.saved();
  }
  expect((await stat(room.file)).size).toBeLessThan(2 * megabyte);
  expect(readSharedNotebook(await fromJournal())).toEqual(readSharedNotebook(client.doc));
});
