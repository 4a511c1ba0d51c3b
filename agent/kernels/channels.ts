import type { RawData, WebSocket } from 'ws';
import { log } from '../log.ts';
import { jsonFraming, v1Framing, v1Subprotocol, type Framing } from './framing.ts';
import type { JournalEntry } from './journal.ts';
import type { Kernel } from './kernel.ts';

/** Bytes in a socket's buffer above which sending waits: the rest stays in the journal instead of in memory. */
const maxBufferedBytes = 4 * 1024 ** 2;
const keptCursors = 200;

interface Delivery {
  /** Everything up to here was handed to this session's socket. */
  cursor: number;
}

/**
 * The WebSockets of the kernels. A socket is a reader of its kernel's journal, so what is live and what was missed
 * travel the same way: each session gets every message for it exactly once and in order, over any number of connections.
 */
export class Channels {
  /** By kernel and session. Kept after a disconnect; that is the whole cost of a session that is away. */
  readonly #deliveries = new WeakMap<Kernel, Map<string, Delivery>>();
  readonly #open = new WeakMap<Kernel, Map<string, WebSocket>>();

  /**
   * @param options.sessionId  names the session that reconnects; without one the socket is a session of its own
   * @param options.after  start after this journal sequence number instead, and write each message's own number into its
   *   metadata as `terrarium_seq`, so that a client can name exactly where it lost the connection
   */
  connect(kernel: Kernel, socket: WebSocket, options: { sessionId: string | null; after: number | null }): void {
    const session = options.sessionId ?? `socket-${crypto.randomUUID()}`;
    const framing = socket.protocol === v1Subprotocol ? v1Framing : jsonFraming;
    const open = this.#sockets(kernel);
    open.get(session)?.close(1000, 'replaced by a newer connection of the same session');
    open.set(session, socket);
    const deliveries = this.#cursors(kernel);
    const delivery = deliveries.get(session) ?? { cursor: kernel.journal.lastSeq };
    if (options.after !== null) delivery.cursor = Math.min(options.after, kernel.journal.lastSeq);
    // Delete and set moves it to the end: the first one is the one that was away longest.
    deliveries.delete(session);
    deliveries.set(session, delivery);
    forgetOldest(deliveries, open);

    const write = options.after === null ? framing : withSequence(framing);
    const pump = pumpOf(kernel, socket, write, session, delivery);
    const onGone = (): void => {
      socket.close(1000, 'the kernel is gone');
    };
    const busy = kernel.busyStatus();
    if (busy !== null) socket.send(framing.encode(busy));
    kernel.connections += 1;
    kernel.on('entry', pump);
    kernel.once('gone', onGone);
    socket.on('message', (data, isBinary) => {
      const message = framing.decode(bytesOf(data), isBinary);
      if (message === null)
        log('warn', 'ignored a WebSocket message that is not a Jupyter message', { kernel: kernel.id });
      else kernel.submit(message, session);
    });
    socket.once('close', () => {
      kernel.connections -= 1;
      kernel.off('entry', pump);
      kernel.off('gone', onGone);
      if (open.get(session) === socket) open.delete(session);
      if (options.sessionId === null) deliveries.delete(session);
    });
    pump();
  }

  #sockets(kernel: Kernel): Map<string, WebSocket> {
    const sockets = this.#open.get(kernel) ?? new Map<string, WebSocket>();
    this.#open.set(kernel, sockets);
    return sockets;
  }

  #cursors(kernel: Kernel): Map<string, Delivery> {
    const cursors = this.#deliveries.get(kernel) ?? new Map<string, Delivery>();
    this.#deliveries.set(kernel, cursors);
    return cursors;
  }
}

/** Sends what follows the cursor for as long as the socket takes it; call again whenever there may be more. */
function pumpOf(kernel: Kernel, socket: WebSocket, framing: Write, session: string, delivery: Delivery): () => void {
  let position = delivery.cursor;
  return function pump(): void {
    while (socket.readyState === socket.OPEN && socket.bufferedAmount < maxBufferedBytes) {
      const entry = kernel.journal.next(position);
      if (entry === null) return;
      position = entry.seq;
      if (!isFor(entry, session)) continue;
      const { seq } = entry;
      socket.send(framing.encode({ channel: entry.channel, ...entry.message }, seq), (error) => {
        // What a cut connection did not take is sent again to the next one.
        if (error !== undefined && error !== null) return;
        delivery.cursor = Math.max(delivery.cursor, seq);
        pump();
      });
    }
  };
}

function isFor({ direction, audience }: JournalEntry, session: string): boolean {
  return direction === 'out' && (audience === null || audience === session);
}

interface Write {
  encode(message: Parameters<Framing['encode']>[0], seq: number): string | Buffer;
}

function withSequence(framing: Framing): Write {
  return {
    encode(message, seq) {
      const rest = message.metadata.toString().trim().slice(1);
      const metadata = Buffer.from(`{"terrarium_seq":${String(seq)}${rest.trim() === '}' ? '' : ','}${rest}`);
      return framing.encode({ ...message, metadata });
    },
  };
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

function forgetOldest(deliveries: Map<string, Delivery>, open: ReadonlyMap<string, WebSocket>): void {
  if (deliveries.size <= keptCursors) return;
  for (const session of deliveries.keys()) {
    if (open.has(session)) continue;
    deliveries.delete(session);
    return;
  }
}
