import * as decoding from 'lib0/decoding';
import { WebSocket, type RawData } from 'ws';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import type { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { RoomMember, RoomNotice } from './live-document.ts';
import { Heartbeat } from './heartbeat.ts';
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

/** A client that leaves so much unread beside the notebook itself is cut off; it comes back and gets the difference. */
const mostUnreadBytes = 64 * 1024 ** 2;
/** A client that was away sends a few edits ahead of those they build on; no client sends many. */
const mostEarlyBytes = 1024 ** 2;
/** Who is where, with a name and a picture. */
const mostAwarenessBytes = 256 * 1024;

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
  /** Sync messages that may hold changes: how many came, were applied with all before them, and were acknowledged. */
  #arrived = 0;
  #received = 0;
  #acknowledged = 0;
  #isAcknowledging = false;
  /** What came before the edits it builds on. */
  #early: Uint8Array[] = [];
  readonly #onRefused: () => void;
  #isRefused = false;
  readonly #heartbeat: Heartbeat;
  #answerBytes = 0;

  /** @param onRefused  called when it sent what no client sends */
  constructor(
    joining: Joining,
    document: LiveNotebook,
    awareness: awarenessProtocol.Awareness,
    state: RoomState,
    onRefused: () => void,
  ) {
    this.#onRefused = onRefused;
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
    this.socket.on('error', () => {
      this.socket.terminate();
    });
    this.#heartbeat = new Heartbeat(this.socket);
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
    if (this.socket.bufferedAmount > mostUnreadBytes + this.#answerBytes) {
      this.socket.terminate();
      return;
    }
    this.#heartbeat.sent(message.length);
    this.socket.send(message);
  }

  leave(): void {
    this.#heartbeat.stop();
  }

  #receive(bytes: Uint8Array): void {
    this.#heartbeat.heard();
    this.#orRefuse(() => {
      const decoder = decoding.createDecoder(bytes);
      switch (decoding.readVarUint(decoder)) {
        case messageSync:
          this.#receiveSync(decoder);
          return;
        case messageAwareness:
          this.#receiveAwareness(decoding.readVarUint8Array(decoder));
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
    });
  }

  /** Where something is not what it claims to be, nothing more of this client is heard or shown. */
  #orRefuse(work: () => void): void {
    if (this.#isRefused) return;
    try {
      work();
    } catch {
      this.#isRefused = true;
      this.socket.close(4400, 'That was not a message of this protocol.');
      this.#onRefused();
    }
  }

  #receiveAwareness(update: Uint8Array): void {
    if (update.length > mostAwarenessBytes) throw new Error('too much to say of who is where');
    awarenessProtocol.applyAwarenessUpdate(this.#awareness, update, this);
  }

  #receiveSync(decoder: decoding.Decoder): void {
    const type = decoding.readVarUint(decoder);
    const payload = decoding.readVarUint8Array(decoder);
    if (type === syncProtocol.messageYjsSyncStep1) {
      const answer = encodeAnswer(this.#document.beyond(payload));
      this.#answerBytes = answer.length;
      this.send(answer);
      return;
    }
    this.#arrived += 1;
    if (this.canWrite) this.#apply(payload);
    else if (type === syncProtocol.messageYjsUpdate) {
      this.tell({ type: 'read-only', reason: 'You can read this notebook, and not change it.' });
    }
    this.#count();
  }

  #apply(update: Uint8Array): void {
    if (this.#document.receive(update, this.#change)) return;
    this.#early.push(update);
    if (this.#early.reduce((sum, { length }) => sum + length, 0) > mostEarlyBytes) {
      throw new Error('too much builds on edits that never came');
    }
  }

  /** What is applied is acknowledged in the order in which it came. */
  #count(): void {
    if (this.#early.length > 0) return;
    this.#received = this.#arrived;
    void this.#acknowledge();
  }

  get hasEarly(): boolean {
    return this.#early.length > 0;
  }

  /** Applies what came before the edits it builds on, as far as those are here by now. */
  retry(): void {
    this.#orRefuse(() => {
      const early = this.#early;
      this.#early = [];
      for (const update of early) this.#apply(update);
      this.#count();
    });
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
