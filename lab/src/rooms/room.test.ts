import fc from 'fast-check';
import { WebSocket as NodeWebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { RoomRefusal, type RoomTiming } from './connection.ts';
import { ConnectionLost } from './requests.ts';
import { Room } from './room.ts';
import { TestingRoomServer } from './testing-room-server.ts';

const timing: RoomTiming = { retryMs: [5, 50], pingMs: 40, answerMs: 120, requestMs: 200 };

interface Client {
  readonly doc: Y.Doc;
  readonly text: Y.Text;
  readonly room: Room;
  readonly awareness: Awareness;
}

describe('a room', () => {
  let server: TestingRoomServer;
  let clients: Client[];

  beforeEach(async () => {
    server = await TestingRoomServer.start();
    clients = [];
  });
  afterEach(async () => {
    for (const { room, awareness } of clients) {
      room.dispose();
      awareness.destroy();
    }
    await server[Symbol.asyncDispose]();
  });

  function join(): Client {
    const doc = new Y.Doc();
    const awareness = new Awareness(doc);
    const room = new Room({
      doc,
      awareness,
      openSession: () => server.session(),
      socketUrl: () => server.url,
      // The browser's class, as far as a room uses it.
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      timing,
    });
    const client = { doc, awareness, room, text: doc.getText('source') };
    clients.push(client);
    return client;
  }

  const text = () => server.doc.getText('source').toJSON();

  test('brings what the server has, and is ready then', async () => {
    server.doc.getText('source').insert(0, 'print(1)');
    const ada = join();
    await ada.room.ready;
    expect(ada.text.toJSON()).toBe('print(1)');
    expect(ada.room.hasUnsaved).toBe(false);
  });

  test('is saved only when the server says that it is on disk', async () => {
    server.holdsDurable = true;
    const ada = join();
    await ada.room.ready;
    ada.text.insert(0, 'a');
    ada.text.insert(1, 'b');
    await until(() => text() === 'ab');
    expect(ada.room.hasUnsaved).toBe(true);
    // Step 2 of the beginning, and the first of the two changes.
    server.tell({ type: 'durable', count: 2 });
    server.tell({ type: 'heard' });
    await heard(ada.room, 'heard');
    expect(ada.room.hasUnsaved).toBe(true);
    server.tell({ type: 'durable', count: 3 });
    await until(() => !ada.room.hasUnsaved);
  });

  test('what was acknowledged on an earlier connection counts for nothing on the next', async () => {
    const ada = join();
    await ada.room.ready;
    for (const letter of 'abcdef') ada.text.insert(0, letter);
    await until(() => !ada.room.hasUnsaved);
    server.holdsDurable = true;
    server.cutAll();
    await until(() => !ada.room.isConnected);
    ada.text.insert(0, 'g');
    await until(() => text() === 'gfedcba');
    server.tell({ type: 'heard' });
    await heard(ada.room, 'heard');
    expect(ada.room.hasUnsaved).toBe(true);
    server.tell({ type: 'durable', count: 1 });
    await until(() => !ada.room.hasUnsaved);
  });

  test('edits made while the server is away are sent as the difference when it is back', async () => {
    const ada = join();
    const ben = join();
    await Promise.all([ada.room.ready, ben.room.ready]);
    ada.text.insert(0, 'shared ');
    await until(() => ben.text.toJSON() === 'shared ');
    server.refusal = new Error('away');
    server.cutAll();
    await until(() => !ada.room.isConnected && !ben.room.isConnected);
    ada.text.insert(ada.text.length, 'ada ');
    ben.text.insert(ben.text.length, 'ben ');
    expect(ada.room.hasUnsaved).toBe(true);
    expect(text()).toBe('shared ');
    server.refusal = null;
    await until(() => text().length === 'shared ada ben '.length);
    await until(() => !ada.room.hasUnsaved && !ben.room.hasUnsaved);
    expect(ada.text.toJSON()).toBe(text());
    expect(ben.text.toJSON()).toBe(text());
  });

  test('a line that was cut without a word is noticed, and replaced', async () => {
    const ada = join();
    await ada.room.ready;
    server.isMute = true;
    ada.text.insert(0, 'unheard');
    await until(() => !ada.room.isConnected);
    expect(ada.room.hasUnsaved).toBe(true);
    server.isMute = false;
    await until(() => text() === 'unheard' && !ada.room.hasUnsaved);
    expect(server.connections).toBeGreaterThan(1);
  });

  test('an idle connection that answers is kept', async () => {
    const ada = join();
    await ada.room.ready;
    await until(() => server.asked > 5);
    expect(server.connections).toBe(1);
    expect(ada.room.isConnected).toBe(true);
  });

  test('waking connects at once instead of after the wait', async () => {
    const ada = join();
    await ada.room.ready;
    server.refusal = new Error('away');
    server.cutAll();
    await until(() => !ada.room.isConnected);
    server.refusal = null;
    ada.room.wake();
    await until(() => ada.room.isConnected);
  });

  test('a message of ours comes after the edits made before it', async () => {
    server.onMessage = (message, reply) => reply({ ...message, run: text() });
    const ada = join();
    await ada.room.ready;
    ada.text.insert(0, '6 * 7');
    const answer = ada.room.ask({ type: 'run', cells: ['a'] });
    ada.text.insert(5, '1');
    expect((await answer)['run']).toBe('6 * 7');
    await until(() => server.order.length === 3);
    expect(server.order).toEqual(['update', 'run', 'update']);
  });

  test('an answer that cannot come any more is not waited for', async () => {
    const ada = join();
    await ada.room.ready;
    const answer = ada.room.ask({ type: 'run', cells: ['a'] });
    await until(() => server.messages.length === 1);
    server.cutAll();
    await expect(answer).rejects.toBeInstanceOf(ConnectionLost);
    await until(() => ada.room.isConnected);
    await expect(ada.room.ask({ type: 'unheard of' })).rejects.toThrow('did not answer');
    server.refusal = new Error('away');
    server.cutAll();
    await until(() => !ada.room.isConnected);
    await expect(ada.room.ask({ type: 'run', cells: [] })).rejects.toBeInstanceOf(ConnectionLost);
    expect(ada.room.tell({ type: 'input' })).toBe(false);
  });

  test('another history is never merged with this one', async () => {
    const ada = join();
    await ada.room.ready;
    ada.text.insert(0, 'mine');
    await until(() => !ada.room.hasUnsaved);
    const other = new Y.Doc();
    other.getText('source').insert(0, 'theirs');
    server.forget(other);
    await until(() => ada.room.connection.kind === 'ended');
    expect(ada.room.connection).toMatchObject({ why: 'replaced' });
    expect(ada.text.toJSON()).toBe('mine');
    expect(other.getText('source').toJSON()).toBe('theirs');
  });

  test('a notebook that is not there ends the waiting with the reason', async () => {
    server.refusal = new RoomRefusal('There is no notebook gone.ipynb.', { isFinal: true });
    const ada = join();
    await expect(ada.room.ready).rejects.toThrow('There is no notebook gone.ipynb.');
    expect(ada.room.connection).toMatchObject({ kind: 'ended', why: 'refused' });
  });

  test('a deletion ends it, and what is here stays', async () => {
    const ada = join();
    await ada.room.ready;
    ada.text.insert(0, 'kept');
    await until(() => text() === 'kept');
    server.tell({ type: 'deleted' });
    await until(() => ada.room.connection.kind === 'ended');
    expect(ada.text.toJSON()).toBe('kept');
  });

  test('so does a connection that is closed because the notebook is gone', async () => {
    const ada = join();
    await ada.room.ready;
    server.closeAll(4404);
    await until(() => ada.room.connection.kind === 'ended');
    expect(ada.room.connection).toMatchObject({ why: 'deleted' });
  });

  test('others are seen, gone when the connection is, and back with it', async () => {
    const ada = join();
    const ben = join();
    ben.awareness.setLocalStateField('user', { name: 'Ben' });
    const seesBen = () => ada.awareness.getStates().get(ben.doc.clientID)?.['user'] !== undefined;
    await until(seesBen);
    server.refusal = new Error('away');
    server.cutAll();
    await until(() => !seesBen());
    server.refusal = null;
    await until(seesBen);
    ben.room.dispose();
    await until(() => !seesBen());
  });

  test('whatever is cut and typed in between, all sides end with the same text and nothing lost', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('type' as const), who: fc.nat(2), at: fc.nat(1000) }),
      fc.record({ kind: fc.constant('cut' as const) }),
      fc.record({ kind: fc.constant('mute' as const), isMute: fc.boolean() }),
      fc.record({ kind: fc.constant('rest' as const), ms: fc.nat(15) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using own = await TestingRoomServer.start();
        server = own;
        const three = [join(), join(), join()];
        let typed = 0;
        for (const one of steps) {
          if (one.kind === 'cut') own.cutAll();
          if (one.kind === 'mute') own.isMute = one.isMute;
          // A line that loses bytes and comes back is another connection.
          if (one.kind === 'mute' && !one.isMute) own.cutAll();
          if (one.kind === 'rest') await new Promise((resolve) => setTimeout(resolve, one.ms));
          const client = one.kind === 'type' ? three[one.who] : undefined;
          if (one.kind === 'type' && client !== undefined) {
            client.text.insert(one.at % (client.text.length + 1), String.fromCodePoint(0x4e00 + typed));
            typed += 1;
          }
        }
        own.isMute = false;
        own.cutAll();
        await until(() => three.every(({ room }) => room.isConnected && !room.hasUnsaved));
        await until(() => three.every((client) => client.text.toJSON() === text()));
        expect(text().split('').sort()).toEqual(
          Array.from({ length: typed }, (_, n) => String.fromCodePoint(0x4e00 + n)),
        );
        for (const { room } of three) room.dispose();
      }),
      { numRuns: 25 },
    );
  });
});

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`It did not come to be: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function heard(room: Room, type: string): Promise<void> {
  return new Promise((resolve) => {
    room.received.connect((_, message) => {
      if (message.type === type) resolve();
    });
  });
}
