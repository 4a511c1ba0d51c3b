import { connect, type Socket } from 'node:net';

export interface Target {
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
}

export interface Load {
  readonly perSecond: number;
  readonly latenciesMs: number[];
}

const endOfHead = Buffer.from('\r\n\r\n');

/**
 * Asks as fast as answers come, over connections that stay open, one request at a time on each. Written on bare sockets
 * because on a small machine a client that does more takes the time of what it measures.
 * @throws Error on any answer but 200 with the expected length
 */
export async function load(
  target: Target,
  options: { connections: number; forMs: number; bodyBytes: number },
): Promise<Load> {
  const { port, path, authorization } = target;
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${String(port)}\r\nauthorization: ${authorization}\r\naccept: */*\r\n\r\n`,
  );
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + options.forMs;

  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let askedAt = 0;
      /** Bytes of the answer that are still to come; null before its head is whole. */
      let missing: number | null = null;
      let head: Buffer = Buffer.alloc(0);
      const askNext = () => {
        askedAt = performance.now();
        if (askedAt >= endAt) {
          socket.destroy();
          resolve();
          return;
        }
        missing = null;
        head = Buffer.alloc(0);
        socket.write(request);
      };
      socket.once('connect', askNext);
      socket.on('error', reject);
      socket.on('close', () => {
        if (performance.now() < endAt) reject(new Error(`Port ${String(port)} closed a connection under load.`));
      });
      socket.on('data', (chunk: Buffer) => {
        let received = chunk.byteLength;
        if (missing === null) {
          head = head.byteLength === 0 ? chunk : Buffer.concat([head, chunk]);
          const end = head.indexOf(endOfHead);
          if (end === -1) return;
          const problem = problemOf(head.toString('latin1', 0, end), options.bodyBytes);
          if (problem !== null) {
            socket.destroy();
            reject(new Error(`${path} on port ${String(port)}: ${problem}\n${head.toString('latin1', 0, 800)}`));
            return;
          }
          missing = options.bodyBytes;
          received = head.byteLength - end - endOfHead.byteLength;
        }
        missing -= received;
        if (missing > 0) return;
        latenciesMs.push(performance.now() - askedAt);
        askNext();
      });
    });
  await Promise.all(Array.from({ length: options.connections }, one));
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - startedAt), latenciesMs };
}

function problemOf(head: string, bodyBytes: number): string | null {
  if (!head.startsWith('HTTP/1.1 200')) return 'not answered with 200';
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  return Number(length) === bodyBytes ? null : `answered with a length of ${String(length)}`;
}
