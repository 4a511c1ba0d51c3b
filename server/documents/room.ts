import * as awarenessProtocol from 'y-protocols/awareness';
import type { Author } from '../accounts/author.ts';
import { isDeeperThan, isObject } from './json-object.ts';
import type { RoomNotice } from './live-document.ts';
import type { LiveNotebook } from './live-notebook.ts';
import { emptyCodeCell } from './nbformat.ts';
import { Member, MemberChange, type Joining, type RoomState } from './room-member.ts';
import { encodeAwareness, encodeNotice, encodeUpdate } from './room-messages.ts';
import { newSharedCell, sharedCells } from './shared-notebook.ts';

const mostDepth = 50;
/** A client is one person in one or a few views. */
const mostPresences = 100;

/**
 * The clients of one document.
 *
 * INVARIANTS: an update reaches every other client the moment it is applied, and its sender is told `durable` only after
 * it is on disk; one that builds on edits that are not here yet waits for them. What a client may not write is never applied. A client's presence goes
 * with its connection, and shows the name of its account.
 */
export class Room {
  readonly #document: LiveNotebook;
  readonly #state: RoomState;
  readonly #onPeople: () => void;
  readonly #members = new Set<Member>();
  readonly #awareness: awarenessProtocol.Awareness;
  /** Over whose connection each Yjs client's presence came last: after a break, the new one comes before the old one ends. */
  readonly #presences = new Map<number, Member>();

  /** @param onPeople  called after somebody came or went */
  constructor(document: LiveNotebook, state: RoomState, onPeople: () => void) {
    this.#document = document;
    this.#onPeople = onPeople;
    this.#state = state;
    this.#awareness = new awarenessProtocol.Awareness(document.doc);
    this.#awareness.setLocalState(null);
    document.doc.on('update', (update: Uint8Array, origin: unknown) => {
      const message = encodeUpdate(update);
      const sender = origin instanceof MemberChange ? origin.member : null;
      for (const member of this.#members) {
        if (member !== sender) member.send(message);
        if (member.hasEarly) {
          queueMicrotask(() => {
            member.retry();
          });
        }
      }
      this.#giveFirstCell();
    });
    this.#awareness.on(
      'update',
      (change: { added: number[]; updated: number[]; removed: number[] }, origin: unknown) => {
        const clients = [...change.added, ...change.updated, ...change.removed];
        if (origin instanceof Member) {
          const shown = [...change.added, ...change.updated];
          for (const client of shown) this.#presences.set(client, origin);
          if (shown.some((client) => isDeeperThan(mostDepth, this.#awareness.getStates().get(client)))) {
            throw new Error('nested deeper than others could compare');
          }
          for (const client of shown) this.#putRealName(client, origin.author);
        }
        for (const client of change.removed) this.#presences.delete(client);
        if ([...this.#presences.values()].filter((member) => member === origin).length > mostPresences) {
          throw new Error('more people than a client can be');
        }
        const message = encodeAwareness(this.#awareness, clients);
        for (const member of this.#members) if (member !== origin) member.send(message);
      },
    );
  }

  /** Clients say themselves who they are; others see the name of the account. */
  #putRealName(client: number, { name }: Author): void {
    const states = this.#awareness.getStates();
    const state = states.get(client);
    if (state === undefined || !isObject(state['user'])) return;
    states.set(client, { ...state, user: { ...state['user'], name, display_name: name } });
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
    const forget = (): void => {
      this.#members.delete(member);
      const clients = [...this.#presences].filter(([, owner]) => owner === member).map(([client]) => client);
      awarenessProtocol.removeAwarenessStates(this.#awareness, clients, null);
    };
    const member = new Member(joining, this.#document, this.#awareness, this.#state, forget);
    this.#members.add(member);
    this.#giveFirstCell();
    joining.socket.once('close', () => {
      member.leave();
      forget();
      onGone();
      this.#onPeople();
    });
    member.welcome();
    this.#onPeople();
  }

  tell(notice: RoomNotice): void {
    const message = encodeNotice(notice);
    for (const member of this.#members) if (member.isOurs) member.send(message);
  }

  /** The journal can be written to again: what waited to be acknowledged is. */
  settle(): void {
    for (const member of this.#members) member.settle();
  }

  /** A notebook without cells gives nobody a place to type in. Only we add one: of its editors each would. */
  #giveFirstCell(): void {
    const cells = sharedCells(this.#document.doc);
    if (cells.length > 0 || ![...this.#members].some(({ canWrite }) => canWrite)) return;
    const cell = { ...emptyCodeCell(), metadata: { trusted: true } };
    this.#document.change(() => cells.push([newSharedCell(cell)]), { author: null });
  }

  /** Ends every connection. @param code  4404: the document is gone; 1012: the server restarts */
  close(code: number, reason: string): void {
    for (const { socket } of this.#members) socket.close(code, reason);
    this.#awareness.destroy();
  }
}
