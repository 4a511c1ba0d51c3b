import http from 'node:http';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFixture, until, type Fixture } from './gateway-fixture.ts';

let at: Fixture;
beforeAll(async () => {
  at = await createFixture();
  await at.startEnvironment();
});
afterAll(() => at.close());
afterEach(() => {
  Object.assign(at.standIn.far, at.standIn.echo);
});

const bearer = () => ({ authorization: `Bearer ${at.token}` });

function handshake(path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({
    host: at.a.host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A socket with the handshake sent, and what has come back so far. */
function connect(bytes: string): { socket: net.Socket; text: () => string } {
  let text = '';
  const socket = net.connect(at.port, '127.0.0.1', () => socket.write(bytes));
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  return { socket, text: () => text };
}

const channels = '/api/kernels/k/channels';

describe('WebSockets', () => {
  it.each([
    '/',
    '/open?ticket=x',
    '/lab',
    '/api',
    '/api/me',
    '/api/events/subscribe',
    '/api/kernels',
    '/api/kernels/k',
    channels,
    '/api/kernels/k/channels/',
    '/api/sessions',
    '/api/terminals',
    '/terminals/websocket/1',
    '/api/contents/x',
    '/files/x',
    '/agent/health',
    '/agent/mirror/list',
    '/agent/kernels/k/journal',
    '/static/lab/main.js',
    '/terrarium/events',
    '/nothing',
  ])('%s is refused to a stranger, by every door', async (path) => {
    expect(await at.raw(handshake(path))).toMatch(/^HTTP\/1.1 401 /);
    const host = `localhost:${String(at.port)}`;
    expect(await at.raw(handshake(`/jupyter/lab/a${path}`, { host }))).toMatch(/^HTTP\/1.1 401 /);
    expect(await at.raw(handshake(path, { host }))).toMatch(/^HTTP\/1.1 404 /);
    expect(await at.raw(handshake(path, { host: 'evil.example' }))).toMatch(/^HTTP\/1.1 404 /);
  });

  it('with a cookie are taken from the workspace itself alone', async () => {
    const cookie = await at.cookieFor(at.a.id);
    for (const origin of [
      undefined,
      'null',
      at.b.origin,
      at.url,
      `${at.a.origin}.evil.com`,
      'http://localhost.evil.com',
    ]) {
      const headers = { cookie, ...(origin === undefined ? {} : { origin }) };
      expect(await at.raw(handshake(channels, headers)), origin).toMatch(/^HTTP\/1.1 403 /);
    }
    const other = connect(handshake(channels, { cookie, origin: at.b.origin, host: at.b.host }));
    await until('the other workspace refuses', () => other.text().startsWith('HTTP/1.1 401'));
    const own = connect(handshake(channels, { cookie, origin: at.a.origin }));
    await until('the handshake is answered', () => own.text().startsWith('HTTP/1.1 101'));
    own.socket.destroy();
  });

  it('at paths that nobody answers are refused to everyone', async () => {
    for (const path of ['/api/kernels/k', '/api/contents/x', '/terminals/websocket/a/b', '/agent/kernels/k/journal']) {
      expect(await at.raw(handshake(path, bearer()))).toMatch(/^HTTP\/1.1 404 /);
    }
  });

  it('carry bytes both ways, sent early and late, without our credentials', async () => {
    const host = `localhost:${String(at.port)}`;
    const early = 'early bytes';
    const { socket, text } = connect(
      handshake(`/jupyter/lab/a${channels}?session_id=s&token=${at.token}`, {
        host,
        cookie: 'terrarium=x',
        'sec-websocket-protocol': 'v1.kernel.websocket.jupyter.org',
      }) + early,
    );
    await until('the early bytes come back', () => text().endsWith(early));
    socket.write('late bytes');
    await until('the late bytes come back', () => text().endsWith('late bytes'));
    expect(text()).toMatch(/^HTTP\/1.1 101 /);
    expect(text()).toContain('sec-websocket-protocol: v1.kernel.websocket.jupyter.org');
    expect(text()).not.toContain('set-cookie');
    expect(text()).toContain(`"url":"${channels}?session_id=s"`);
    expect(text()).not.toContain(at.token);
    socket.destroy();
  });

  it('end on both sides when either ends, however it ends', async () => {
    const settled = at.standIn.openSockets();
    const half = connect(handshake(channels, bearer()));
    await until('the handshake is answered', () => half.text().includes('"headers"'));
    half.socket.end();
    await until('a client that ends leaves nothing', () => at.standIn.openSockets() <= settled && half.socket.closed);

    const reset = connect(handshake(channels, bearer()));
    await until('the handshake is answered', () => reset.text().includes('"headers"'));
    reset.socket.resetAndDestroy();
    await until('a reset leaves nothing', () => at.standIn.openSockets() <= settled);

    at.standIn.far.upgrade = (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\nlast words');
    };
    const farEnd = connect(handshake(channels, bearer()));
    await until('the far end closes it', () => farEnd.socket.closed);
    expect(farEnd.text()).toMatch(/last words$/);
    expect(at.standIn.openSockets()).toBeLessThanOrEqual(settled);
  });

  it('that the agent does not take are refused with its reason', async () => {
    at.standIn.far.upgrade = (_request, socket) => {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    };
    expect(await at.raw(handshake(channels, bearer()))).toMatch(/^HTTP\/1.1 404 [^]*not running any more/);
    at.standIn.far.upgrade = (_request, socket) => socket.destroy();
    expect(await at.raw(handshake(channels, bearer()))).toMatch(/^HTTP\/1.1 503 /);
  });

  it('are cut when the right to them is taken away', async () => {
    const { id, secret } = await at.context.accounts.createToken(at.owner.account.id, 'short-lived');
    const { socket, text } = connect(handshake(channels, { authorization: `Bearer ${secret}` }));
    await until('the handshake is answered', () => text().includes('"headers"'));
    await at.ask(`/api/tokens/${id}`, { method: 'DELETE', headers: bearer() });
    await until('the socket is cut', () => socket.closed);
  });

  it('an offer of another protocol is an ordinary request', async () => {
    const answer = await at.raw(
      `GET /api HTTP/1.1\r\nhost: ${at.a.host}\r\nauthorization: Bearer ${at.token}\r\nconnection: Upgrade, close\r\nupgrade: h2c\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('a thousand that are cut off at any moment leave nothing behind', async () => {
    const settled = at.standIn.openSockets();
    const bytes = handshake(channels, bearer());
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const { socket, text } = connect(index % 4 === 0 ? bytes.slice(0, 20 + index) : bytes);
          const closed = new Promise((resolve) => socket.once('close', resolve));
          if (index % 4 === 1) socket.once('connect', () => setImmediate(() => socket.resetAndDestroy()));
          else if (index % 4 === 2) socket.once('data', () => socket.resetAndDestroy());
          else if (index % 4 === 3) {
            socket.on('data', () => {
              if (text().includes('"headers"')) socket.end();
            });
          } else socket.once('connect', () => socket.destroy());
          return closed;
        }),
      );
    }
    await until('the agent has no socket left', () => at.standIn.openSockets() <= settled);
    await until('the gateway has no socket left', () => connections().then((count) => count === 0));
  });
});

const connections = () =>
  new Promise<number>((resolve, reject) => {
    at.gateway.server.getConnections((error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });

/** Sockets to the agent that are in use: idle ones are kept for the next request. */
const busySockets = async () => (
  await at.ask('/api/kernels', { host: at.a.host, headers: bearer() }),
  at.standIn.openSockets()
);

describe('HTTP', () => {
  it('a download that is given up is given up at the agent too', async () => {
    let closed = 0;
    at.standIn.far.request = (_request, response) => {
      response.on('error', () => undefined);
      response.on('close', () => {
        closed += 1;
      });
      const chunk = Buffer.alloc(64 * 1024);
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    };
    for (let count = 0; count < 100; count += 1) {
      await new Promise<void>((resolve) => {
        const request = http.get(
          {
            host: '127.0.0.1',
            port: at.port,
            path: '/api/kernels',
            agent: false,
            headers: { host: at.a.host, ...bearer() },
          },
          (response) => {
            response.once('data', () => {
              response.destroy();
            });
            response.on('error', () => undefined);
            response.on('close', resolve);
          },
        );
        request.on('error', () => undefined);
      });
    }
    await until('every download ended at the agent', () => closed === 100);
    Object.assign(at.standIn.far, at.standIn.echo);
    await until('its sockets are gone', async () => (await busySockets()) <= 2);
  });

  it('a request that is given up before the answer is given up at the agent too', async () => {
    let begun = 0;
    let closed = 0;
    at.standIn.far.request = (_request, response) => {
      begun += 1;
      response.on('close', () => {
        closed += 1;
      });
    };
    const { socket } = connect(
      `GET /api/kernels HTTP/1.1\r\nhost: ${at.a.host}\r\nauthorization: Bearer ${at.token}\r\n\r\n`,
    );
    await until('the agent has it', () => begun === 1);
    socket.destroy();
    await until('the agent is rid of it', () => closed === 1);
  });

  it('an upload that breaks off never looks complete', async () => {
    let outcome = '';
    at.standIn.far.request = (request) => {
      request.on('error', () => undefined);
      request.on('close', () => {
        outcome = request.complete ? 'complete' : 'cut';
      });
      request.on('data', () => {
        outcome = 'begun';
      });
    };
    for (const framing of ['content-length: 1000', 'transfer-encoding: chunked']) {
      outcome = '';
      const { socket } = connect(
        `POST /api/kernels/k/x HTTP/1.1\r\nhost: ${at.a.host}\r\nauthorization: Bearer ${at.token}\r\n${framing}\r\n\r\n5\r\nhello\r\n`,
      );
      await until('the upload has begun', () => outcome === 'begun');
      socket.destroy();
      await until('the agent notices', () => outcome !== 'begun');
      expect(outcome).toBe('cut');
    }
  });

  it('an answer that breaks off is cut off, not completed', async () => {
    at.standIn.far.request = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('half', () => response.destroy());
    };
    const text = await at.raw(
      `GET /api/kernels HTTP/1.1\r\nhost: ${at.a.host}\r\nauthorization: Bearer ${at.token}\r\n\r\n`,
    );
    expect(text).toContain('half');
    expect(text.endsWith('0\r\n\r\n')).toBe(false);
  });

  it('an agent that breaks off before its answer is a 503 with a sentence', async () => {
    at.standIn.far.request = (request) => request.socket.destroy();
    const answer = await at.ask('/api/kernels', { host: at.a.host, headers: bearer() });
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('does not answer');
  });

  it('a connection that the agent closed while it was idle is not used again', async () => {
    let isFirst = true;
    at.standIn.far.request = (request, response) => {
      at.standIn.echo.request(request, response);
      if (!isFirst) return;
      isFirst = false;
      response.on('finish', () => request.socket.destroy());
    };
    expect((await at.ask('/api/kernels', { host: at.a.host, headers: bearer() })).status).toBe(200);
    expect((await at.ask('/api/kernels', { host: at.a.host, headers: bearer() })).status).toBe(200);
  });

  it('a large body goes through whole, both ways', async () => {
    const body = 'x'.repeat(5_000_000);
    const answer = await at.ask('/api/kernels/k/x', { host: at.a.host, method: 'POST', headers: bearer(), body });
    expect(answer.text.length).toBeGreaterThan(5_000_000);
  });

  it('a reader that stops reading holds the agent back, not our memory', async () => {
    let sent = 0;
    at.standIn.far.request = (_request, response) => {
      response.on('error', () => undefined);
      const chunk = Buffer.alloc(256 * 1024);
      const write = (error?: Error | null) => {
        if (error != null || response.destroyed) return;
        sent += chunk.length;
        response.write(chunk, write);
      };
      write();
    };
    const socket = net.connect(at.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(`GET /api/kernels HTTP/1.1\r\nhost: ${at.a.host}\r\nauthorization: Bearer ${at.token}\r\n\r\n`);
    let before = -1;
    await until('the agent is held back', async () => {
      const isSteady = sent > 0 && sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isSteady;
    });
    expect(sent).toBeLessThan(32 * 1024 ** 2);
    socket.destroy();
  });

  it.each([
    ['not HTTP', 'hello\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
  ])('%s is refused and closed', async (_what, bytes, status) => {
    expect(await at.raw(bytes)).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
  });
});
