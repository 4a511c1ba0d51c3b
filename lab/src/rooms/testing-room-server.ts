import * as awarenessProtocol from 'y-protocols/awareness';
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws';
import * as Y from 'yjs';
import {
  awarenessUpdate,
  ownMessage,
  readFrame,
  syncStep1,
  syncUpdate,
  takeSync,
  type RoomMessage,
} from './messages.ts';

/** A small server of one room, which can misbehave. It speaks the protocol of docs/decisions/0005-live-documents.md. */
export class TestingRoomServer implements AsyncDisposable {
  doc = new Y.Doc();
  sessionId = 'first';
  /** Thrown by the session endpoint. */
  refusal: Error | null = null;
  /** Takes what it is sent and answers nothing, like a cut line that nobody noticed. */
  isMute = false;
  /** Takes changes, and says nothing of their being on disk. */
  holdsDurable = false;
  readonly messages: RoomMessage[] = [];
  /** What was received, in order: `update`, or the type of a message of ours. */
  readonly order: string[] = [];
  onMessage: (message: RoomMessage, reply: (message: RoomMessage) => void) => void = () => undefined;
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<ServerSocket>();
  readonly awareness = new awarenessProtocol.Awareness(this.doc);
  connections = 0;
  /** How often a client asked for what it lacks. */
  asked = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.awareness.setLocalState(null);
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(): Promise<TestingRoomServer> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => {
      server.once('listening', resolve);
    });
    return new TestingRoomServer(server);
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The server does not listen.');
    return `ws://127.0.0.1:${String(address.port)}`;
  }

  session(): Promise<{ fileId: string; sessionId: string }> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return Promise.resolve({ fileId: 'file', sessionId: this.sessionId });
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  closeAll(code: number): void {
    for (const socket of this.#sockets) socket.close(code);
  }

  tell(message: RoomMessage): void {
    for (const socket of this.#sockets) socket.send(ownMessage(message));
  }

  /** Another history of the same document, as after a restore from elsewhere. */
  forget(doc: Y.Doc): void {
    this.doc = doc;
    this.sessionId = `${this.sessionId}-next`;
    this.cutAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutAll();
    this.awareness.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #serve(socket: ServerSocket): void {
    this.#sockets.add(socket);
    this.connections += 1;
    const { doc, awareness } = this;
    const clients = new Set<number>();
    let count = 0;
    const send = (bytes: Uint8Array): void => {
      if (!this.isMute && socket.readyState === socket.OPEN) socket.send(bytes);
    };
    const onUpdate = (update: Uint8Array, origin: unknown): void => {
      if (origin !== socket) send(syncUpdate(update));
    };
    const onAwareness = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>): void => {
      send(awarenessUpdate(awareness, [...added, ...updated, ...removed]));
    };
    doc.on('update', onUpdate);
    awareness.on('update', onAwareness);
    send(syncStep1(doc));
    if (awareness.getStates().size > 0) send(awarenessUpdate(awareness, [...awareness.getStates().keys()]));
    socket.on('message', (data: Buffer) => {
      if (this.isMute) return;
      const frame = readFrame(new Uint8Array(data));
      if (frame.kind === 'awareness') {
        awarenessProtocol.applyAwarenessUpdate(awareness, frame.update, socket);
        for (const client of awareness.getStates().keys()) clients.add(client);
      } else if (frame.kind === 'own') {
        this.order.push(frame.message.type);
        this.messages.push(frame.message);
        this.onMessage(frame.message, (message) => send(ownMessage(message)));
      } else if (frame.kind === 'sync') {
        const answer = takeSync(frame.decoder, doc, socket);
        if (answer !== undefined) send(answer);
        if (frame.step === 'step1') {
          this.asked += 1;
          return;
        }
        if (frame.step === 'update') this.order.push('update');
        count += 1;
        if (!this.holdsDurable) send(ownMessage({ type: 'durable', count }));
      }
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      doc.off('update', onUpdate);
      awareness.off('update', onAwareness);
      awarenessProtocol.removeAwarenessStates(awareness, [...clients], null);
    });
  }
}
