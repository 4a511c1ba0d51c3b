import { once } from 'node:events';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket } from 'ws';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { sharedCells } from './shared-notebook.ts';

/** A client of a room, as JupyterLab is one, with what it was told. */
export class RoomClient {
  readonly doc: Y.Doc;
  readonly notices: Record<string, unknown>[] = [];
  socket: WebSocket;
  /** Sync messages sent that hold changes, over this connection. */
  sent = 0;
  durable = 0;
  /** Which of them answered the server's first question, with all that was edited before; null until then. */
  answeredAs: number | null = null;
  isSynced = false;
  readonly #waiting = new Set<() => void>();

  constructor(url: string, headers: Record<string, string> = {}, doc: Y.Doc = new Y.Doc()) {
    this.doc = doc;
    this.socket = new WebSocket(url, { headers });
    this.socket.on('error', () => undefined);
    this.socket.on('open', () => {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, 0);
      syncProtocol.writeSyncStep1(encoder, this.doc);
      this.socket.send(encoding.toUint8Array(encoder));
    });
    this.socket.on('message', (data: Buffer) => {
      this.#receive(data);
      for (const check of this.#waiting) check();
    });
    this.doc.on('update', this.#onUpdate);
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin === this || this.socket.readyState !== WebSocket.OPEN) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    syncProtocol.writeUpdate(encoder, update);
    this.socket.send(encoding.toUint8Array(encoder));
    this.sent += 1;
  };

  /** Resolves as soon as the condition holds, looked at after each message. */
  until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`Waited in vain for ${what}.`));
      }, withinMs);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  synced(): Promise<void> {
    return this.until(() => this.isSynced, 'the first sync');
  }

  saved(): Promise<void> {
    return this.until(() => this.durable >= this.sent, 'the edits to be durable');
  }

  source(index: number): Y.Text {
    const source = sharedCells(this.doc).get(index).get('source');
    if (!(source instanceof Y.Text)) throw new Error(`Cell ${String(index)} has no source.`);
    return source;
  }

  text(index: number): string {
    return this.source(index).toJSON();
  }

  say(message: Record<string, unknown>): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 80);
    encoding.writeVarString(encoder, JSON.stringify(message));
    this.socket.send(encoding.toUint8Array(encoder));
  }

  /** Asks to have it stored now, as JupyterLab does. */
  save(request: number): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 2);
    encoding.writeVarString(encoder, 'save');
    encoding.writeVarUint(encoder, request);
    this.socket.send(encoding.toUint8Array(encoder));
  }

  async close(): Promise<{ code: number; reason: string }> {
    this.doc.off('update', this.#onUpdate);
    if (this.socket.readyState === WebSocket.CLOSED) return { code: 0, reason: '' };
    const closed = once(this.socket, 'close');
    this.socket.close();
    const [code, reason] = (await closed) as [number, Buffer];
    return { code, reason: reason.toString() };
  }

  #receive(data: Uint8Array): void {
    const decoder = decoding.createDecoder(data);
    const kind = decoding.readVarUint(decoder);
    if (kind === 80) {
      const notice = JSON.parse(decoding.readVarString(decoder)) as Record<string, unknown>;
      if (notice['type'] === 'durable') this.durable = Number(notice['count']);
      this.notices.push(notice);
    }
    if (kind !== 0) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    const type = syncProtocol.readSyncMessage(decoder, encoder, this.doc, this);
    if (type === syncProtocol.messageYjsSyncStep2) this.isSynced = true;
    if (encoding.length(encoder) > 1) {
      this.socket.send(encoding.toUint8Array(encoder));
      // The answer to the server's question may hold edits that were made while away.
      this.sent += 1;
      this.answeredAs ??= this.sent;
    }
  }
}
