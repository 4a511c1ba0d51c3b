import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, untilTrue, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import { json, openEvents, type Json } from './outside/http.ts';

const base = '/api/workspaces/my-project/getting-started';
let installation: Installation;
let plane: ControlPlane;
/** As a script would: the address and the token from server.json, and plain fetch. */
let call: (method: string, address: string, init?: RequestInit) => Promise<Response>;
let facts: { url: string; token: string; pid: number };

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  facts = JSON.parse(await readFile(path.join(installation.dataDirectory, 'server.json'), 'utf8')) as typeof facts;
  call = (method, address, init = {}) =>
    fetch(facts.url + address, {
      ...init,
      method,
      headers: { authorization: `Bearer ${facts.token}`, ...(init.headers as Record<string, string> | undefined) },
    });
});

afterAll(async () => {
  await installation.remove();
});

async function ok(method: string, address: string, body?: unknown, status = 200): Promise<Json> {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await call(method, address, sent);
  expect(`${String(response.status)} ${address}`).toBe(`${String(status)} ${address}`);
  return status === 204 ? {} : json(response);
}

test('server.json says where and as whom, to its owner alone, while the server is ready', async () => {
  const file = path.join(installation.dataDirectory, 'server.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(facts).toEqual({
    url: `http://localhost:${String(installation.port)}`,
    token: expect.any(String),
    pid: plane.process.pid,
  });
  expect((await fetch(`${facts.url}/api/session`)).status).toBe(401);
  expect((await call('GET', '/api/session')).status).toBe(200);
});

test('nothing with secrets in the data directory can be read by others', async () => {
  for (const name of ['server.json', 'owner-token', 'terrarium.db', 'terrarium.db-wal', 'terrarium.db-shm']) {
    const { mode } = await stat(path.join(installation.dataDirectory, name));
    expect(`${name} ${(mode & 0o077).toString(8)}`).toBe(`${name} 0`);
  }
});

describe('openapi.json', () => {
  test('is a valid OpenAPI 3 document, readable without sign-in, and names what scripts use', async () => {
    const response = await fetch(`${facts.url}/api/openapi.json`);
    expect(response.headers.get('content-type')).toContain('application/json');
    const document = await json(response);
    const { valid, errors } = await new Validator().validate(document);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(Object.keys(document['paths'] as object)).toEqual(
      expect.arrayContaining([
        '/api/billing-projects',
        '/api/billing-projects/{name}',
        '/api/workspaces',
        '/api/workspaces/{namespace}/{name}',
        '/api/workspaces/{namespace}/{name}/environments',
        '/api/workspaces/{namespace}/{name}/environments/{environment}',
        '/api/workspaces/{namespace}/{name}/environments/{environment}/start',
        '/api/workspaces/{namespace}/{name}/environments/{environment}/stop',
        '/api/workspaces/{namespace}/{name}/notebooks',
        '/api/workspaces/{namespace}/{name}/bucket/objects',
        '/api/workspaces/{namespace}/{name}/bucket/objects/{key}',
        '/api/disks',
        '/api/disks/{id}',
        '/api/images',
        '/api/prices',
        '/api/events',
      ]),
    );
  });

  test('documents only routes that answer', async () => {
    const document = await json(await fetch(`${facts.url}/api/openapi.json`));
    for (const [address, operations] of Object.entries(document['paths'] as Record<string, object>)) {
      for (const method of Object.keys(operations)) {
        const response = await fetch(facts.url + address.replaceAll(/\{\w+\}/g, 'x'), { method: method.toUpperCase() });
        const body = response.ok ? '' : String((await json(response))['message']);
        expect(body, `${method} ${address}`).not.toContain('There is no');
        if (response.ok) expect(['/api/health', '/api/openapi.json']).toContain(address);
      }
    }
  });
});

test('billing projects and workspaces are made, read, changed and deleted', async () => {
  expect(await ok('POST', '/api/billing-projects', { name: 'scripts' }, 201)).toMatchObject({
    name: 'scripts',
    role: 'owner',
  });
  expect(await ok('GET', '/api/billing-projects/scripts')).toMatchObject({ workspaceCount: 0 });
  const made = await ok('POST', '/api/workspaces', { namespace: 'scripts', name: 'One_1' }, 201);
  expect(await ok('GET', '/api/workspaces/scripts/One_1')).toEqual(made);
  expect(await ok('PATCH', '/api/workspaces/scripts/One_1', { description: 'x' })).toMatchObject({ description: 'x' });
  expect(
    (
      await json(
        await call('POST', '/api/workspaces', {
          body: JSON.stringify({ namespace: 'scripts', name: 'One_1' }),
          headers: { 'content-type': 'application/json' },
        }),
      )
    )['code'],
  ).toBe('AlreadyExists');
  expect((await call('DELETE', '/api/billing-projects/scripts')).status).toBe(409);
  await ok('DELETE', '/api/workspaces/scripts/One_1', undefined, 204);
  expect((await call('GET', '/api/workspaces/scripts/One_1')).status).toBe(404);
  await ok('DELETE', '/api/billing-projects/scripts', undefined, 204);
  expect((await call('GET', '/api/billing-projects/scripts')).status).toBe(404);
});

describe('bucket objects', () => {
  const at = (key: string) => `${base}/bucket/objects/${key}`;

  test('are written, read whole and in ranges, and deleted; slashes plain or escaped', async () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
    const put = await call('PUT', at('raw/a%20b.bin'), {
      body: bytes,
      headers: { 'content-type': 'application/x-thing' },
    });
    expect(put.status).toBe(200);
    expect(await json(put)).toMatchObject({ key: 'raw/a b.bin', size: 1000, contentType: 'application/x-thing' });
    const whole = await call('GET', at('raw%2Fa%20b.bin'));
    expect(whole.headers.get('etag')).toBe(put.headers.get('etag'));
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(bytes);
    for (const [range, from, to] of [
      ['bytes=10-19', 10, 20],
      ['bytes=990-', 990, 1000],
      ['bytes=-5', 995, 1000],
      ['bytes=999-5000', 999, 1000],
    ] as const) {
      const part = await call('GET', at('raw/a%20b.bin'), { headers: { range } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${String(from)}-${String(to - 1)}/1000`);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(from, to));
    }
    const beyond = await call('GET', at('raw/a%20b.bin'), { headers: { range: 'bytes=1000-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */1000');
    const head = await call('HEAD', at('raw/a%20b.bin'));
    expect(head.headers.get('content-length')).toBe('1000');
    expect((await call('DELETE', at('raw/a%20b.bin'))).status).toBe(204);
    expect((await call('GET', at('raw/a%20b.bin'))).status).toBe(404);
    expect((await call('DELETE', at('raw/a%20b.bin'))).status).toBe(404);
  });

  test('are written only when If-Match and If-None-Match hold', async () => {
    const first = await call('PUT', at('cond.txt'), { body: '1', headers: { 'if-none-match': '*' } });
    expect(first.status).toBe(200);
    const etag = first.headers.get('etag') ?? '';
    expect((await call('PUT', at('cond.txt'), { body: '2', headers: { 'if-none-match': '*' } })).status).toBe(412);
    expect((await call('PUT', at('cond.txt'), { body: '2', headers: { 'if-match': '"other"' } })).status).toBe(412);
    expect((await call('PUT', at('absent.txt'), { body: '2', headers: { 'if-match': '*' } })).status).toBe(412);
    expect((await call('GET', at('cond.txt'), { headers: { 'if-none-match': etag } })).status).toBe(304);
    const second = await call('PUT', at('cond.txt'), { body: '2', headers: { 'if-match': etag } });
    expect(second.status).toBe(200);
    expect(second.headers.get('etag')).not.toBe(etag);
    expect((await call('DELETE', at('cond.txt'), { headers: { 'if-match': etag } })).status).toBe(412);
    expect(await (await call('GET', at('cond.txt'))).text()).toBe('2');
    // Of writers who all saw the same version, one alone wins.
    const now = second.headers.get('etag') ?? '';
    const racing = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        call('PUT', at('cond.txt'), { body: `race ${String(n)}`, headers: { 'if-match': now } }),
      ),
    );
    expect(racing.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  });

  test('are listed by prefix and delimiter, page by page', async () => {
    for (const key of ['list/a.txt', 'list/b/c.txt', 'list/b/d.txt', 'list/e/', 'listing.txt']) {
      expect((await call('PUT', at(key), { body: key.endsWith('/') ? '' : key })).status).toBe(200);
    }
    const level = await ok('GET', `${base}/bucket/objects?prefix=list/&delimiter=/`);
    expect((level['objects'] as Json[]).map((object) => object['key'])).toEqual(['list/a.txt']);
    expect(level['folders']).toEqual(['list/b/', 'list/e/']);
    const keys: unknown[] = [];
    let pageToken = '';
    do {
      const page = await ok(
        'GET',
        `${base}/bucket/objects?prefix=list&limit=2${pageToken === '' ? '' : `&pageToken=${encodeURIComponent(pageToken)}`}`,
      );
      expect((page['objects'] as Json[]).length).toBeLessThanOrEqual(2);
      keys.push(...(page['objects'] as Json[]).map((object) => object['key']));
      pageToken = typeof page['nextPageToken'] === 'string' ? page['nextPageToken'] : '';
    } while (pageToken !== '');
    expect(keys).toEqual(['list/a.txt', 'list/b/c.txt', 'list/b/d.txt', 'list/e/', 'listing.txt']);
  });

  test('notebooks are the objects under notebooks/', async () => {
    const list = (await call('GET', `${base}/notebooks`).then(async (response) => response.json())) as Json[];
    expect(list.map((notebook) => notebook['path'])).toEqual(['python-elevation-map.ipynb', 'r-air-quality.ipynb']);
    expect(
      (
        await call('PUT', at('notebooks/mine.ipynb'), {
          body: '{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}',
        })
      ).status,
    ).toBe(200);
    const after = (await call('GET', `${base}/notebooks`).then(async (response) => response.json())) as Json[];
    expect(after.map((notebook) => notebook['path'])).toContain('mine.ipynb');
  });
});

test('images and prices are readable', async () => {
  const images = (await call('GET', '/api/images').then(async (response) => response.json())) as Json[];
  expect(images[0]).toMatchObject({
    isDefault: true,
    kernels: expect.arrayContaining([expect.objectContaining({ name: 'python3' })]),
  });
  expect(await ok('GET', '/api/prices')).toMatchObject({ currency: 'USD', cpuHour: expect.any(Number) });
});

test('an environment is created, paused, resumed and deleted with and without its disk, and events tell of it', async () => {
  const events = await openEvents(facts);
  const created = await ok(
    'POST',
    `${base}/environments`,
    { name: 'scripted', diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 },
    202,
  );
  expect(created).toMatchObject({ name: 'scripted', status: 'Creating' });
  const environment = `${base}/environments/scripted`;
  const until = (status: string) => untilTrue(async () => (await ok('GET', environment))['status'] === status, status);
  await until('Running');
  await untilTrue(async () => events.seen.some((event) => event['id'] === created['id']), 'an event tells of it');
  await ok('POST', `${environment}/stop`, undefined, 202);
  await until('Stopped');
  const lastId = events.lastId();
  await events.close();
  await ok('POST', `${environment}/start`, undefined, 202);
  await until('Running');

  const disks = (await call('GET', '/api/disks').then(async (response) => response.json())) as Json[];
  expect(disks).toHaveLength(1);
  const disk = `/api/disks/${String(disks[0]?.['id'])}`;
  expect(await ok('GET', disk)).toMatchObject({ attachedTo: { name: 'scripted' }, sizeGiB: 1 });
  expect((await call('DELETE', disk)).status).toBe(409);

  await ok('DELETE', `${environment}?deleteDisk=false`, undefined, 202);
  await untilTrue(async () => (await call('GET', environment)).status === 404, 'it is gone');
  expect(await ok('GET', disk)).toMatchObject({ status: 'Ready', attachedTo: null });

  const again = await ok('POST', `${base}/environments`, { memoryGiB: 1, bootDiskGiB: 1 }, 202);
  expect(again['disk']).toMatchObject({ id: disks[0]?.['id'] });
  await ok('DELETE', `${base}/environments/${String(again['id'])}?deleteDisk=true`, undefined, 202);
  await untilTrue(async () => (await call('GET', disk)).status === 404, 'the disk is gone too');

  // Whoever comes back with the last id they saw hears what happened meanwhile.
  const resumed = await openEvents(facts, lastId);
  await untilTrue(async () => resumed.seen.some((event) => event['id'] === again['id']), 'missed events come');
  expect(resumed.kinds).not.toContain('reset');
  await resumed.close();
  const stranger = await openEvents(facts, 'other-epoch-7');
  await untilTrue(async () => stranger.kinds.includes('reset'), 'an unknown id asks to read all again');
  await stranger.close();
});
