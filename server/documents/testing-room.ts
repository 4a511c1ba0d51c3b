import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import * as Y from 'yjs';
import { openJournal, type Journal } from './journal.ts';
import { LiveNotebook } from './live-notebook.ts';
import type { Notebook } from './nbformat.ts';
import { Room } from './room.ts';
import { writeSharedNotebook } from './shared-notebook.ts';
import { RoomClient } from './testing-client.ts';

/** A room with its document and journal on a port of its own, and no bucket. */
export interface TestRoom {
  readonly document: LiveNotebook;
  readonly room: Room;
  readonly journal: Journal;
  /** Of the journal. */
  readonly file: string;
  /** The server's ends of the connections, in the order in which they were made. */
  readonly sockets: readonly WebSocket[];
  join(doc?: Y.Doc): Promise<RoomClient>;
  stop(): Promise<void>;
}

export function notebookOf(...sources: string[]): Notebook {
  const cells = sources.map((source, index) => ({
    id: `cell${String(index)}`,
    cell_type: 'code',
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }));
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

export async function startRoom(notebook: Notebook): Promise<TestRoom> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-room-'));
  const file = path.join(directory, 'one.journal');
  const { journal } = await openJournal(file, {
    onTrouble: () => undefined,
    snapshot: () => document.snapshot(),
  });
  const doc = new Y.Doc();
  const document: LiveNotebook = new LiveNotebook({
    id: 'one',
    owner: { id: 'w', bucket: 'b' },
    key: 'notebooks/one.ipynb',
    isPlayground: false,
    doc,
    journal,
    marks: new Map(),
    tell: (notice) => {
      room.tell(notice);
    },
    onContent: () => undefined,
  });
  doc.transact(() => {
    writeSharedNotebook(doc, notebook);
  });
  const state = {
    bucketTrouble: () => null,
    isStored: () => true,
    save: async () => undefined,
    handlers: new Map(),
  };
  const room: Room = new Room(document, state, () => undefined);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    const author = { accountId: 'ann', name: 'Ann' };
    room.join({ socket, author, isOurs: true, canWrite: true, canCompute: true }, () => undefined);
  });
  const clients: RoomClient[] = [];
  return {
    document,
    room,
    journal,
    file,
    sockets,
    async join(clientDoc) {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const client = new RoomClient(`ws://127.0.0.1:${String(port)}`, {}, clientDoc);
      clients.push(client);
      await client.synced();
      return client;
    },
    async stop() {
      for (const { socket } of clients) socket.terminate();
      room.close(1012, '');
      server.close();
      await journal.close();
      doc.destroy();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
