import type { WebSocket } from 'ws';

const pingEveryMs = 10_000;
const mostUnansweredPings = 2;
/** What a slow line carries from one ping to the next; a ping waits behind what was sent before it. */
const slowestBytes = 640 * 1024;

/** Ends a connection that only looks open, as a laptop that was closed leaves it. */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #pings: NodeJS.Timeout;
  #unanswered = 0;
  #sentBytes = 0;
  #confirmedBytes = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', (sentBytes: Buffer) => {
      this.heard();
      const confirmed = Number(sentBytes.toString());
      if (confirmed > this.#confirmedBytes && confirmed <= this.#sentBytes) this.#confirmedBytes = confirmed;
    });
    this.#pings = setInterval(() => {
      this.#ping();
    }, pingEveryMs);
    this.#pings.unref();
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  heard(): void {
    this.#unanswered = 0;
  }

  stop(): void {
    clearInterval(this.#pings);
  }

  #ping(): void {
    const onTheWay = this.#sentBytes - this.#confirmedBytes;
    if (this.#unanswered >= mostUnansweredPings + Math.floor(onTheWay / slowestBytes)) {
      this.#socket.terminate();
      return;
    }
    this.#unanswered += 1;
    this.#socket.ping(String(this.#sentBytes));
  }
}
