import * as decoding from 'lib0/decoding';
import { WebSocket, type RawData } from 'ws';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import type { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { RoomMember, RoomNotice } from './live-document.ts';
import { Change, type LiveNotebook } from './live-notebook.ts';
import {
  encodeAnswer,
  encodeAwareness,
  encodeNotice,
  encodeQuestion,
  encodeSaveReply,
  messageAwareness,
  messageNotice,
  messageRaw,
  messageSync,
} from './room-messages.ts';

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

export interface RoomState {
  /** Of the bucket; null when it has everything. */
  readonly bucketTrouble: () => AppError | null;
  readonly isStored: () => boolean;
  readonly save: (author: Author) => Promise<void>;
  readonly handlers: ReadonlyMap<string, MessageHandler>;
}

/** An update that a client sent. */
export class MemberChange extends Change {
  readonly member: Member;

  constructor(member: Member) {
    super(member.author, []);
    this.member = member;
  }
}

/** One connected client. */
export class Member implements RoomMember {
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
    this.send(encodeQuestion(this.#document.doc));
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
      this.send(encodeAnswer(doc, payload));
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
      this.send(encodeSaveReply(responseTo, status));
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
