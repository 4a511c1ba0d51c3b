import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createFixture, until, type Ask, type Fixture } from './gateway-fixture.ts';
import { merge } from '../kernels/lab-settings.ts';

const plugin = '@jupyterlab/notebook-extension:tracker';

let at: Fixture;
let lab: string;
let cookie: string;
beforeAll(async () => {
  lab = await mkdtemp(path.join(os.tmpdir(), 'lab-'));
  await mkdir(path.join(lab, 'chunks'));
  await writeFile(path.join(lab, 'index.html'), '<script type="application/json">__PAGE_CONFIG__</script>');
  await writeFile(path.join(lab, 'main-ABCD1234.js'), 'let a = 1;\n'.repeat(1000));
  await writeFile(path.join(lab, 'favicon.svg'), '<svg/>');
  await writeFile(path.join(lab, 'inputs.txt'), 'one');
  const entry = {
    id: plugin,
    version: '4.6.4',
    schema: { type: 'object' },
    settings: {},
    raw: '{}',
    created: null,
    last_modified: null,
  };
  await writeFile(path.join(lab, 'settings.json'), JSON.stringify({ settings: [entry] }));
  at = await createFixture({ labDirectory: lab });
  cookie = await at.cookieFor(at.a.id);
});
afterAll(async () => {
  await at.close();
  await rm(lab, { recursive: true, force: true });
});

/** As JupyterLab asks, signed in to workspace A. */
const ask = (url: string, options: Ask = {}) =>
  at.ask(url, { host: at.a.host, ...options, headers: { cookie, origin: at.a.origin, ...options.headers } });
const send = (method: string, url: string, body: unknown) =>
  ask(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const json = async (url: string): Promise<Record<string, unknown>> =>
  JSON.parse((await ask(url)).text) as Record<string, unknown>;

describe('while no environment runs', () => {
  it('says who asks and what they may do', async () => {
    expect(await json('/api')).toEqual({ version: expect.stringMatching(/^2\./) as string });
    const asked = encodeURIComponent(JSON.stringify({ contents: ['read', 'write'], kernels: ['execute', 'fly'] }));
    expect(await json(`/api/me?permissions=${asked}`)).toMatchObject({
      identity: { username: 'owner@example.org', name: 'Ada Owner', initials: 'AO' },
      permissions: { contents: ['read', 'write'], kernels: ['execute'] },
    });
    expect((await ask('/api/me?permissions=[1]')).status).toBe(400);
    const reader = await at.person('reader@example.org', 'READER');
    const theirs = await at.ask(`/jupyter/lab/a/api/me?permissions=${asked}`, {
      headers: { authorization: `Bearer ${reader.token}` },
    });
    expect(JSON.parse(theirs.text)).toMatchObject({ permissions: { contents: ['read'], kernels: [] } });
  });

  it('lists nothing that runs, and the kernels of the image', async () => {
    for (const list of ['kernels', 'sessions', 'terminals']) expect((await ask(`/api/${list}`)).text).toBe('[]');
    expect(await json('/api/kernelspecs')).toMatchObject({
      default: 'python3',
      kernelspecs: { python3: { name: 'python3', spec: { display_name: 'Python 3', language: 'python' } } },
    });
    expect((await ask('/api/kernelspecs/none')).status).toBe(404);
    expect(await json('/api/status')).toMatchObject({ kernels: 0, connections: 0 });
  });

  it('refuses what needs one, with a sentence that Jupyter clients show', async () => {
    for (const [method, url] of [
      ['POST', '/api/kernels'],
      ['GET', '/api/kernels/k'],
      ['DELETE', '/api/kernels/k'],
      ['POST', '/api/sessions'],
      ['GET', '/kernelspecs/python3/logo-64x64.png'],
    ] as const) {
      const answer = await ask(url, { method });
      expect([answer.status, JSON.parse(answer.text)], url).toEqual([
        422,
        {
          message: 'There is no Cloud Environment in this workspace yet. Start one to run code.',
          reason: 'EnvironmentPaused',
          code: 'EnvironmentPaused',
        },
      ]);
    }
  });

  it('an unknown path and a broken body are errors with a sentence', async () => {
    const unknown = await ask('/api/unknown?x=1');
    expect([unknown.status, JSON.parse(unknown.text)]).toEqual([
      404,
      { message: 'There is no GET /api/unknown here.', reason: 'NotFound', code: 'NotFound' },
    ]);
    const headers = { 'content-type': 'application/json' };
    const broken = await ask('/api/config/x', { method: 'PUT', headers, body: '{' });
    expect([broken.status, broken.text]).toEqual([400, expect.stringContaining('not valid JSON')]);
  });
});

describe('JupyterLab', () => {
  it('opens with what the page must know, whatever the names contain', async () => {
    const answer = await ask('/lab/tree/notebooks/a.ipynb');
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-security-policy']).toBe("frame-ancestors 'none'");
    const config = JSON.parse(answer.text.replace(/<[^>]*>/g, '')) as Record<string, unknown>;
    expect(config).toEqual({
      baseUrl: '/',
      terrarium: {
        workspaceId: at.a.id,
        namespace: 'lab',
        name: 'a',
        appUrl: at.url,
        role: 'OWNER',
        canCompute: true,
        accountId: expect.any(String) as string,
        userEmail: 'owner@example.org',
        userName: 'Ada Owner',
      },
    });
    expect((await ask('/')).headers.location).toBe('/lab');
  });

  it('does not open on the origin of the app', async () => {
    const answer = await at.ask(`/jupyter/lab/a/lab?token=${at.token}`);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-security-policy']).toContain('sandbox');
  });

  it('has its files compressed and kept for good, for everyone, and no others', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const plain = await at.ask('/static/lab/main-ABCD1234.js', { host: at.a.host });
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.text).toHaveLength(11_000);
    const small = await at.ask('/static/lab/main-ABCD1234.js', { host: at.a.host, headers });
    expect(small.headers['content-encoding']).toBe('gzip');
    expect(Number(small.headers['content-length'])).toBeLessThan(1000);
    expect((await ask('/static/lab/favicon.svg')).headers['cache-control']).toBe('no-cache');
    for (const name of [
      'index.html',
      'settings.json',
      'inputs.txt',
      'none.js',
      '',
      'chunks',
      '..%2f..%2fetc%2fpasswd',
    ]) {
      expect((await ask(`/static/lab/${name}`)).status, name).toBeGreaterThanOrEqual(400);
    }
  });

  it('keeps settings for a person over all workspaces', async () => {
    expect(await json('/lab/api/settings')).toMatchObject({ settings: [{ id: plugin, raw: '{}', settings: {} }] });
    expect(await json('/lab/api/settings?ids_only=true')).toEqual({ settings: [{ id: plugin }] });
    const raw = '{ // mine\n "a": 1, }';
    expect((await send('PUT', `/lab/api/settings/${plugin}`, { raw })).status).toBe(204);
    expect(await json(`/lab/api/settings/${plugin}`)).toMatchObject({ id: plugin, raw, settings: { a: 1 } });
    const elsewhere = await at.ask(`/lab/api/settings/${encodeURIComponent(plugin)}`, {
      host: at.b.host,
      headers: { cookie: await at.cookieFor(at.b.id) },
    });
    expect(JSON.parse(elsewhere.text)).toMatchObject({ raw });
    expect((await send('PUT', `/lab/api/settings/${plugin}`, { raw: '{' })).status).toBe(400);
    expect((await send('PUT', `/lab/api/settings/${plugin}`, {})).status).toBe(400);
    expect((await send('PUT', '/lab/api/settings/none:none', { raw })).status).toBe(404);
    const other = await at.person('other@example.org', 'WRITER');
    const theirs = await at.ask(`/jupyter/lab/a/lab/api/settings/${plugin}`, {
      headers: { authorization: `Bearer ${other.token}` },
    });
    expect(JSON.parse(theirs.text)).toMatchObject({ raw: '{}' });
  });

  it('keeps layouts for a person in each workspace', async () => {
    const layout = { data: { 'layout-restorer:data': { x: 1 } }, metadata: { id: 'auto-x' } };
    expect(await json('/lab/api/workspaces/auto-x')).toEqual({ data: {}, metadata: { id: 'auto-x' } });
    expect((await send('PUT', '/lab/api/workspaces/auto-x', layout)).status).toBe(204);
    expect(await json('/lab/api/workspaces/auto-x')).toMatchObject(layout);
    expect(await json('/lab/api/workspaces')).toMatchObject({ workspaces: { ids: ['auto-x'], values: [layout] } });
    expect((await send('PUT', '/lab/api/workspaces/another', layout)).status).toBe(400);
    const b = { host: at.b.host, headers: { cookie: await at.cookieFor(at.b.id) } };
    expect(JSON.parse((await at.ask('/lab/api/workspaces', b)).text)).toMatchObject({ workspaces: { ids: [] } });
    expect((await ask('/lab/api/workspaces/auto-x', { method: 'DELETE' })).status).toBe(204);
    expect((await ask('/lab/api/workspaces/auto-x', { method: 'DELETE' })).status).toBe(404);
  });

  it('keeps configuration sections, merged by PATCH', async () => {
    expect((await send('PUT', '/api/config/tree', { a: { b: 1, c: 2 }, d: 3 })).status).toBe(204);
    expect((await send('PATCH', '/api/config/tree', { a: { b: null, e: 4 }, d: null })).status).toBe(200);
    expect(await json('/api/config/tree')).toEqual({ a: { c: 2, e: 4 } });
    expect((await send('PUT', '/api/config/tree', [1])).status).toBe(400);
    expect(merge({ a: { b: 1 } }, { a: { b: null } })).toEqual({});
    expect(Object.keys(merge({}, JSON.parse('{"__proto__": {"x": 1}}') as Record<string, unknown>))).toEqual([
      '__proto__',
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('has translations and listings, both empty', async () => {
    expect(await json('/lab/api/translations')).toMatchObject({ data: { en: { displayName: 'English' } } });
    expect(await json('/lab/api/translations/de')).toEqual({ data: {}, message: '' });
    expect((await ask('/lab/api/listings/x/listings.json')).status).toBe(200);
  });
});

describe('events of Jupyter', () => {
  it('reach whatever the same person has open in the same workspace', async () => {
    const open = (host: string, cookieOf: string) =>
      new WebSocket(`ws://127.0.0.1:${String(at.port)}/api/events/subscribe`, {
        headers: { host, cookie: cookieOf, origin: `http://${host}` },
      });
    const heard: string[] = [];
    const elsewhere: string[] = [];
    const here = open(at.a.host, cookie);
    const there = open(at.b.host, await at.cookieFor(at.b.id));
    here.on('message', (data: Buffer) => heard.push(data.toString()));
    there.on('message', (data: Buffer) => elsewhere.push(data.toString()));
    await until('both are open', () => here.readyState === here.OPEN && there.readyState === there.OPEN);
    const event = { schema_id: 'https://x/y', version: '1', data: { action: 'save' } };
    expect((await send('POST', '/api/events', event)).status).toBe(204);
    await until('the event is heard', () => heard.length === 1);
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({
      action: 'save',
      __schema__: 'https://x/y',
      __schema_version__: '1',
    });
    expect(elsewhere).toEqual([]);
    for (const wrong of [
      {},
      { ...event, data: 1 },
      { ...event, schema_id: '' },
      { ...event, timestamp: 'yesterday' },
      [],
      null,
    ]) {
      expect((await send('POST', '/api/events', wrong)).status).toBe(400);
    }
    here.terminate();
    there.terminate();
  });
});

describe('the environment control', () => {
  it('makes, pauses and resumes the environment, a program by just asking for a kernel', async () => {
    expect((await ask('/terrarium/environment')).text).toBe('null');
    expect((await ask('/terrarium/environment/stop', { method: 'POST' })).status).toBe(404);
    expect(await json('/terrarium/estimate')).toMatchObject({
      currency: 'USD',
      perHourRunning: expect.any(Number) as number,
    });
    expect(await json('/terrarium/prices')).toMatchObject({ currency: 'USD' });
    expect(JSON.parse((await ask('/terrarium/images')).text)).toMatchObject([{ reference: 'stand-in' }]);

    const started = await ask('/terrarium/environment/start', { method: 'POST' });
    expect(started.status).toBe(202);
    expect(JSON.parse(started.text)).toMatchObject({ status: 'Creating' });
    const status = async () => (await json('/terrarium/environment'))['status'];
    await until('it runs', async () => (await status()) === 'Running');
    expect((await ask('/api/kernels')).text).toContain('"url":"/api/kernels"');
    expect((await ask('/terrarium/environment/start', { method: 'POST' })).status).toBe(202);

    expect((await ask('/terrarium/environment/stop', { method: 'POST' })).status).toBe(202);
    await until('it is paused', async () => (await status()) === 'Stopped');
    expect((await ask('/api/kernels')).text).toBe('[]');
    const refused = await ask('/api/kernels', { method: 'POST' });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('is paused. Start it')]);

    const authorization = `Bearer ${at.token}`;
    const asked = await Promise.all(
      ['/api/sessions', '/api/kernels', '/api/kernels'].map((url) =>
        at.ask(`/jupyter/lab/a${url}`, { method: 'POST', headers: { authorization }, body: '{"name":"python3"}' }),
      ),
    );
    for (const answer of asked) {
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('python3');
    }
    expect(await status()).toBe('Running');
  });

  it('is not for readers', async () => {
    const reader = await at.person('reader2@example.org', 'READER');
    const headers = { authorization: `Bearer ${reader.token}` };
    expect((await at.ask('/terrarium/environment', { host: at.a.host, headers })).text).toBe('null');
    const start = await at.ask('/terrarium/environment/start', { host: at.a.host, method: 'POST', headers });
    expect(start.status).toBe(403);
  });
});

it('compressed files are the files', async () => {
  const response = await new Promise<Buffer>((resolve, reject) => {
    import('node:http')
      .then(({ get }) => {
        const headers = { host: at.a.host, 'accept-encoding': 'gzip' };
        get({ host: '127.0.0.1', port: at.port, path: '/static/lab/main-ABCD1234.js', headers }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            resolve(Buffer.concat(chunks));
          });
        }).on('error', reject);
      })
      .catch(reject);
  });
  expect(gunzipSync(response).toString()).toBe('let a = 1;\n'.repeat(1000));
});
