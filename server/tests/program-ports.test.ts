import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { builtDirectories } from '../built-directories.ts';
import { createTestSandbox, type TestSandbox } from '../drivers/sandbox/testing/machines.ts';
import { agentClient } from '../environments/agent-client.ts';
import { createFixture, until, type Ask, type Fixture } from '../gateway/gateway-fixture.ts';
import { freePort } from '../testing/control-plane.ts';

let sandbox: TestSandbox;
let at: Fixture;
let cookie: string;
/** Programs in the environment: on all addresses of IPv4, on IPv6's loopback, and Python's own web server. */
let port: number;
let port6: number;
let plainPort: number;

beforeAll(async () => {
  sandbox = await createTestSandbox({
    agentBundle: builtDirectories.agent,
    kernelsManifest: builtDirectories.kernelsManifest,
  });
  at = await createFixture({ drivers: { compute: sandbox.compute, disks: sandbox.disks } });
  cookie = await at.cookieFor(at.a.id);
  await at.startEnvironment();
  const agent = await at.context.environments.agentFor(at.owner.account.id, at.a.id);
  if (agent === null) throw new Error('The environment runs.');
  [port, port6, plainPort] = [await freePort(), await freePort(), await freePort()];
  const program = await readFile(path.join(import.meta.dirname, 'program-ports.py'), 'utf8');
  const script = `cat > program.py <<'END'\n${program}\nEND
nohup python program.py ${String(port)} 0.0.0.0 &
nohup python program.py ${String(port6)} ::1 &
mkdir served; echo plain > served/a.txt
nohup python -m http.server -d served ${String(plainPort)} &`;
  await agentClient.startStartup(agent, { script, timeoutMs: 60_000 });
  for (const number of [port, port6, plainPort]) {
    await until(`port ${String(number)} answers`, async () => (await ask(`/proxy/${String(number)}/`)).status === 200);
  }
});
afterAll(async () => {
  await at.close();
  await sandbox.dispose();
});

/** As a page of the workspace asks. */
const ask = (url: string, options: Ask = {}) =>
  at.ask(url, { host: at.a.host, ...options, headers: { cookie, origin: at.a.origin, ...options.headers } });
const here = (rest: string): string => `/proxy/${String(port)}${rest}`;
const ended = async (): Promise<number> => Number((await ask(here('/ended'))).text);
interface Shown {
  readonly uri: string;
  readonly headers: Record<string, string>;
}
const shown = async (url: string, options: Ask = {}): Promise<Shown> =>
  JSON.parse((await ask(url, options)).text) as Shown;

describe('a program in the environment', () => {
  test("is served below the workspace's door, also one that only IPv6 or HTTP/1.0 reaches", async () => {
    expect((await shown(here('/'))).uri).toBe('/');
    expect((await shown(`/proxy/${String(port6)}/x`)).uri).toBe('/x');
    expect((await ask(`/proxy/${String(plainPort)}/a.txt`)).text).toBe('plain\n');
    const index = await ask(`/proxy/${String(plainPort)}`);
    expect([index.status, index.headers.location]).toEqual([302, `/proxy/${String(plainPort)}/`]);
  });

  test('is asked with the path as it came, and told where it is served', async () => {
    const { uri, headers } = await shown(here('/a%2Fb%20c/@org?x=%2F&token=own'));
    expect(uri).toBe('/a%2Fb%20c/@org?x=%2F&token=own');
    expect(headers).toMatchObject({
      Host: at.a.host,
      'X-Forwarded-Host': at.a.host,
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Prefix': `/proxy/${String(port)}`,
    });
    const whole = await shown(`/proxy/absolute/${String(port)}/lab?a=1`);
    expect(whole.uri).toBe(`/proxy/absolute/${String(port)}/lab?a=1`);
    expect(whole.headers).not.toHaveProperty('X-Forwarded-Prefix');
  });

  test('gets its own cookies and none of ours, nor our tokens', async () => {
    const { headers, uri } = await shown(here(`/?token=${at.token}`), {
      headers: { cookie: `${cookie}; own=1`, 'x-mine': 'yes' },
    });
    expect(headers['Cookie']).toBe('own=1');
    expect(headers['X-Mine']).toBe('yes');
    expect(uri).toBe('/');
    const asProgram = await at.ask(`/jupyter/lab/a/proxy/${String(port)}/x?token=${at.token}`, {
      headers: { authorization: `Bearer ${at.token}` },
    });
    expect(JSON.parse(asProgram.text)).toMatchObject({
      uri: '/x',
      headers: { 'X-Forwarded-Prefix': `/jupyter/lab/a/proxy/${String(port)}` },
    });
    expect(asProgram.text).not.toContain(at.token);
    expect(JSON.stringify(headers)).not.toMatch(/Authorization|Bearer/);
    // On the app's own origin it is data, whatever it says.
    expect(asProgram.headers['content-security-policy']).toContain('sandbox');
  });

  test('its redirects stay with it, its cookies too, and its 401 is its own', async () => {
    const to = async (location: string, base = here('')): Promise<string | undefined> =>
      (await ask(`${base}/redirect?to=${encodeURIComponent(location)}`)).headers.location;
    expect(await to('/login')).toBe(here('/login'));
    expect(await to('login/')).toBe('login/');
    expect(await to(`http://127.0.0.1:${String(port)}/x`)).toBe(here('/x'));
    expect(await to('https://example.com/')).toBe('https://example.com/');
    const answer = await ask(here('/cookies'));
    expect(answer.status).toBe(401);
    expect(answer.text).toBe('who are you?');
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.headers['set-cookie']).toEqual([`own=1; Path=${here('/')}`]);
  });

  test('50 MiB come down and go up whole', async () => {
    const hash = createHash('sha256');
    let size = 0;
    await new Promise<void>((resolve, reject) => {
      http
        .get({ port: at.port, path: here('/big?mebibytes=50'), headers: { host: at.a.host, cookie } }, (response) => {
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            hash.update(chunk);
          });
          response.once('end', resolve).once('error', reject);
        })
        .once('error', reject);
    });
    expect(size).toBe(50 * 1024 ** 2);
    const expected = createHash('sha256').update(Buffer.alloc(size, 'x')).digest('hex');
    expect(hash.digest('hex')).toBe(expected);
    const upload = await ask(here('/up'), { method: 'PUT', body: 'y'.repeat(size) });
    expect(upload.text).toBe(String(size));
  });

  test('a download that is given up ends in the program, too', async () => {
    const before = await ended();
    await new Promise<void>((resolve) => {
      const request = http.get(
        { port: at.port, path: here('/big?mebibytes=2000'), headers: { host: at.a.host, cookie }, agent: false },
        (response) => {
          response.once('data', () => {
            request.destroy();
            resolve();
          });
          response.on('error', () => undefined);
        },
      );
      request.on('error', () => undefined);
    });
    await until('the program has noticed', async () => (await ended()) === before + 1);
  });

  test('events come one by one, as they are sent', async () => {
    const delays: number[] = [];
    await new Promise<void>((resolve, reject) => {
      http
        .get(
          { port: at.port, path: here('/events'), headers: { host: at.a.host, cookie, 'accept-encoding': 'gzip' } },
          (response) => {
            response.setEncoding('utf8').on('data', (text: string) => {
              const sentAt = /data: \d (\S+)/.exec(text)?.[1];
              if (sentAt !== undefined) delays.push(Date.now() - Number(sentAt) * 1000);
            });
            response.once('end', resolve);
          },
        )
        .once('error', reject);
    });
    expect(delays).toHaveLength(3);
    expect(Math.max(...delays)).toBeLessThan(250);
  });

  test('a WebSocket carries text and bytes of any size, in the protocol that the program chose, until either side ends', async () => {
    const before = await ended();
    const socket = new WebSocket(`ws://127.0.0.1:${String(at.port)}${here('/ws')}`, ['first', 'second'], {
      headers: { host: at.a.host, cookie, origin: at.a.origin },
    });
    const received: (string | number)[] = [];
    socket.on('message', (data, isBinary) => {
      if (Buffer.isBuffer(data)) received.push(isBinary ? data.length : data.toString());
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    expect(socket.protocol).toBe('second');
    socket.send('hello');
    socket.send(Buffer.alloc(12 * 1024 ** 2));
    await until('both are back', () => received.length === 2);
    expect(received).toEqual(['hello', 12 * 1024 ** 2]);
    socket.close();
    await until('the program has noticed', async () => (await ended()) === before + 1);
  });

  test('its WebSocket is closed to other sites, and is no other page', async () => {
    const refusal = (url: string, headers: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${String(at.port)}${url}`, {
          headers: { host: at.a.host, cookie, ...headers },
        });
        socket.on('error', () => undefined);
        socket.once('unexpected-response', (_, response) => {
          resolve(response.resume().statusCode ?? 0);
        });
      });
    expect(await refusal(here('/ws'), { origin: 'https://example.com' })).toBe(403);
    expect(await refusal(here('/other'), { origin: at.a.origin })).toBe(404);
    expect(await refusal('/proxy/1/ws', { origin: at.a.origin })).toBe(404);
  });
});

describe('what does not reach a program', () => {
  test('a port on which nothing of this environment listens, though somebody else may', async () => {
    const unused = await freePort();
    const nothing = await ask(`/proxy/${String(unused)}/`);
    expect(nothing.status).toBe(404);
    expect(JSON.parse(nothing.text)).toMatchObject({
      message: `Nothing in your environment listens on port ${String(unused)} yet.`,
    });
    const page = await ask(`/proxy/${String(unused)}/`, { headers: { 'sec-fetch-mode': 'navigate' } });
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.text).toContain(`listens on port ${String(unused)} yet.`);

    const foreign = http.createServer((_, response) => response.end('secret'));
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const { port: theirs } = foreign.address() as AddressInfo;
    const answer = await ask(`/proxy/${String(theirs)}/`);
    foreign.close();
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('secret');
    // Nor the control plane itself.
    expect((await ask(`/proxy/${String(at.port)}/`)).status).toBe(404);
  });

  test('who is not signed in, who may not compute, and pages of other sites', async () => {
    expect((await at.ask(here('/'), { host: at.a.host })).status).toBe(401);
    const page = await at.ask(here('/'), { host: at.a.host, headers: { 'sec-fetch-mode': 'navigate' } });
    expect([page.status, page.headers.location]).toEqual([302, expect.stringContaining('/door/') as string]);
    const { token } = await at.person('reader@example.org', 'READER');
    const reader = await at.ask(`/jupyter/lab/a${here('/')}`, { headers: { authorization: `Bearer ${token}` } });
    expect(reader.status).toBe(403);
    const post = await ask(here('/'), { method: 'POST', body: 'x', headers: { origin: 'https://example.com' } });
    expect(post.status).toBe(403);
    const other = await at.ask(here('/'), { host: at.b.host, headers: { cookie: await at.cookieFor(at.b.id) } });
    expect(other.status).toBe(422);
  });

  test('what climbs or is no web server', async () => {
    expect((await ask(here('/../../agent/usage'))).status).toBe(400);
    expect((await ask(here('/%2e%2e/%2e%2e/agent/usage'))).status).toBe(400);
  });
});
