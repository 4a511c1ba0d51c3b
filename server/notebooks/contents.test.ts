import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '@terrarium/contract';
import { startStory, type Story } from '../testing/notebook-story.ts';

let story: Story;
let isFull = false;
let isBroken = false;

beforeAll(async () => {
  story = await startStory((store) => ({
    ...store,
    head: (bucket, key) => (isBroken ? Promise.reject(new Error('inner text')) : store.head(bucket, key)),
    put: (bucket, key, body, options) =>
      isFull
        ? Promise.reject(new AppError('StorageFull', `There is no room left to save '${key}'.`))
        : store.put(bucket, key, body, options),
  }));
});
beforeEach(async () => {
  await story.buckets.deleteFolder(story.owner, 'notebooks/');
  await story.buckets.deleteFolder(story.owner, '.checkpoints/');
});
afterAll(() => story.stop());

type Role = 'OWNER' | 'WRITER' | 'READER';
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Shapes are what these stories are about, so they are looked at and not declared.
  readonly json: Record<string, unknown>;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  options: { role?: Role; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await fetch(story.doorUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: {
      authorization: `Bearer ${story.token(options.role ?? 'WRITER')}`,
      'content-type': 'application/json',
      ...options.headers,
    },
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}
const contents = (
  method: string,
  path: string,
  body?: unknown,
  options?: { role?: Role; headers?: Record<string, string> },
) => ask(method, `/api/contents/${path}`, body, options);
const names = ({ json }: Answer) => (json['content'] as { name: string }[]).map(({ name }) => name).sort();

const cell = (source: string) => ({ cell_type: 'markdown', id: 'abc', metadata: {}, source });
const notebook = (...cells: object[]) => ({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
const save = (path: string, content: unknown, headers: Record<string, string> = {}) =>
  contents('PUT', path, { type: 'notebook', format: 'json', content }, { headers });
const saveText = (path: string, content: string) => contents('PUT', path, { type: 'file', format: 'text', content });

describe('a notebook', () => {
  test("is saved and read back, with every field that Jupyter's clients check", async () => {
    const saved = await save('notebooks/a.ipynb', notebook(cell('hi\nthere')));
    expect(saved.status).toBe(201);
    expect(saved.headers.get('location')).toBe('/api/contents/notebooks/a.ipynb');
    expect(saved.json).toEqual({
      name: 'a.ipynb',
      path: 'notebooks/a.ipynb',
      type: 'notebook',
      last_modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      created: expect.any(String),
      content: null,
      format: null,
      mimetype: null,
      size: expect.any(Number),
      writable: true,
      hash: null,
      hash_algorithm: null,
    });
    const read = await contents('GET', 'notebooks/a.ipynb?hash=1');
    expect(read.json).toMatchObject({
      format: 'json',
      content: notebook(cell('hi\nthere')),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      hash_algorithm: 'sha256',
    });
    expect((await contents('GET', 'notebooks/a.ipynb?content=0&hash=1')).json).toMatchObject({
      content: null,
      hash: read.json['hash'],
    });
    expect((await save('notebooks/a.ipynb', notebook(cell('2')))).status).toBe(200);
    expect((await contents('GET', 'notebooks/a.ipynb?hash=1')).json['hash']).not.toBe(read.json['hash']);
  });

  test('has a last_modified that changes with it and never by itself', async () => {
    const { json: saved } = await save('notebooks/a.ipynb', notebook());
    await contents('POST', 'notebooks/a.ipynb/checkpoints');
    await saveText('notebooks/other.txt', 'x');
    for (const query of ['', '?content=0', '?type=file']) {
      expect((await contents('GET', `notebooks/a.ipynb${query}`)).json['last_modified']).toBe(saved['last_modified']);
    }
  });

  test('of an old format opens upgraded, while its bytes stay as they are', async () => {
    const bytes = JSON.stringify({
      nbformat: 3,
      nbformat_minor: 0,
      metadata: { name: '' },
      worksheets: [{ cells: [{ cell_type: 'code', input: '1', outputs: [] }] }],
    });
    await saveText('notebooks/old.ipynb', bytes);
    const opened = await contents('GET', 'notebooks/old.ipynb');
    expect(opened.json['content']).toMatchObject({
      nbformat: 4,
      nbformat_minor: 5,
      cells: [{ source: '1', id: expect.any(String) }],
    });
    expect((await contents('GET', 'notebooks/old.ipynb')).json['content']).toEqual(opened.json['content']);
    expect((await contents('GET', 'notebooks/old.ipynb?type=file')).json['content']).toBe(bytes);
  });

  test('that is broken opens with a sentence, and as a file', async () => {
    await saveText('notebooks/broken.ipynb', '{"cells": [');
    expect(await contents('GET', 'notebooks/broken.ipynb')).toMatchObject({
      status: 400,
      json: {
        message: expect.stringContaining('"notebooks/broken.ipynb" is not a notebook: it is not valid JSON'),
        reason: 'InvalidInput',
      },
    });
    expect((await contents('GET', 'notebooks/broken.ipynb?type=file')).json['content']).toBe('{"cells": [');
    expect(await save('notebooks/broken.ipynb', 'text')).toMatchObject({ status: 400 });
    expect(await save('notebooks/broken.ipynb', { nbformat: 4 })).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('it has no "cells"') },
    });
  });

  test('that does not follow nbformat is kept, and says what is wrong', async () => {
    const wrong = notebook({ cell_type: 'wrong', metadata: {} });
    const message = 'Notebook validation failed: Cell 1 is of an unknown kind, "wrong".';
    expect((await save('notebooks/w.ipynb', wrong)).json['message']).toBe(message);
    expect((await contents('GET', 'notebooks/w.ipynb')).json).toMatchObject({ message, content: wrong });
  });

  test('is not overwritten by a save over an older version', async () => {
    const first = await save('notebooks/a.ipynb', notebook(cell('1')));
    const etag = first.headers.get('etag') ?? '';
    expect((await save('notebooks/a.ipynb', notebook(cell('2')), { 'if-match': etag })).status).toBe(200);
    expect(await save('notebooks/a.ipynb', notebook(cell('3')), { 'if-match': etag })).toMatchObject({
      status: 412,
      json: { reason: 'PreconditionFailed' },
    });
    expect((await contents('GET', 'notebooks/a.ipynb')).json['content']).toEqual(notebook(cell('2')));
  });

  test('stays as it was when the store is full', async () => {
    await save('notebooks/a.ipynb', notebook(cell('kept')));
    isFull = true;
    try {
      expect(await save('notebooks/a.ipynb', notebook(cell('lost')))).toMatchObject({
        status: 507,
        json: { reason: 'StorageFull' },
      });
    } finally {
      isFull = false;
    }
    expect((await contents('GET', 'notebooks/a.ipynb')).json['content']).toEqual(notebook(cell('kept')));
  });
});

test("an error that nobody foresaw is the door's to answer", async () => {
  isBroken = true;
  try {
    expect((await contents('GET', 'notebooks/a.ipynb')).status).toBe(500);
  } finally {
    isBroken = false;
  }
  expect((await contents('POST', 'notebooks/none.ipynb/trust')).status).toBe(404);
});

test('checkpoints are made, listed, restored, moved along and deleted', async () => {
  await save('notebooks/a.ipynb', notebook(cell('before')));
  const made = await contents('POST', 'notebooks/a.ipynb/checkpoints');
  expect(made).toMatchObject({ status: 201, json: { id: 'checkpoint', last_modified: expect.any(String) } });
  await save('notebooks/a.ipynb', notebook(cell('after')));
  await contents('PATCH', 'notebooks/a.ipynb', { path: 'notebooks/b.ipynb' });
  expect((await contents('GET', 'notebooks/b.ipynb/checkpoints')).json).toMatchObject([{ id: 'checkpoint' }]);
  expect((await contents('POST', 'notebooks/b.ipynb/checkpoints/checkpoint')).status).toBe(204);
  expect((await contents('GET', 'notebooks/b.ipynb')).json['content']).toEqual(notebook(cell('before')));
  expect((await contents('DELETE', 'notebooks/b.ipynb/checkpoints/checkpoint')).status).toBe(204);
  expect((await contents('GET', 'notebooks/b.ipynb/checkpoints')).json).toEqual([]);
  expect((await contents('POST', 'notebooks/b.ipynb/checkpoints/checkpoint')).status).toBe(404);
  expect((await contents('POST', 'notebooks/none.ipynb/checkpoints')).status).toBe(404);
});

describe('a folder', () => {
  test('is made, listed, renamed and deleted with all in it', async () => {
    expect((await contents('PUT', 'notebooks/sub', { type: 'directory' })).status).toBe(201);
    await save('notebooks/sub/deep/a.ipynb', notebook());
    await saveText('notebooks/sub/x.csv', '1,2');
    await saveText('notebooks/sub/.DS_Store', '').catch(() => undefined);
    expect(names(await contents('GET', 'notebooks/sub'))).toEqual(['deep', 'x.csv']);
    const renamed = await contents('PATCH', 'notebooks/sub', { path: 'notebooks/other' });
    expect(renamed).toMatchObject({ status: 200, json: { type: 'directory', path: 'notebooks/other' } });
    expect((await contents('GET', 'notebooks/sub')).status).toBe(404);
    expect((await contents('GET', 'notebooks/other/deep/a.ipynb')).status).toBe(200);
    expect(await contents('PATCH', 'notebooks/other', { path: 'notebooks/other/deep/in' })).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('into itself') },
    });
    expect((await contents('DELETE', 'notebooks/other')).status).toBe(204);
    expect(names(await contents('GET', 'notebooks'))).toEqual([]);
  });

  test('stays when the last file in it goes', async () => {
    await saveText('notebooks/sub/only.txt', '');
    await contents('DELETE', 'notebooks/sub/only.txt');
    expect(names(await contents('GET', 'notebooks/sub'))).toEqual([]);
    await saveText('notebooks/sub2/only.txt', '');
    await contents('PATCH', 'notebooks/sub2/only.txt', { path: 'notebooks/only.txt' });
    expect((await contents('GET', 'notebooks/sub2')).status).toBe(200);
  });

  test('may be called checkpoints, as those of machine learning are', async () => {
    await contents('PUT', 'notebooks/checkpoints', { type: 'directory' });
    await saveText('notebooks/checkpoints/model', '1');
    expect(names(await contents('GET', 'notebooks/checkpoints'))).toEqual(['model']);
    expect((await contents('DELETE', 'notebooks/checkpoints/model')).status).toBe(204);
  });

  test('notebooks itself is always there and stays', async () => {
    expect(await contents('GET', 'notebooks')).toMatchObject({ status: 200, json: { type: 'directory', content: [] } });
    expect((await contents('DELETE', 'notebooks')).status).toBe(400);
    expect((await contents('PATCH', 'notebooks', { path: 'notebooks/x' })).status).toBe(400);
    expect((await contents('PUT', 'notebooks', { type: 'file', format: 'text', content: '' })).status).toBe(400);
  });
});

test('new files and copies get the names that Jupyter gives', async () => {
  const made = async (body: object | undefined, directory = 'notebooks') =>
    (await contents('POST', directory, body)).json['name'];
  expect([await made({ type: 'notebook' }), await made({ ext: '.ipynb' })]).toEqual([
    'Untitled.ipynb',
    'Untitled1.ipynb',
  ]);
  expect([await made({ type: 'directory' }), await made({ type: 'directory' })]).toEqual([
    'Untitled Folder',
    'Untitled Folder 1',
  ]);
  expect([
    await made({ type: 'file', ext: '.txt' }),
    await made({ type: 'file', ext: '.txt' }),
    await made(undefined),
  ]).toEqual(['untitled.txt', 'untitled1.txt', 'untitled']);
  const copy = (name: string) => made({ copy_from: `notebooks/${name}` });
  expect([await copy('Untitled.ipynb'), await copy('Untitled.ipynb'), await copy('Untitled-Copy1.ipynb')]).toEqual([
    'Untitled-Copy1.ipynb',
    'Untitled-Copy2.ipynb',
    'Untitled-Copy3.ipynb',
  ]);
  await saveText('notebooks/data.v1.tar.gz', '');
  expect(await copy('data.v1.tar.gz')).toBe('data-Copy1.v1.tar.gz');
  expect(await copy('Untitled Folder')).toBe('Untitled Folder-Copy1');
  const atOnce = await Promise.all(
    Array.from({ length: 5 }, () => made({ type: 'notebook' }, 'notebooks/Untitled Folder')),
  );
  expect(new Set(atOnce).size).toBe(5);
  expect((await contents('POST', 'notebooks/none', { type: 'notebook' })).status).toBe(404);
  expect((await contents('POST', 'notebooks/Untitled.ipynb', {})).status).toBe(400);
});

test('files are text or base64, and arrive in pieces when they are large', async () => {
  await saveText('notebooks/t.txt', 'ü');
  expect((await contents('GET', 'notebooks/t.txt')).json).toMatchObject({
    format: 'text',
    content: 'ü',
    mimetype: 'text/plain',
    type: 'file',
  });
  const piece = (chunk: number, text: string) =>
    contents('PUT', 'notebooks/big.bin', {
      type: 'file',
      format: 'base64',
      chunk,
      content: Buffer.from(text).toString('base64'),
    });
  expect(await piece(1, 'one ')).toMatchObject({ status: 201, json: { path: 'notebooks/big.bin' } });
  expect((await contents('GET', 'notebooks/big.bin')).status).toBe(404);
  await piece(2, 'two ');
  expect(await piece(-1, '\xff')).toMatchObject({ status: 201, json: { size: 10 } });
  expect((await contents('GET', 'notebooks/big.bin?format=base64')).json['content']).toBe(
    Buffer.from('one two \xff').toString('base64'),
  );
  await piece(1, 'anew');
  expect(await piece(3, 'skipped')).toMatchObject({
    status: 409,
    json: { message: expect.stringContaining('interrupted') },
  });
  expect((await contents('GET', 'notebooks/big.bin')).json['size']).toBe(10);
  expect((await contents('PUT', 'notebooks/x.bin', { type: 'file', format: 'base64', content: '***' })).status).toBe(
    400,
  );
  expect((await contents('PUT', 'notebooks/x.bin', { type: 'file', content: 'x' })).status).toBe(400);
});

test('bytes are served under /files, sandboxed, in ranges', async () => {
  await saveText('notebooks/sub/page.html', '<b>0123</b>');
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(story.doorUrl + path, { headers: { authorization: `Bearer ${story.token('READER')}`, ...headers } });
  const shown = await get('/files/notebooks/sub/page.html');
  expect([shown.status, await shown.text(), shown.headers.get('content-security-policy')]).toEqual([
    200,
    '<b>0123</b>',
    "sandbox allow-scripts; frame-ancestors 'none'",
  ]);
  expect((await get('/files/notebooks/sub/page.html?download=1')).headers.get('content-disposition')).toContain(
    'attachment',
  );
  const part = await get('/files/notebooks/sub/page.html', { range: 'bytes=3-6' });
  expect([part.status, await part.text()]).toEqual([206, '0123']);
  expect((await get('/files/notebooks/sub')).status).toBe(404);
});

test('a reader reads, and is told that nothing can be written', async () => {
  await save('notebooks/a.ipynb', notebook());
  const as = { role: 'READER' } as const;
  expect((await contents('GET', 'notebooks/a.ipynb', undefined, as)).json['writable']).toBe(false);
  const body = { type: 'notebook', content: notebook(), path: 'notebooks/b.ipynb' };
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    expect(await contents(method, 'notebooks/a.ipynb', method === 'DELETE' ? undefined : body, as)).toMatchObject({
      status: 403,
      json: { reason: 'NotAllowed' },
    });
  }
  expect((await contents('POST', 'notebooks', { type: 'notebook' }, as)).status).toBe(403);
  expect((await contents('POST', 'notebooks/a.ipynb/checkpoints', undefined, as)).status).toBe(403);
});

test.each(['notebooks/..%2fx', 'notebooks/a%2f%2fb', 'notebooks/%00', 'notebooks/a%5cb', '..%2fetc'])(
  'the path %s is refused',
  async (path) => {
    const { port } = new URL(story.doorUrl);
    // Written out, because fetch would resolve the dots before they are sent.
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${story.token('WRITER')}` };
      http
        .get({ host: '127.0.0.1', port, path: `/api/contents/${path}`, headers }, (answer) =>
          resolve(answer.resume().statusCode),
        )
        .on('error', reject);
    });
    expect(status).toBe(400);
  },
);

describe('the disk', () => {
  test('cannot be reached while the environment is paused; the notebooks can', async () => {
    await save('notebooks/a.ipynb', notebook());
    expect(names(await ask('GET', '/api/contents'))).toEqual(['notebooks']);
    for (const [method, path] of [
      ['GET', 'work/x.txt'],
      ['PUT', 'work/x.txt'],
      ['POST', 'work'],
      ['DELETE', 'work/x.txt'],
    ] as const) {
      expect(await contents(method, path, method === 'GET' ? undefined : {})).toMatchObject({
        status: 503,
        json: { message: expect.stringContaining('its files are kept'), reason: 'EnvironmentPaused' },
      });
    }
    expect((await ask('GET', '/files/work/x.txt')).status).toBe(503);
  });

  test('is listed beside the notebooks and answered by the agent while it runs', async () => {
    await using disk = await startDisk();
    story.agent = disk.door;
    await save('notebooks/a.ipynb', notebook(cell('bucket')));
    disk.files.set('notebooks', null);
    disk.files.set('work', null);
    disk.files.set('work/x.txt', Buffer.from('on disk'));
    expect(names(await ask('GET', '/api/contents?content=1'))).toEqual(['notebooks', 'work']);
    expect((await contents('GET', 'notebooks/a.ipynb')).json['content']).toEqual(notebook(cell('bucket')));
    expect((await contents('GET', 'work/x.txt?content=1')).json['content']).toBe(
      Buffer.from('on disk').toString('base64'),
    );
    expect((await contents('PUT', 'work/y.txt', { type: 'file', format: 'base64', content: 'eQ==' })).status).toBe(201);
    expect(disk.files.get('work/y.txt')?.toString()).toBe('y');

    expect(await contents('POST', 'notebooks', { copy_from: 'work/x.txt' })).toMatchObject({
      status: 201,
      json: { path: 'notebooks/x.txt' },
    });
    expect(await contents('POST', 'work', { copy_from: 'notebooks/x.txt' })).toMatchObject({
      status: 201,
      json: { path: 'work/x-Copy1.txt' },
    });
    expect(await contents('PATCH', 'work/y.txt', { path: 'notebooks/y.txt' })).toMatchObject({
      status: 200,
      json: { path: 'notebooks/y.txt' },
    });
    expect(disk.files.has('work/y.txt')).toBe(false);
    expect((await contents('PATCH', 'notebooks/y.txt', { path: 'work/x.txt' })).status).toBe(409);
    expect(await contents('PATCH', 'notebooks/y.txt', { path: 'work/z.txt' })).toMatchObject({ status: 200 });
    expect((await contents('GET', 'notebooks/y.txt')).status).toBe(404);
    expect((await contents('PATCH', 'work', { path: 'notebooks/work' })).status).toBe(400);
    story.agent = null;
  });

  test('that does not answer hides no notebooks', async () => {
    story.agent = { environmentId: 'e', secret: 's', address: { host: '127.0.0.1', port: 1 } };
    expect(names(await ask('GET', '/api/contents'))).toEqual(['notebooks']);
    story.agent = null;
  });
});

/** A tree of files behind the part of the contents API that the agent serves, on a socket. */
async function startDisk() {
  const files = new Map<string, Buffer | null>();
  const model = (path: string, content: unknown = null) => ({
    name: path.split('/').at(-1),
    path,
    type: files.get(path) === null ? 'directory' : 'file',
    content,
    format: 'base64',
  });
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = decodeURIComponent(
        new URL(request.url ?? '', 'http://x').pathname.replace(/^\/api\/contents\/?/, ''),
      );
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (request.headers.authorization !== 'Bearer secret') return answer(401, {});
      if (request.method === 'PUT') {
        const { content } = JSON.parse(Buffer.concat(chunks).toString()) as { content: string };
        files.set(path, Buffer.from(content, 'base64'));
        return answer(201, model(path));
      }
      if (path === '')
        return answer(200, { content: [...files.keys()].filter((key) => !key.includes('/')).map((key) => model(key)) });
      if (!files.has(path)) return answer(404, { message: 'none' });
      if (request.method === 'DELETE') {
        files.delete(path);
        return response.writeHead(204).end();
      }
      return answer(
        200,
        model(path, request.url?.includes('content=0') === true ? null : files.get(path)?.toString('base64')),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  return {
    files,
    door: { environmentId: 'e', secret: 'secret', address: { host: '127.0.0.1', port } },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
