import { Signal, type ISignal } from '@lumino/signaling';
import * as awarenessProtocol from 'y-protocols/awareness';
import { RoomRefusal, type Connection, type RoomOptions, type RoomSession, type RoomTiming } from './connection.ts';
import {
  awarenessUpdate,
  ownMessage,
  readFrame,
  syncStep1,
  syncUpdate,
  takeSync,
  type RoomMessage,
} from './messages.ts';
import { Requests } from './requests.ts';
import { Silence } from './silence.ts';

/** The code with which the server closes the connections of a document that is no more. */
const gone = 4404;

const usualTiming: RoomTiming = { retryMs: [300, 10_000], pingMs: 10_000, answerMs: 8_000, requestMs: 60_000 };

/**
 * Keeps one Yjs document the same as the server's, over connections that come and go.
 *
 * INVARIANTS: every local change is either counted as unsaved here or acknowledged by the server as on its disk. Nothing
 * is sent over a connection before the server said what it has, so that the first message answers with everything it
 * lacks; from then on changes and messages of ours go out in the order they were made. A document of another history is
 * never merged with this one.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #timing: RoomTiming;
  #connection: Connection = { kind: 'connecting', since: Date.now(), reason: null };
  #session: RoomSession | undefined;
  #socket: WebSocket | undefined;
  #attempts = 0;
  #isOpening = false;
  #isSynced = false;
  /** The server said what it has over this connection. */
  #hasAnswered = false;
  #sent = 0;
  #durable = 0;
  #hasUnsaved = false;
  #unsavedSince = 0;
  #isDisposed = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #silence = new Silence();
  readonly #requests: Requests;
  readonly #changed = new Signal<this, void>(this);
  readonly #received = new Signal<this, RoomMessage>(this);
  readonly #ready = Promise.withResolvers<void>();

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#timing = { ...usualTiming, ...options.timing };
    this.#requests = new Requests(this.#timing.requestMs);
    options.doc.on('update', this.#onUpdate);
    options.awareness.on('update', this.#onAwareness);
    this.#ready.promise.catch(() => undefined);
    this.#open();
  }

  /** Resolves when the document has everything the server had. @throws RoomRefusal  when it cannot be opened */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get session(): RoomSession | undefined {
    return this.#session;
  }

  /** True while something that was done here is not known to be on the server's disk. */
  get hasUnsaved(): boolean {
    return this.#hasUnsaved;
  }

  /** When the oldest unsaved change was made, in epoch ms. */
  get unsavedSince(): number {
    return this.#unsavedSince;
  }

  /** After each change of `connection` or `hasUnsaved`. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** Messages of ours from the server that answer no request. */
  get received(): ISignal<this, RoomMessage> {
    return this.#received;
  }

  /** True while messages reach the server. */
  get isConnected(): boolean {
    return this.#connection.kind === 'connected';
  }

  /** Tries at once: to connect, or whether the connection is still alive. */
  wake(): void {
    if (this.#isDisposed || this.#connection.kind === 'ended') return;
    this.#attempts = 0;
    if (this.#socket === undefined && !this.#isOpening) this.#open();
    else if (this.isConnected) this.#ping();
  }

  /** Sends a message of ours. @returns whether there was a connection to send it over */
  tell(message: RoomMessage): boolean {
    if (!this.isConnected) return false;
    this.#send(ownMessage(message));
    return true;
  }

  /**
   * Sends a message of ours that is answered, with `request` as its mark.
   * @throws Error  when there is no connection, or it ends before the answer, or no answer comes
   */
  ask(message: RoomMessage): Promise<RoomMessage> {
    return this.#requests.ask(message, (marked) => this.tell(marked));
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#options.doc.off('update', this.#onUpdate);
    this.#options.awareness.off('update', this.#onAwareness);
    awarenessProtocol.removeAwarenessStates(this.#options.awareness, [this.#options.doc.clientID], 'closed');
    this.#close();
    clearTimeout(this.#retryTimer);
    this.#ready.reject(new Error('The notebook was closed.'));
    Signal.clearData(this);
  }

  #open(): void {
    clearTimeout(this.#retryTimer);
    if (this.#isDisposed || this.#isOpening) return;
    this.#isOpening = true;
    this.#options
      .openSession()
      .then((session) => this.#connect(session))
      .catch((error: unknown) => this.#onRefused(error))
      .finally(() => {
        this.#isOpening = false;
      });
  }

  #connect(session: RoomSession): void {
    if (this.#isDisposed) return;
    if (this.#session !== undefined && this.#session.sessionId !== session.sessionId) {
      this.#end('replaced', 'The server has another history of this notebook.');
      return;
    }
    this.#session = session;
    const socket = new this.#options.WebSocket(this.#options.socketUrl(session));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#expectAnswer(socket, this.#timing.answerMs);
    socket.onopen = () => {
      this.#send(syncStep1(this.#options.doc));
    };
    socket.onmessage = ({ data }: MessageEvent) => {
      if (this.#socket !== socket || !(data instanceof ArrayBuffer)) return;
      this.#silence.heard();
      try {
        this.#take(new Uint8Array(data));
      } catch (error) {
        // Bytes that make no sense must not end the connection for what comes after them.
        console.warn('A message of the server could not be read.', error);
      }
      // The document itself may be long on its way.
      if (!this.isConnected && this.#socket === socket) this.#expectAnswer(socket, 10 * this.#timing.answerMs);
    };
    socket.onclose = (event) => {
      if (event.code !== gone || this.#socket !== socket) this.#onClosed(socket);
      else this.#onRefused(new RoomRefusal('This notebook was deleted.', { isFinal: true }));
    };
    socket.onerror = () => this.#onClosed(socket);
  }

  #take(bytes: Uint8Array): void {
    const { doc, awareness } = this.#options;
    const read = readFrame(bytes);
    switch (read.kind) {
      case 'sync': {
        const answer = takeSync(read.decoder, doc, this);
        if (read.step === 'step1' && answer !== undefined) this.#answer(answer);
        if (read.step === 'step2') {
          if (this.isConnected) this.#silence.calm();
          this.#isSynced = true;
        }
        this.#settle();
        break;
      }
      case 'awareness':
        awarenessProtocol.applyAwarenessUpdate(awareness, read.update, this);
        break;
      case 'query-awareness':
        this.#send(awarenessUpdate(awareness, [...awareness.getStates().keys()]));
        break;
      case 'own':
        this.#takeOwn(read.message);
        break;
      case 'unknown':
        break;
    }
  }

  /** The first answer carries everything the server lacks, whenever it was made. */
  #answer(step2: Uint8Array): void {
    this.#hasAnswered = true;
    this.#sent += 1;
    this.#send(step2);
  }

  #settle(): void {
    if (!this.#isSynced || !this.#hasAnswered || this.isConnected) return;
    this.#attempts = 0;
    this.#set({ kind: 'connected' });
    this.#ready.resolve();
    const { awareness } = this.#options;
    // A newer clock, because the server forgot this client when the last connection ended.
    if (awareness.getLocalState() !== null) awareness.setLocalState(awareness.getLocalState());
    this.#pingLater();
  }

  #takeOwn(message: RoomMessage): void {
    if (message.type === 'durable' && typeof message['count'] === 'number') {
      this.#durable = Math.max(this.#durable, message['count']);
      if (this.#hasUnsaved && this.#hasAnswered && this.#durable >= this.#sent) {
        this.#hasUnsaved = false;
        this.#changed.emit();
      }
      return;
    }
    if (message.type === 'deleted') {
      this.#received.emit(message);
      this.#end('deleted', 'This notebook was deleted.');
      return;
    }
    if (!this.#requests.take(message)) this.#received.emit(message);
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    if (!this.#hasUnsaved) {
      this.#hasUnsaved = true;
      this.#unsavedSince = Date.now();
      this.#changed.emit();
    }
    if (!this.#hasAnswered) return;
    this.#sent += 1;
    this.#send(syncUpdate(update));
  };

  readonly #onAwareness = (
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void => {
    if (origin === this || !this.isConnected) return;
    this.#send(awarenessUpdate(this.#options.awareness, [...added, ...updated, ...removed]));
  };

  #send(bytes: Uint8Array): void {
    const socket = this.#socket;
    // A socket that is closing tells so by an event; what it does not take is sent as the difference afterwards.
    if (socket === undefined || socket.readyState !== socket.OPEN) return;
    // Only bytes in memory that threads share could not be sent, and lib0 makes none.
    socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  #pingLater(): void {
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.#ping(), this.#timing.pingMs);
  }

  /** The server answers with what this side lacks, which heals as well as proves. */
  #ping(): void {
    const socket = this.#socket;
    if (!this.isConnected || socket === undefined) return;
    this.#send(syncStep1(this.#options.doc));
    this.#expectAnswer(socket, this.#timing.answerMs);
    this.#pingLater();
  }

  #expectAnswer(socket: WebSocket, withinMs: number): void {
    this.#silence.expect(withinMs, () => this.#onClosed(socket));
  }

  #onClosed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#close();
    this.#retry(null);
  }

  #onRefused(error: unknown): void {
    if (this.#isDisposed) return;
    if (error instanceof RoomRefusal && error.isFinal) {
      this.#ready.reject(error);
      this.#end(this.#session === undefined ? 'refused' : 'deleted', error.message);
      return;
    }
    this.#retry(error instanceof RoomRefusal ? error.message : null);
  }

  #retry(reason: string | null): void {
    if (this.#isDisposed || this.#connection.kind === 'ended') return;
    const since = this.#connection.kind === 'connecting' ? this.#connection.since : Date.now();
    this.#set({ kind: 'connecting', since, reason });
    const [first, longest] = this.#timing.retryMs;
    const wait = Math.min(longest, first * 2 ** this.#attempts) * (0.75 + Math.random() / 4);
    this.#attempts += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#open(), wait);
  }

  #end(why: 'deleted' | 'refused' | 'replaced', reason: string): void {
    this.#close();
    clearTimeout(this.#retryTimer);
    this.#set({ kind: 'ended', why, reason });
  }

  /** Lets the connection go, and forgets what was true of it alone. */
  #close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isSynced = false;
    this.#hasAnswered = false;
    this.#sent = 0;
    this.#durable = 0;
    this.#silence.heard();
    clearTimeout(this.#pingTimer);
    if (socket !== undefined) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      // A socket that is closed while it connects says that it failed.
      socket.onerror = () => undefined;
      socket.close();
    }
    this.#requests.lose();
    const { awareness, doc } = this.#options;
    const others = [...awareness.getStates().keys()].filter((client) => client !== doc.clientID);
    awarenessProtocol.removeAwarenessStates(awareness, others, this);
    // They come back with the clock they had, which would count as old news.
    for (const client of others) awareness.meta.delete(client);
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    this.#changed.emit();
  }
}
