import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError, endpoints, endpointUrl } from '@terrarium/contract';
import { startStory, type Story } from '../testing/notebook-story.ts';

let story: Story;
let isFull = false;

beforeAll(async () => {
  story = await startStory((store) => ({
    ...store,
    async put(bucket, key, body, options) {
      if (!isFull) return store.put(bucket, key, body, options);
      // What a driver does when the disk fills up in mid-write.
      if (!(body instanceof Uint8Array)) {
        for await (const _ of body) break;
      }
      throw new AppError('StorageFull', `There is no room left to save '${key}'.`);
    },
  }));
});
afterAll(() => story.stop());

const workspace = { namespace: 'lab', name: 'one' };
const urlOf = (key: string) => story.url + endpointUrl(endpoints.getObject, { ...workspace, key });
const send = (method: string, key: string, init: RequestInit = {}, role: 'OWNER' | 'WRITER' | 'READER' = 'WRITER') =>
  fetch(urlOf(key), {
    ...init,
    method,
    headers: { authorization: `Bearer ${story.token(role)}`, ...Object.fromEntries(new Headers(init.headers)) },
  });

describe('an object', () => {
  test.each([
    'plain.txt',
    'a/b c/é ü.csv',
    '100%/x%2Fy.bin',
    'q?x=1&y#z',
    'a+b;c,d=e@f:g',
    `${'n'.repeat(190)}.txt`,
    'e\u0301.txt',
  ])('is written, read and deleted under its exact key: %s', async (key) => {
    const put = await send('PUT', key, { body: `bytes of ${key}` });
    expect(put.status).toBe(200);
    const stored = (await put.json()) as { key: string; etag: string };
    expect(stored.key).toBe(key);
    expect(put.headers.get('etag')).toBe(stored.etag);
    const got = await send('GET', key);
    expect(await got.text()).toBe(`bytes of ${key}`);
    expect(got.headers.get('etag')).toBe(stored.etag);
    expect((await send('DELETE', key)).status).toBe(204);
    expect((await send('GET', key)).status).toBe(404);
  });

  test('cannot act as a page of the app', async () => {
    await send('PUT', 'evil.html', { body: '<script>1</script>', headers: { 'content-type': 'text/html' } });
    const { headers } = await send('GET', 'evil.html');
    expect(headers.get('content-disposition')).toBe('attachment; filename="evil.html"');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain('sandbox');
    expect(headers.get('accept-ranges')).toBe('bytes');
    expect(Date.parse(headers.get('last-modified') ?? '')).not.toBeNaN();
  });

  test('names its file for every browser', async () => {
    await send('PUT', 'dir/ré "s".txt', { body: '' });
    const { headers } = await send('GET', 'dir/ré "s".txt');
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="r_ _s_.txt"; filename*=UTF-8''r%C3%A9%20%22s%22.txt`,
    );
  });

  test('takes its type from the sender, or else from its extension', async () => {
    const typeAfter = async (key: string, type?: string) => {
      const body = new Uint8Array([1]);
      const put = await send('PUT', key, {
        body,
        ...(type === undefined ? {} : { headers: { 'content-type': type } }),
      });
      return ((await put.json()) as { contentType: string }).contentType;
    };
    expect(await typeAfter('t.csv')).toBe('text/csv; charset=utf-8');
    expect(await typeAfter('t.csv', 'application/octet-stream')).toBe('text/csv; charset=utf-8');
    expect(await typeAfter('t.csv', 'application/vnd.mine')).toBe('application/vnd.mine');
    expect(await typeAfter('t.unknown')).toBe('application/octet-stream');
    expect(await typeAfter('t.json', 'application/json')).toBe('application/json');
  });

  test('is served in ranges', async () => {
    await send('PUT', 'ten.txt', { body: '0123456789' });
    const part = await send('GET', 'ten.txt', { headers: { range: 'bytes=2-4' } });
    expect([part.status, await part.text()]).toEqual([206, '234']);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    expect(part.headers.get('content-length')).toBe('3');
    const beyond = await send('GET', 'ten.txt', { headers: { range: 'bytes=10-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */10');
    expect(await beyond.json()).toMatchObject({
      code: 'RangeNotSatisfiable',
      message: expect.stringContaining('10 bytes'),
    });
    const other = await send('GET', 'ten.txt', { headers: { range: 'bytes=0-1', 'if-range': '"1"' } });
    expect([other.status, await other.text()]).toEqual([200, '0123456789']);
  });

  test('answers HEAD and conditional reads without its bytes', async () => {
    const put = await send('PUT', 'head.txt', { body: 'hello' });
    const etag = put.headers.get('etag') ?? '';
    const head = await send('HEAD', 'head.txt');
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag'), await head.text()]).toEqual([
      200,
      '5',
      etag,
      '',
    ]);
    const same = await send('GET', 'head.txt', { headers: { 'if-none-match': etag } });
    expect([same.status, await same.text()]).toEqual([304, '']);
    expect((await send('GET', 'head.txt', { headers: { 'if-match': '"1"' } })).status).toBe(412);
    expect((await send('HEAD', 'none.txt')).status).toBe(404);
  });

  test('is replaced only under the conditions of the request', async () => {
    const first = await send('PUT', 'c.txt', { body: '1', headers: { 'if-none-match': '*' } });
    expect(first.status).toBe(200);
    const etag = first.headers.get('etag') ?? '';
    const again = await send('PUT', 'c.txt', { body: '2', headers: { 'if-none-match': '*' } });
    expect([again.status, await again.json()]).toMatchObject([
      412,
      { code: 'PreconditionFailed', message: expect.stringContaining('exists already') },
    ]);
    expect((await send('PUT', 'c.txt', { body: '3', headers: { 'if-match': etag } })).status).toBe(200);
    const late = await send('PUT', 'c.txt', { body: '4', headers: { 'if-match': etag } });
    expect([late.status, await late.json()]).toMatchObject([
      412,
      { message: expect.stringContaining('was changed since you read it') },
    ]);
    expect((await send('DELETE', 'c.txt', { headers: { 'if-match': etag } })).status).toBe(412);
    expect(await (await send('GET', 'c.txt')).text()).toBe('3');
  });

  test('of two writers over one version, one wins and the other is told', async () => {
    const etag = (await send('PUT', 'race.txt', { body: '0' })).headers.get('etag') ?? '';
    const racers = Array.from({ length: 8 }, (_, n) =>
      send('PUT', 'race.txt', { body: String(n), headers: { 'if-match': etag } }),
    );
    const statuses = (await Promise.all(racers)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  });

  test('a full store says so, and the old bytes stay', async () => {
    await send('PUT', 'full.bin', { body: 'old' });
    isFull = true;
    try {
      const answer = await send('PUT', 'full.bin', { body: new Uint8Array(8 * 1024 * 1024) });
      expect([answer.status, await answer.json()]).toMatchObject([507, { code: 'StorageFull' }]);
    } finally {
      isFull = false;
    }
    expect(await (await send('GET', 'full.bin')).text()).toBe('old');
  });

  test('a body cut short leaves nothing', async () => {
    const { port } = new URL(story.url);
    const path = endpointUrl(endpoints.putObject, { ...workspace, key: 'cut.bin' });
    const socket = net.connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve) => {
      socket.write(
        `PUT ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${story.token('WRITER')}\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(500)}`,
        () => resolve(),
      );
    });
    socket.end();
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(await story.buckets.head(story.owner, 'cut.bin')).toBeNull();
  });

  test('tells who listens', async () => {
    story.events.length = 0;
    await send('PUT', 'told.txt', { body: '1' });
    await send('PUT', 'notebooks/told.ipynb', { body: '{}' });
    await send('DELETE', 'told.txt');
    const idsOf = (wanted: string) => story.events.filter(({ kind }) => kind === wanted).map(({ id }) => id);
    expect(idsOf('object')).toEqual(['told.txt', 'notebooks/told.ipynb', 'told.txt']);
    // Its history tells of it again, as soon as it has the version.
    expect([...new Set(idsOf('notebook'))]).toEqual(['notebooks/told.ipynb']);
    expect(story.events.every(({ workspaceId }) => workspaceId === story.owner.id)).toBe(true);
  });
});

describe('a folder', () => {
  test('is made by a key that ends in a slash, and goes with all in it', async () => {
    expect((await send('PUT', 'tree/')).status).toBe(200);
    await send('PUT', 'tree/a.txt', { body: 'a' });
    await send('PUT', 'tree/deep/b.txt', { body: 'b' });
    await send('PUT', 'tree2.txt', { body: 'c' });
    const level = await story.api.listObjects({ params: workspace, query: { prefix: 'tree', delimiter: '/' } });
    expect(level.folders).toEqual(['tree/']);
    expect(level.objects.map(({ key }) => key)).toEqual(['tree2.txt']);
    expect((await send('DELETE', 'tree/')).status).toBe(204);
    const rest = await story.api.listObjects({ params: workspace, query: { prefix: 'tree' } });
    expect(rest.objects.map(({ key }) => key)).toEqual(['tree2.txt']);
    expect((await send('DELETE', 'tree/')).status).toBe(404);
  });

  test('holds no bytes of its own', async () => {
    const answer = await send('PUT', 'bytes/', { body: 'x' });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { message: expect.stringContaining('is a folder') },
    ]);
  });

  test('is listed in pages', async () => {
    for (const n of [1, 2, 3, 4, 5]) await send('PUT', `pages/${String(n)}`, { body: '' });
    const keys: string[] = [];
    let pageToken: string | undefined;
    do {
      const query = { prefix: 'pages/', limit: 2, ...(pageToken === undefined ? {} : { pageToken }) };
      const page = await story.api.listObjects({ params: workspace, query });
      keys.push(...page.objects.map(({ key }) => key));
      pageToken = page.nextPageToken ?? undefined;
    } while (pageToken !== undefined);
    expect(keys).toEqual(['pages/1', 'pages/2', 'pages/3', 'pages/4', 'pages/5']);
  });
});

test.each(['a/../b', '/abs', 'a//b', 'back\\slash', 'x\u0000y', 'bidi\u202ename', ' lead', 'x'.repeat(201)])(
  'the key %j is refused with a sentence',
  async (key) => {
    const { port } = new URL(story.url);
    // Written out, because a URL parser would resolve the dots before they are sent.
    const path = `/api/workspaces/lab/one/bucket/objects/${encodeURIComponent(key)}`;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'PUT',
      body: 'x',
      headers: { authorization: `Bearer ${story.token('WRITER')}` },
    });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'InvalidInput', message: expect.stringMatching(/\.$/) },
    ]);
  },
);

test('a reader reads and changes nothing', async () => {
  await send('PUT', 'read.txt', { body: 'r' });
  expect((await send('GET', 'read.txt', {}, 'READER')).status).toBe(200);
  expect((await send('PUT', 'read.txt', { body: 'w' }, 'READER')).status).toBe(403);
  expect((await send('DELETE', 'read.txt', {}, 'READER')).status).toBe(403);
});
