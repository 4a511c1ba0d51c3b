import type { Author } from '../accounts/author.ts';

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket, type RawData } from 'ws';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import type { AppError } from '@terrarium/contract';
import type { RoomMember, RoomNotice } from './live-document.ts';
import { Change, type LiveNotebook } from './live-notebook.ts';

const messageSync = 0;
const messageAwareness = 1;
/** jupyter_server_ydoc's own: a text, with `save` and a number among them. */
const messageRaw = 2;
/** Ours: one JSON text. */
const messageNotice = 80;

/** A client that does not read for so long is cut off; it comes back and gets the difference. */
const mostUnreadBytes = 64 * 1024 ** 2;
const pingEveryMs = 10_000;

export interface Joining {
  readonly socket: WebSocket;
  readonly author: Author;
  /** Whether it understands messages of type 80. */
  readonly isOurs: boolean;
  canWrite: boolean;
  canCompute: boolean;
}

export type MessageHandler = (
  member: RoomMember,
  document: LiveNotebook,
  message: Readonly<Record<string, unknown>>,
) => void;

interface RoomState {
  /** Of the bucket; null when it has everything. */
  readonly bucketTrouble: () => AppError | null;
  readonly isStored: () => boolean;
  readonly save: (author: Author) => Promise<void>;
  readonly handlers: ReadonlyMap<string, MessageHandler>;
}

/**
 * The clients of one document.
 *
 * INVARIANTS: an update reaches every other client the moment it is applied, and its sender is told `durable` only after
 * it is on disk. What a client may not write is never applied. A client's presence goes with its connection.
 */
export class Room {
  readonly #document: LiveNotebook;
  readonly #state: RoomState;
  readonly #members = new Set<Member>();
  readonly #awareness: awarenessProtocol.Awareness;

  constructor(document: LiveNotebook, state: RoomState) {
    this.#document = document;
    this.#state = state;
    this.#awareness = new awarenessProtocol.Awareness(document.doc);
    this.#awareness.setLocalState(null);
    document.doc.on('update', (update: Uint8Array, origin: unknown) => {
      const message = encodeUpdate(update);
      const sender = origin instanceof MemberChange ? origin.member : null;
      for (const member of this.#members) if (member !== sender) member.send(message);
    });
    this.#awareness.on(
      'update',
      (change: { added: number[]; updated: number[]; removed: number[] }, origin: unknown) => {
        const clients = [...change.added, ...change.updated, ...change.removed];
        if (origin instanceof Member) origin.owns(change);
        const message = encodeAwareness(this.#awareness, clients);
        for (const member of this.#members) if (member !== origin) member.send(message);
      },
    );
  }

  /** Who is connected, each account once. */
  get people(): Author[] {
    return [...new Map([...this.#members].map(({ author }) => [author.accountId, author])).values()];
  }

  get size(): number {
    return this.#members.size;
  }

  /** @param onGone  called once, when the connection has ended */
  join(joining: Joining, onGone: () => void): void {
    const member = new Member(joining, this.#document, this.#awareness, this.#state);
    this.#members.add(member);
    joining.socket.once('close', () => {
      this.#members.delete(member);
      member.leave();
      onGone();
    });
    member.welcome();
  }

  tell(notice: RoomNotice): void {
    const message = encodeNotice(notice);
    for (const member of this.#members) if (member.isOurs) member.send(message);
  }

  /** The journal can be written to again: what waited to be acknowledged is. */
  settle(): void {
    for (const member of this.#members) member.settle();
  }

  /** Ends every connection. @param code  4404: the document is gone; 1012: the server restarts */
  close(code: number, reason: string): void {
    for (const { socket } of this.#members) socket.close(code, reason);
    this.#awareness.destroy();
  }
}

class MemberChange extends Change {
  readonly member: Member;

  constructor(member: Member) {
    super(member.author, []);
    this.member = member;
  }
}

class Member implements RoomMember {
  readonly socket: WebSocket;
  readonly author: Author;
  readonly isOurs: boolean;
  readonly #joining: Joining;
  readonly #document: LiveNotebook;
  readonly #awareness: awarenessProtocol.Awareness;
  readonly #state: RoomState;
  readonly #change: MemberChange;
  /** Yjs client ids whose presence came over this connection. */
  readonly #clients = new Set<number>();
  /** Sync messages received that may hold changes, and how many of them were acknowledged. */
  #received = 0;
  #acknowledged = 0;
  #isAcknowledging = false;
  #isAlive = true;
  readonly #pings: NodeJS.Timeout;

  constructor(joining: Joining, document: LiveNotebook, awareness: awarenessProtocol.Awareness, state: RoomState) {
    this.socket = joining.socket;
    this.author = joining.author;
    this.isOurs = joining.isOurs;
    this.#joining = joining;
    this.#document = document;
    this.#awareness = awareness;
    this.#state = state;
    this.#change = new MemberChange(this);
    this.socket.on('message', (data: RawData) => {
      this.#receive(bytesOf(data));
    });
    this.socket.on('pong', () => {
      this.#isAlive = true;
    });
    this.socket.on('error', () => {
      this.socket.terminate();
    });
    // A laptop that was closed leaves a connection that looks open.
    this.#pings = setInterval(() => {
      if (!this.#isAlive) this.socket.terminate();
      this.#isAlive = false;
      this.socket.ping();
    }, pingEveryMs);
    this.#pings.unref();
  }

  get canWrite(): boolean {
    return this.#joining.canWrite;
  }

  get canCompute(): boolean {
    return this.#joining.canCompute;
  }

  welcome(): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, messageSync);
    syncProtocol.writeSyncStep1(encoder, this.#document.doc);
    this.send(encoding.toUint8Array(encoder));
    const present = [...this.#awareness.getStates().keys()];
    if (present.length > 0) this.send(encodeAwareness(this.#awareness, present));
    const journal = this.#document.journal.trouble;
    if (journal !== null) this.tell({ type: 'trouble', what: 'journal', reason: journal.message });
    const bucket = this.#state.bucketTrouble();
    if (bucket !== null) this.tell({ type: 'trouble', what: 'bucket', reason: bucket.message });
    else if (this.#state.isStored()) this.tell({ type: 'stored', at: null, generation: null });
  }

  tell(notice: RoomNotice): void {
    if (this.isOurs) this.send(encodeNotice(notice));
  }

  send(message: Uint8Array): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > mostUnreadBytes) this.socket.terminate();
    else this.socket.send(message);
  }

  owns({ added, removed }: { added: number[]; removed: number[] }): void {
    for (const client of added) this.#clients.add(client);
    for (const client of removed) this.#clients.delete(client);
  }

  leave(): void {
    clearInterval(this.#pings);
    awarenessProtocol.removeAwarenessStates(this.#awareness, [...this.#clients], null);
  }

  #receive(bytes: Uint8Array): void {
    try {
      const decoder = decoding.createDecoder(bytes);
      switch (decoding.readVarUint(decoder)) {
        case messageSync:
          this.#receiveSync(decoder);
          return;
        case messageAwareness:
          awarenessProtocol.applyAwarenessUpdate(this.#awareness, decoding.readVarUint8Array(decoder), this);
          return;
        case messageRaw:
          this.#receiveRaw(decoding.readVarString(decoder), decoder);
          return;
        case messageNotice:
          this.#receiveNotice(decoding.readVarString(decoder));
          return;
        default:
        // Messages of later clients are not for us.
      }
    } catch {
      // Nothing of it was applied, or it was not what it claimed to be.
      this.socket.close(4400, 'That was not a message of this protocol.');
    }
  }

  #receiveSync(decoder: decoding.Decoder): void {
    const type = decoding.readVarUint(decoder);
    const payload = decoding.readVarUint8Array(decoder);
    const { doc } = this.#document;
    if (type === syncProtocol.messageYjsSyncStep1) {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, messageSync);
      encoding.writeVarUint(encoder, syncProtocol.messageYjsSyncStep2);
      encoding.writeVarUint8Array(encoder, Y.encodeStateAsUpdate(doc, payload));
      this.send(encoding.toUint8Array(encoder));
      return;
    }
    if (this.canWrite) Y.applyUpdate(doc, payload, this.#change);
    else if (type === syncProtocol.messageYjsUpdate) {
      this.tell({ type: 'read-only', reason: 'You can read this notebook, and not change it.' });
    }
    this.#received += 1;
    void this.#acknowledge();
  }

  async #acknowledge(): Promise<void> {
    if (!this.isOurs || this.#isAcknowledging) return;
    this.#isAcknowledging = true;
    while (this.#acknowledged < this.#received && this.socket.readyState === WebSocket.OPEN) {
      const count = this.#received;
      try {
        await this.#document.durable();
        this.#acknowledged = count;
        this.tell({ type: 'durable', count });
      } catch {
        // The journal tells everybody of its trouble, and `settle` is called when it is over.
        break;
      }
    }
    this.#isAcknowledging = false;
  }

  /** Acknowledges what could not be before. */
  settle(): void {
    void this.#acknowledge();
  }

  #receiveRaw(text: string, decoder: decoding.Decoder): void {
    if (text !== 'save') return;
    const responseTo = decoding.readVarUint(decoder);
    const answer = (status: 'success' | 'failed'): void => {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, messageRaw);
      encoding.writeVarString(encoder, JSON.stringify({ type: 'save', responseTo, status }));
      this.send(encoding.toUint8Array(encoder));
    };
    if (!this.canWrite) answer('failed');
    else {
      this.#state.save(this.author).then(
        () => {
          answer('success');
        },
        () => {
          answer('failed');
        },
      );
    }
  }

  #receiveNotice(text: string): void {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('type' in message)) return;
    const { type } = message;
    if (typeof type !== 'string') return;
    this.#state.handlers.get(type)?.(this, this.#document, { ...message });
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function encodeUpdate(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageSync);
  syncProtocol.writeUpdate(encoder, update);
  return encoding.toUint8Array(encoder);
}

function encodeAwareness(awareness: awarenessProtocol.Awareness, clients: number[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageAwareness);
  encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(awareness, clients));
  return encoding.toUint8Array(encoder);
}

function encodeNotice(notice: RoomNotice): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageNotice);
  encoding.writeVarString(encoder, JSON.stringify(notice));
  return encoding.toUint8Array(encoder);
}
