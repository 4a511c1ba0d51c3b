import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readNotebook, type Notebook } from '../documents/nbformat.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import type { RoomClient } from '../documents/testing-client.ts';
import { createInstallation, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import { joinRoom, openSession, type RoomDoor } from '../testing/room-typist.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const megabyte = 1024 ** 2;
const clients: RoomClient[] = [];
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

afterAll(() => installation.remove());

const door = (): RoomDoor => ({ url: plane.url, token: plane.token, workspace });

function ask(method: string, what: string, body: RequestInit['body'] = null): Promise<Response> {
  return fetch(plane.url + what, {
    method,
    body,
    headers: { authorization: `Bearer ${plane.token}` },
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
}

const objects = '/api/workspaces/my-project/getting-started/bucket/objects/notebooks';

async function join(key: string): Promise<RoomClient> {
  const client = joinRoom(door(), await openSession(door(), key));
  clients.push(client);
  await client.until(() => client.isSynced, 'the first sync', 60_000);
  return client;
}

/** The most that the control plane ever had in memory, in MB. */
function peakMB(): number {
  const status = readFileSync(`/proc/${String(plane.process.pid)}/status`, 'utf8');
  return (Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1024) / 1e6;
}

function codeCell(id: string, source: string, printed = ''): Record<string, unknown> {
  const outputs = printed === '' ? [] : [{ output_type: 'stream', name: 'stdout', text: printed }];
  return { id, cell_type: 'code', metadata: {}, source, outputs, execution_count: null };
}

const notebookOf = (cells: unknown[]): string =>
  JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

test('a notebook of 2,000 cells and 20 MB is opened, typed into and stored', async () => {
  const cells = Array.from({ length: 2000 }, (_, index) =>
    codeCell(`c${String(index)}`, `x = ${String(index)}`, 'x'.repeat(10_000)),
  );
  expect((await ask('PUT', `${objects}/large.ipynb`, notebookOf(cells))).status).toBe(200);
  const [first, second] = [await join('notebooks/large.ipynb'), await join('notebooks/large.ipynb')];
  first.source(1999).insert(0, 'typed ');
  await first.saved();
  await second.until(() => second.text(1999) === 'typed x = 1999', 'the edit');
  const stored = (await (await ask('GET', `${objects}/large.ipynb`)).json()) as Notebook;
  expect(stored.cells).toHaveLength(2000);
  expect(stored.cells[1999]?.['source']).toEqual(['typed x = 1999']);
  expect(peakMB()).toBeLessThan(700);
});

test.each([
  ['an open notebook', `${objects}/open.ipynb`, 413],
  ["Jupyter's contents", '/jupyter/my-project/getting-started/api/contents/notebooks/huge.ipynb', 413],
])(
  '500 MB put to %s are refused with a sentence, and do not pile up',
  { timeout: 120_000 },
  async (_, where, status) => {
    expect((await ask('PUT', `${objects}/open.ipynb`, notebookOf([codeCell('c', 'x')]))).status).toBe(200);
    const client = await join('notebooks/open.ipynb');
    const before = peakMB();
    let sent = 0;
    const chunk = Buffer.alloc(megabyte, ' ');
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 500) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const answer = await ask('PUT', where, body);
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as { message: string }).message).toMatch(/too much.*\.$/);
    expect(peakMB() - before).toBeLessThan(700);
    client.source(0).insert(0, 'fine ');
    await client.saved();
  },
);

test(
  'what is too large for a notebook is kept as an object, and said when it is opened',
  { timeout: 120_000 },
  async () => {
    let sent = 0;
    const chunk = Buffer.alloc(megabyte, ' ');
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 220) controller.enqueue(chunk);
        else controller.close();
      },
    });
    expect((await ask('PUT', `${objects}/huge.ipynb`, body)).status).toBe(200);
    const before = peakMB();
    await expect(openSession(door(), 'notebooks/huge.ipynb')).rejects.toThrow(/413 .*more than 200 MiB/);
    expect(peakMB() - before).toBeLessThan(50);
    expect((await ask('DELETE', `${objects}/huge.ipynb`)).ok).toBe(true);
  },
);

const nested = `${'['.repeat(5000)}1${']'.repeat(5000)}`;

test.each([
  ['broken JSON', Buffer.from('{"cells": [1,'), /not valid JSON/],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /not text in UTF-8/],
  ['nothing', Buffer.from(''), /it is empty/],
  ['a format before nbformat 3', Buffer.from('{"nbformat":2,"worksheets":[]}'), /before 1\.0/],
  [
    'nesting without end',
    Buffer.from(notebookOf([]).replace('"metadata":{}', `"metadata":{"a":${nested}}`)),
    /nested more than/,
  ],
])('%s is refused with a sentence, and its bytes stay', async (_, bytes, sentence) => {
  expect((await ask('PUT', `${objects}/odd.ipynb`, bytes)).status).toBe(200);
  await expect(openSession(door(), 'notebooks/odd.ipynb')).rejects.toThrow(sentence);
  const kept = await ask('GET', `${objects}/odd.ipynb`);
  expect(Buffer.from(await kept.arrayBuffer())).toEqual(bytes);
});

test.each([
  [
    'nbformat 3',
    JSON.stringify({
      nbformat: 3,
      nbformat_minor: 0,
      metadata: { name: 'old' },
      worksheets: [{ cells: [{ cell_type: 'code', language: 'python', input: 'one', outputs: [], collapsed: false }] }],
    }),
    1,
  ],
  ['duplicate ids', notebookOf([codeCell('same', 'one'), codeCell('same', 'two')]), 2],
])('%s is mended as it is opened; what it was before stays among its versions', async (name, original, count) => {
  const file = `${name.replaceAll(' ', '-')}.ipynb`;
  expect((await ask('PUT', `${objects}/${file}`, original)).status).toBe(200);
  const client = await join(`notebooks/${file}`);
  client.source(0).insert(3, '!');
  await client.saved();
  const reading = readNotebook(Buffer.from(await (await ask('GET', `${objects}/${file}`)).arrayBuffer()));
  if (reading.kind === 'refused') throw new Error(reading.reason);
  expect(reading.problem).toBeNull();
  expect(reading.notebook.cells.map(({ source }) => source).slice(0, 1)).toEqual(['one!']);
  expect(new Set(reading.notebook.cells.map(({ id }) => id)).size).toBe(count);
  expect(await originalOf(file)).toBe(original);
});

/** The oldest version that its bucket has, as it was put. */
async function originalOf(file: string): Promise<string> {
  const key = `notebooks/${file}`;
  const { bucket } = await plane.client.getWorkspace({ params: workspace });
  await plane.stop();
  const store = createFilesystemObjectStore({ directory: path.join(installation.dataDirectory, 'buckets') });
  const generation = (await store.versions(bucket, key)).at(-1)?.generation ?? '';
  const found = await store.get(bucket, key, { generation });
  const original = found === null ? '' : await text(found.body);
  await store.close();
  plane = await installation.start();
  return original;
}
