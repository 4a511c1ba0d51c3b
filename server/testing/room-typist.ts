import { once } from 'node:events';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import type { Cell } from '../documents/nbformat.ts';
import { newSharedCell, sharedCells } from '../documents/shared-notebook.ts';
import { RoomClient } from '../documents/testing-client.ts';

/** Where the rooms of a workspace are. */
export interface RoomDoor {
  readonly url: string;
  readonly token: string;
  readonly workspace: { readonly namespace: string; readonly name: string };
}

export interface RoomAddress {
  readonly documentId: string;
  readonly sessionId: string;
}

/** @param path  of the notebook in the workspace's bucket, `notebooks/a.ipynb` */
export async function openSession({ url, token, workspace }: RoomDoor, path: string): Promise<RoomAddress> {
  const session = `${url}/jupyter/${workspace.namespace}/${workspace.name}/api/collaboration/session`;
  const response = await fetch(`${session}/${encodeURIComponent(path)}`, {
    method: 'PUT',
    body: JSON.stringify({ format: 'json', type: 'notebook' }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`The session was refused: ${String(response.status)} ${JSON.stringify(answer)}`);
  // As the decision record has it; a wrong shape fails the story that reads it.
  const { fileId, sessionId } = answer as { fileId: string; sessionId: string };
  return { documentId: fileId, sessionId };
}

export function joinRoom({ url, token, workspace }: RoomDoor, room: RoomAddress, doc = new Y.Doc()): RoomClient {
  const rooms = `${url.replace(/^http/, 'ws')}/jupyter/${workspace.namespace}/${workspace.name}/api/collaboration/room`;
  const query = new URLSearchParams({ sessionId: room.sessionId, terrarium: '1' });
  const place = `${rooms}/json:notebook:${room.documentId}?${query.toString()}`;
  return new RoomClient(place, { authorization: `Bearer ${token}` }, doc);
}

/** Over which sync message of the present connection an edit was sent, beside plain numbers from 1 on. */
const withTheAnswer = 0;
const notYet = Infinity;

interface Edit {
  readonly number: number;
  readonly kind: 'shared' | 'own' | 'cell';
  message: number;
  /** `lost`: it went with a crash of the client before anybody had promised anything; it may be there or not. */
  state: 'sent' | 'acknowledged' | 'lost';
}

const cellEvery = 12;
const saveEvery = 40;

/**
 * A person who types without a pause, and remembers what was acknowledged: tokens into a text that everybody types into,
 * a number rewritten in a cell of their own, and new cells.
 */
export class Typist {
  readonly name: string;
  readonly edits: Edit[] = [];
  client: RoomClient;
  readonly #ownIndex: number;

  /** @param ownIndex  which cell is theirs alone; cell 0 is everybody's */
  constructor(name: string, ownIndex: number, client: RoomClient) {
    this.name = name;
    this.#ownIndex = ownIndex;
    this.client = client;
  }

  get doc(): Y.Doc {
    return this.client.doc;
  }

  type(): void {
    const number = this.edits.length;
    const kind = number % cellEvery === cellEvery - 1 ? 'cell' : number % 3 === 2 ? 'own' : 'shared';
    const before = this.client.sent;
    const isComing = this.client.socket.readyState === WebSocket.CONNECTING;
    if (kind === 'cell') {
      const id = `${this.name}-${String(number)}`;
      const cell = { id, cell_type: 'code', metadata: {}, source: id, outputs: [], execution_count: null };
      const cells = sharedCells(this.doc);
      cells.insert(cells.length, [newSharedCell(cell)]);
    } else if (kind === 'own') {
      const own = this.client.source(this.#ownIndex);
      this.doc.transact(() => {
        own.delete(0, own.length);
        own.insert(0, `[${String(number)}]`);
      });
    } else {
      const shared = this.client.source(0);
      shared.insert(shared.length, `<${this.name}${String(number)}>`);
    }
    const message = this.client.sent > before ? this.client.sent : isComing ? withTheAnswer : notYet;
    this.edits.push({ number, kind, message, state: 'sent' });
    if (number % saveEvery === saveEvery - 1) this.client.save(number);
  }

  /** Takes up the next connection: with the document or, after a crash of the client, with another one. */
  reconnect(client: RoomClient): void {
    this.settle();
    for (const edit of this.edits) {
      if (edit.state !== 'sent') continue;
      edit.message = withTheAnswer;
      if (client.doc !== this.doc) edit.state = 'lost';
    }
    this.client = client;
  }

  /** Notes what has been acknowledged over the present connection. */
  settle(): void {
    const { durable, answeredAs } = this.client;
    for (const edit of this.edits) {
      if (edit.state !== 'sent') continue;
      const message = edit.message === withTheAnswer ? answeredAs : edit.message;
      if (message !== null && message <= durable) edit.state = 'acknowledged';
    }
  }

  /**
   * What is wrong with a notebook in which this person typed; null when nothing is. Edits that were lost with a crash may
   * come back from other people's documents, once, and at another place.
   */
  problemIn(cells: readonly Cell[]): string | null {
    const texts = cells.map(({ source }) => String(source));
    const numbersIn = (text: string | undefined, pattern: RegExp) =>
      [...(text ?? '').matchAll(pattern)].map(([, number]) => Number(number));
    const found = {
      shared: numbersIn(texts[0], new RegExp(`<${this.name}(\\d+)>`, 'g')),
      own: numbersIn(texts[this.#ownIndex], /\[(\d+)\]/g),
      cell: numbersIn(cells.map(({ id }) => String(id)).join('\n'), new RegExp(`^${this.name}-(\\d+)$`, 'gm')),
    };
    for (const kind of ['shared', 'own', 'cell'] as const) {
      const numbers = found[kind];
      if (new Set(numbers).size < numbers.length) return `An edit (${kind}) of ${this.name} is there twice.`;
      const expected = this.edits.filter((edit) => edit.kind === kind && edit.state === 'acknowledged');
      const lastExpected = expected.at(-1)?.number ?? -1;
      const missing =
        kind === 'own'
          ? Math.max(-1, ...numbers) < lastExpected && lastExpected
          : expected.find(({ number }) => !numbers.includes(number))?.number;
      if (typeof missing === 'number') return `Edit ${String(missing)} (${kind}) of ${this.name} is gone.`;
      const kept = numbers.filter((number) => this.edits[number]?.state !== 'lost');
      const wrong = kept.find((number, index) => index > 0 && number < (kept[index - 1] ?? -1));
      if (wrong !== undefined) return `Edit ${String(wrong)} (${kind}) of ${this.name} is out of order.`;
      if (kind === 'own' && kept.length > 1) return `What ${this.name} wrote over is there again: ${kept.join(', ')}.`;
    }
    return null;
  }

  /** The connection breaks off. */
  async drop(): Promise<void> {
    const { socket } = this.client;
    if (socket.readyState === WebSocket.CLOSED) return;
    const closed = once(socket, 'close');
    socket.terminate();
    await closed;
  }
}
