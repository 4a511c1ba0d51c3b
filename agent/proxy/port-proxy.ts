import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Processes } from '../activity/processes.ts';
import { HttpError } from '../http-error.ts';
import { log, messageOf } from '../log.ts';
import { sendError } from '../router.ts';
import { OurPorts } from './ports.ts';

/** Tells answers of a program from our own. */
const fromProgram: readonly string[] = ['terrarium-proxied', '1'];
/** What belongs to one connection, RFC 9110, 7.6.1; and our secret, which no program may see. */
const ofConnection = new Set([
  'authorization',
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const target = /^\/agent\/proxy\/(\d{1,5})(\/.*)$/s;

export interface PortProxy {
  /** Whether a path is the proxy's to answer. */
  matches(url: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/**
 * `/agent/proxy/{port}/{path}`: passes what comes to a program of this environment that listens there, both ways and as it
 * comes. Paths are not decoded, since programs tell `%2F` from `/`. Host is what `X-Forwarded-Host` says.
 *
 * INVARIANTS: each side's error handler is there before anything can happen; when either side goes, so does the other.
 */
export function createPortProxy(options: { processes: Processes; onVisit: () => void }): PortProxy {
  const ports = new OurPorts(options.processes);
  const sockets = new Set<Duplex>();

  /** @throws HttpError 404 */
  function open(request: IncomingMessage, more: readonly string[] = []): http.ClientRequest {
    const [, digits = '', path = '/'] = target.exec(request.url ?? '') ?? [];
    const port = Number(digits);
    const address = ports.hostOf(port);
    if (address === null) throw new HttpError(404, `Nothing in your environment listens on port ${digits} yet.`);
    if (request.headers['sec-fetch-mode'] === 'navigate') options.onVisit();
    const host = request.headers['x-forwarded-host'];
    const headers = [
      'host',
      typeof host === 'string' ? host : `127.0.0.1:${digits}`,
      ...withoutThoseOf(request.rawHeaders, request.headers.connection),
      ...more,
    ];
    return http.request({ host: address, port, method: request.method, path, headers, agent: false, setHost: false });
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    try {
      const { 'transfer-encoding': coding } = request.headers;
      const upstream = open(
        request,
        coding === undefined ? ['connection', 'close'] : ['connection', 'close', 'transfer-encoding', 'chunked'],
      );
      response.once('close', () => upstream.destroy());
      upstream.on('error', (error) => {
        if (response.destroyed || response.writableEnded) return;
        if (response.headersSent) response.destroy();
        else sendError(response, noAnswer(error));
      });
      upstream.on('response', (answer) => {
        answer.on('error', () => response.destroy());
        answer.on('close', () => {
          if (!answer.complete) response.destroy();
        });
        try {
          const headers = withoutThoseOf(answer.rawHeaders, answer.headers.connection);
          response.writeHead(answer.statusCode ?? 502, [...headers, ...fromProgram]);
          response.flushHeaders();
        } catch (error) {
          // a status or a header that HTTP does not allow
          upstream.destroy();
          sendError(response, noAnswer(error));
          return;
        }
        answer.pipe(response);
      });
      request.on('error', () => upstream.destroy());
      request.pipe(upstream);
    } catch (error) {
      request.resume();
      sendError(response, error);
    }
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    try {
      const upstream = open(request, ['connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? 'websocket']);
      const giveUp = (): void => void upstream.destroy();
      socket.once('close', giveUp);
      upstream.on('error', (error) => {
        end(socket, noAnswer(error));
      });
      upstream.on('response', (answer) => {
        answer.on('error', () => undefined);
        answer.destroy();
        end(socket, new HttpError(answer.statusCode ?? 502, answer.statusMessage ?? 'Bad Gateway'));
      });
      upstream.on('upgrade', (answer, far, farHead) => {
        far.on('error', () => far.destroy());
        socket.off('close', giveUp);
        if (socket.destroyed) {
          far.destroy();
          return;
        }
        const lines = pairs(withoutThoseOf(answer.rawHeaders, answer.headers.connection));
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${lines
            .map(([name, value]) => `${name}: ${value}\r\n`)
            .join('')}\r\n`,
          'latin1',
        );
        socket.write(farHead);
        far.write(head);
        join(socket, far);
      });
      upstream.end();
    } catch (error) {
      end(socket, error);
    }
  }

  return {
    matches: (url) => target.test(pathOf(url)),
    handle,
    upgrade,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

function noAnswer(cause: unknown): HttpError {
  return new HttpError(502, 'The program in your environment does not answer as a web server does.', null, { cause });
}

function end(socket: Duplex, error: unknown): void {
  const { status, message } = error instanceof HttpError ? error : new HttpError(500, messageOf(error));
  if (status >= 500) log('info', 'a WebSocket to a program failed', { status, cause: messageOf(error) });
  const body = JSON.stringify({ message, reason: null });
  socket.end(
    `HTTP/1.1 ${String(status)} ${http.STATUS_CODES[status] ?? 'Error'}\r\nconnection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  );
}

function join(one: Duplex, other: Socket): void {
  if (one instanceof Socket) one.setNoDelay(true);
  other.setNoDelay(true);
  one.pipe(other);
  other.pipe(one);
  one.once('close', () => other.destroy());
  // What it has sent is delivered first.
  other.once('close', () => one.end());
}

function withoutThoseOf(rawHeaders: readonly string[], connection = ''): string[] {
  const named = new Set(connection.toLowerCase().split(/\s*,\s*/));
  return pairs(rawHeaders)
    .filter(([name]) => !ofConnection.has(name.toLowerCase()) && !named.has(name.toLowerCase()))
    .flat();
}

function pairs(flat: readonly string[]): [name: string, value: string][] {
  const all: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) all.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return all;
}
