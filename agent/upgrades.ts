import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { HttpError } from './http-error.ts';
import { v1Subprotocol } from './kernels/framing.ts';
import { log, messageOf } from './log.ts';
import { matcher, splitTarget } from './router.ts';

export interface Upgrade {
  readonly path: string;
  /** What to do with the socket. @throws HttpError when there is nothing to connect to */
  readonly accept: (call: {
    params: Readonly<Record<string, string>>;
    query: URLSearchParams;
  }) => (socket: WebSocket) => void;
}

export interface Upgrades {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  refuse(socket: Duplex, status: number, message: string): void;
  count(): number;
  close(): void;
}

const pingMs = 30_000;
const maxMessageBytes = 512 * 1024 ** 2;

/** The one handler of WebSocket upgrades: what no entry matches is 404. */
export function createUpgrades(entries: readonly Upgrade[]): Upgrades {
  const table = entries.map((entry) => ({ accept: entry.accept, match: matcher(entry.path) }));
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => (offered.has(v1Subprotocol) ? v1Subprotocol : false),
  });
  // A peer that vanished without a goodbye is noticed by its silence.
  const silent = new WeakSet<WebSocket>();
  const pinging = setInterval(() => {
    for (const client of server.clients) {
      if (silent.has(client)) client.terminate();
      silent.add(client);
      client.ping();
    }
  }, pingMs).unref();

  function refuse(socket: Duplex, status: number, message: string): void {
    const body = JSON.stringify({ message, reason: null });
    socket.end(
      `HTTP/1.1 ${String(status)} ${message.replaceAll(/[^\x20-\x7e]/g, '?')}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    );
  }

  return {
    refuse,
    count: () => server.clients.size,
    handle(request, socket, head) {
      socket.on('error', () => socket.destroy());
      if (socket instanceof Socket) socket.setNoDelay(true);
      try {
        const { path, query } = splitTarget(request.url ?? '/');
        for (const { accept, match } of table) {
          const params = match(path);
          if (params === null) continue;
          const connect = accept({ params, query });
          server.handleUpgrade(request, socket, head, (client) => {
            client.on('error', (error) => {
              log('info', 'a WebSocket failed', { cause: messageOf(error) });
            });
            client.on('pong', () => silent.delete(client));
            connect(client);
          });
          return;
        }
        refuse(socket, 404, 'Not Found');
      } catch (error) {
        if (error instanceof HttpError) refuse(socket, error.status, error.message);
        else {
          log('error', 'an upgrade failed', { cause: messageOf(error) });
          refuse(socket, 500, 'Internal Server Error');
        }
      }
    },
    close() {
      clearInterval(pinging);
      for (const client of server.clients) client.close(1001, 'the environment is stopping');
    },
  };
}
