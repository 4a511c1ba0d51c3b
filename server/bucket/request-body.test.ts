import { once } from 'node:events';
import http from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readerOf } from './request-body.ts';

let server: http.Server;
let port: number;
// One connection, so that each request follows the one before on it.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const answer = async () => {
      const reader = readerOf(request);
      const stopAfter = Number(request.headers['x-stop-after']);
      let size = 0;
      for await (const chunk of reader) {
        size += (chunk as Buffer).byteLength;
        if (size >= stopAfter) break;
      }
      response.end(String(size));
    };
    answer().catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  agent.destroy();
  server.close();
});

async function send(size: number, stopAfter: number): Promise<number> {
  const headers = { 'x-stop-after': String(stopAfter), 'content-length': String(size) };
  const request = http.request({ host: '127.0.0.1', port, method: 'PUT', agent, headers, timeout: 10_000 });
  request.on('timeout', () => request.destroy(new Error(`${String(size)} bytes were not answered.`)));
  request.end(Buffer.alloc(size));
  const answered = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  return Number(await text(answered));
}

test.each([0, 1, 1000, 60_000, 200_000, 5_000_000])(
  'a body of %i bytes is read whole, and the connection is usable after it was not',
  async (size) => {
    expect(await send(size, Number.POSITIVE_INFINITY)).toBe(size);
    for (const stopAfter of [0, 1, size / 2]) {
      await send(size, stopAfter);
      expect(await send(10, Number.POSITIVE_INFINITY)).toBe(10);
    }
  },
);

test('a sender who goes away before anyone reads breaks nothing, and who reads later learns of it', async () => {
  const body = new PassThrough();
  const reader = readerOf(body);
  body.destroy(new Error('aborted'));
  await new Promise((resolve) => reader.once('close', resolve));
  await expect(text(reader)).rejects.toThrow('aborted');
});
