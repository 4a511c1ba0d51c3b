import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFixture, type Fixture } from './gateway-fixture.ts';

let at: Fixture;
beforeAll(async () => {
  at = await createFixture();
  await at.startEnvironment();
});
afterAll(() => at.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const echoOf = (text: string) =>
  JSON.parse(text) as { method: string; url: string; headers: Record<string, string>; body: string };

describe('hosts', () => {
  it('a name that is not ours is refused with a sentence, so that a rebound page reaches nothing', async () => {
    for (const host of ['evil.example', `evil.example:${String(at.port)}`, `localhost.evil.com:${String(at.port)}`]) {
      const answer = await at.ask('/api/session', { host, headers: bearer(at.token) });
      expect(answer.status).toBe(421);
      expect(answer.text).toContain('does not answer to that host name');
    }
  });

  it('a request line with a whole address is refused', async () => {
    const answer = await at.raw(
      `GET http://${at.a.host}/api HTTP/1.1\r\nHost: localhost:${String(at.port)}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });

  it('no host at all is refused', async () => {
    expect(await at.raw('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 (400|421) /);
  });

  it('a browser at a loopback address is sent to the public one', async () => {
    const headers = { 'sec-fetch-mode': 'navigate' };
    const answer = await at.ask('/a?b=1', { host: `127.0.0.1:${String(at.port)}`, headers });
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe(`${at.url}/a?b=1`);
  });
});

describe('cookies', () => {
  it("a workspace's cookie opens that workspace, and neither another nor the app", async () => {
    const cookie = await at.cookieFor(at.a.id);
    expect((await at.ask('/api/me', { host: at.a.host, headers: { cookie } })).status).toBe(200);
    expect((await at.ask('/api/me', { host: at.b.host, headers: { cookie } })).status).toBe(401);
    expect((await at.ask('/api/session', { headers: { cookie } })).status).toBe(401);
    expect((await at.ask('/jupyter/lab/a/api/me', { headers: { cookie } })).status).toBe(401);
  });

  it("the app's cookie opens no workspace, not even on the app's origin", async () => {
    const cookie = await at.cookieFor(null);
    expect((await at.ask('/api/session', { headers: { cookie } })).status).toBe(200);
    expect((await at.ask('/api/me', { host: at.a.host, headers: { cookie } })).status).toBe(401);
    expect((await at.ask('/jupyter/lab/a/api/me', { headers: { cookie } })).status).toBe(401);
  });

  it('an unsafe method needs the origin of the workspace itself', async () => {
    const cookie = await at.cookieFor(at.a.id);
    const send = (headers: Record<string, string>) =>
      at.ask('/api/kernels', { host: at.a.host, method: 'POST', headers: { cookie, ...headers }, body: '{}' });
    expect((await send({ origin: at.a.origin })).status).toBe(200);
    for (const origin of [
      at.b.origin,
      at.url,
      'null',
      '',
      `${at.a.origin}.evil.com`,
      `http://localhost.evil.com:${String(at.port)}`,
      at.a.origin.replace('http:', 'https:'),
      at.a.origin.toUpperCase(),
      `http://${at.a.id}.localhost`,
    ]) {
      expect((await send({ origin })).status, origin).toBe(403);
    }
    expect((await send({})).status).toBe(403);
  });

  it('a remembered sign-in does not skip the check of the origin', async () => {
    const cookie = await at.cookieFor(at.a.id);
    expect((await at.ask('/api/kernels', { host: at.a.host, headers: { cookie } })).status).toBe(200);
    const answer = await at.ask('/api/kernels', { host: at.a.host, method: 'POST', headers: { cookie } });
    expect(answer.status).toBe(403);
  });
});

describe('tokens', () => {
  it('open the door in each way that Jupyter clients send them', async () => {
    for (const headers of [bearer(at.token), { authorization: `token ${at.token}` }]) {
      expect((await at.ask('/jupyter/lab/a/api/me', { headers })).status).toBe(200);
      expect((await at.ask('/api/me', { host: at.a.host, headers })).status).toBe(200);
    }
    expect((await at.ask(`/jupyter/lab/a/api/me?token=${at.token}`)).status).toBe(200);
  });

  it("in a link do not count on the workspace's own origin", async () => {
    expect((await at.ask(`/api/me?token=${at.token}`, { host: at.a.host })).status).toBe(401);
  });

  it('that are wrong are refused, whatever cookie comes with them', async () => {
    const cookie = await at.cookieFor(at.a.id);
    const answer = await at.ask('/api/me', { host: at.a.host, headers: { cookie, ...bearer('trm_wrong') } });
    expect(answer.status).toBe(401);
    expect((await at.ask('/jupyter/lab/a/api/me')).text).toContain('token');
  });

  it('of a stranger find no workspace, of a reader find it and run nothing', async () => {
    const stranger = await at.person('stranger@example.org');
    const reader = await at.person('reader@example.org', 'READER');
    expect((await at.ask('/jupyter/lab/a/api/me', { headers: bearer(stranger.token) })).status).toBe(404);
    expect((await at.ask('/api/me', { host: at.a.host, headers: bearer(stranger.token) })).status).toBe(404);
    expect((await at.ask('/jupyter/lab/a/api/me', { headers: bearer(reader.token) })).status).toBe(200);
    const lists = await at.ask('/jupyter/lab/a/api/kernels', { headers: bearer(reader.token) });
    expect([lists.status, lists.text]).toEqual([200, '[]']);
    const start = await at.ask('/jupyter/lab/a/api/kernels', {
      method: 'POST',
      headers: bearer(reader.token),
      body: '{}',
    });
    expect(start.status).toBe(403);
    expect(start.text).toContain('Ask its owner');
  });

  it('that are revoked are refused at once, though they were just used', async () => {
    const { id, secret } = await at.context.accounts.createToken(at.owner.account.id, 'short-lived');
    expect((await at.ask('/jupyter/lab/a/api/kernels', { headers: bearer(secret) })).status).toBe(200);
    const revoked = await at.ask(`/api/tokens/${id}`, { method: 'DELETE', headers: bearer(at.token) });
    expect(revoked.status).toBe(204);
    expect((await at.ask('/jupyter/lab/a/api/kernels', { headers: bearer(secret) })).status).toBe(401);
  });
});

describe('signing in to a workspace', () => {
  const open = (url: string) => at.ask(url, { host: at.a.host });

  it('a ticket made by the API opens JupyterLab where it says, once', async () => {
    const made = await at.ask('/api/workspaces/lab/a/door', {
      method: 'POST',
      headers: { ...bearer(at.token), 'content-type': 'application/json' },
      body: JSON.stringify({ path: 'lab/tree/notebooks/a.ipynb' }),
    });
    expect(made.status).toBe(200);
    const { url } = JSON.parse(made.text) as { url: string };
    expect(url.startsWith(`${at.a.origin}/open?ticket=`)).toBe(true);
    const link = url.slice(at.a.origin.length);
    const opened = await open(link);
    expect(opened.status).toBe(302);
    expect(opened.headers.location).toBe('/lab/tree/notebooks/a.ipynb');
    const [cookie] = opened.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    expect(cookie).not.toMatch(/Domain/i);
    const headers = { cookie: (cookie ?? '').split(';')[0] ?? '' };
    expect((await at.ask('/api/me', { host: at.a.host, headers })).status).toBe(200);
    const again = await open(link);
    expect(again.status).toBe(401);
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(again.text).toContain('has been used or is too old');
  });

  it('a path that is not one of JupyterLab is refused when the link is asked for', async () => {
    for (const path of ['//evil.example', '/\\evil', 'https://evil.example', 'api/kernels']) {
      const made = await at.ask('/api/workspaces/lab/a/door', {
        method: 'POST',
        headers: { ...bearer(at.token), 'content-type': 'application/json' },
        body: JSON.stringify({ path }),
      });
      expect(made.status).toBe(400);
    }
  });

  it.each([
    '//evil.example',
    '/\\evil.example',
    '%2f%2fevil.example',
    '@evil.example',
    'http://evil.example',
    'lab%0d%0aset-cookie:x=y',
  ])('next=%s leads nowhere else', async (next) => {
    const ticket = await at.context.accounts.createDoorTicket(at.owner, at.a.id);
    const opened = await open(`/open?ticket=${ticket}&next=${next}`);
    expect(opened.status).toBe(302);
    expect(opened.headers.location).toBe('/lab');
  });

  it("another workspace's ticket, the app's, and none are refused", async () => {
    const other = await at.context.accounts.createDoorTicket(at.owner, at.b.id);
    const app = await at.context.accounts.createSignInTicket(at.owner.account.id);
    for (const ticket of [other, app, '', 'x'.repeat(5000)]) {
      expect((await open(`/open?ticket=${ticket}`)).status).toBe(401);
    }
  });

  it('a look at the link without opening it does not use it up', async () => {
    const ticket = await at.context.accounts.createDoorTicket(at.owner, at.a.id);
    expect((await at.ask(`/open?ticket=${ticket}`, { host: at.a.host, method: 'HEAD' })).status).toBe(404);
    expect((await open(`/open?ticket=${ticket}`)).status).toBe(302);
  });

  it('a bookmark finds its way through the app and back when the sign-in there holds', async () => {
    const headers = { 'sec-fetch-mode': 'navigate' };
    const stranger = await at.ask('/lab/tree/notebooks/a.ipynb', { host: at.a.host, headers });
    expect(stranger.status).toBe(302);
    const through = stranger.headers.location ?? '';
    expect(through).toBe(`${at.url}/door/${at.a.id}?next=lab%2Ftree%2Fnotebooks%2Fa.ipynb`);
    const cookie = await at.cookieFor(null);
    const back = await at.ask(through.slice(at.url.length), { headers: { cookie } });
    expect(back.status).toBe(302);
    const opened = await open((back.headers.location ?? '').slice(at.a.origin.length));
    expect(opened.headers.location).toBe('/lab/tree/notebooks/a.ipynb');
    const notSignedIn = await at.ask(through.slice(at.url.length));
    const signIn = new URL(notSignedIn.headers.location ?? '');
    expect(signIn.origin + signIn.pathname).toBe(`${at.url}/signin`);
    expect(at.url + (signIn.searchParams.get('next') ?? '')).toBe(through);
  });
});

describe('what reaches the environment', () => {
  it('has none of our cookies, tokens and addresses, and carries its own secret', async () => {
    const cookie = `${await at.cookieFor(at.a.id)}; other=1`;
    const answer = await at.ask(`/jupyter/lab/a/api/kernels/k/interrupt?a=1&token=${at.token}&%74oken=x&b=2`, {
      method: 'POST',
      headers: {
        cookie,
        ...bearer(at.token),
        'x-forwarded-for': '1.2.3.4',
        referer: 'http://x/?token=y',
        connection: 'close, x-evil',
        'x-evil': '1',
        'content-type': 'application/json',
      },
      body: '{"x":1}',
    });
    const { url, headers, body } = echoOf(answer.text);
    expect(url).toBe('/api/kernels/k/interrupt?a=1&b=2');
    expect(body).toBe('{"x":1}');
    expect(Object.keys(headers).sort()).toEqual([
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
    ]);
    expect(JSON.stringify(headers)).not.toContain(at.token);
    expect(headers['authorization']).toMatch(/^Bearer [\w-]{43}$/);
  });

  it('cannot set cookies, lift policies or run as a page of ours', async () => {
    const answer = await at.ask('/api/kernels', { host: at.a.host, headers: bearer(at.token) });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['content-security-policy']).toBe("sandbox; default-src 'none'; frame-ancestors 'none'");
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
  });

  it.each([
    '/agent/health',
    '/agent/activity',
    '/agent/usage',
    '/agent/mirror/list',
    '/agent/mirror/file/a.ipynb',
    '/agent/kernels/k/other',
    '/anything',
    '//api/kernels',
  ])('%s does not', async (path) => {
    const answer = await at.ask(path, { host: at.a.host, headers: bearer(at.token) });
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('"headers"');
  });

  it('journals and executions do, for reading', async () => {
    for (const path of ['/agent/kernels/k/executions', '/agent/kernels/k/journal?after=3']) {
      expect(echoOf((await at.ask(path, { host: at.a.host, headers: bearer(at.token) })).text).url).toBe(path);
      const write = await at.ask(path, { host: at.a.host, method: 'POST', headers: bearer(at.token), body: '{}' });
      expect(write.status).toBe(404);
    }
  });

  it('an address in its answer gets the base path back', async () => {
    at.standIn.far.request = (_request, response) => {
      response.writeHead(201, { location: '/api/kernels/k', 'content-type': 'application/json' }).end('{}');
    };
    const program = await at.ask('/jupyter/lab/a/api/kernels', {
      method: 'POST',
      headers: bearer(at.token),
      body: '{}',
    });
    expect(program.headers.location).toBe('/jupyter/lab/a/api/kernels/k');
    const own = await at.ask('/api/kernels', {
      host: at.a.host,
      method: 'POST',
      headers: bearer(at.token),
      body: '{}',
    });
    expect(own.headers.location).toBe('/api/kernels/k');
    at.standIn.far.request = (_request, response) => {
      response.writeHead(302, { location: '//evil.example/' }).end();
    };
    const away = await at.ask('/api/kernels', { host: at.a.host, headers: bearer(at.token) });
    expect(away.headers.location).toBeUndefined();
    at.standIn.far.request = at.standIn.echo.request;
  });
});
