import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, endpoints, endpointUrl, type EndpointName, type WorkspaceRole } from '@terrarium/contract';
import { mayUsePlayground } from '../documents/playground-key.ts';
import { startStory, type Story } from '../testing/notebook-story.ts';

let story: Story;
beforeAll(async () => {
  story = await startStory();
  await story.api.putNotebookContent({ params: { ...workspace, path: 'deep/a.ipynb' }, body: notebookOf('x = 1') });
});
afterAll(() => story.stop());

const workspace = { namespace: 'lab', name: 'one' };
const at = (path: string) => ({ params: { ...workspace, path } });
const source = at('deep/a.ipynb');
const code = (expected: string) => expect.objectContaining({ code: expected });

function notebookOf(...sources: string[]): string {
  const cells = sources.map((text, index) => ({
    id: `c${String(index)}`,
    cell_type: 'code',
    metadata: {},
    source: text,
    outputs: [],
    execution_count: null,
  }));
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
}

async function sourcesAt(path: string): Promise<string[]> {
  const response = await story.api.getNotebookContent(at(path));
  // nbformat, from the story's own server.
  const { cells } = (await response.json()) as { cells: { source: string | string[] }[] };
  return cells.map(({ source: text }) => (typeof text === 'string' ? text : text.join('')));
}

async function everyKey(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of story.buckets.all(story.owner, '')) keys.push(key);
  return keys;
}

const atDoor = (role: WorkspaceRole, method: string, path: string, body?: unknown) =>
  fetch(`${story.doorUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${story.token(role)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

test.each([
  ['ann', 'ann', true],
  ['ann', 'bob', false],
  [null, 'ann', false],
])('a playground of %s, used by %s: %s', (madeBy, accountId, may) => {
  expect(mayUsePlayground(madeBy, accountId)).toBe(may);
});

test('a playground starts as the notebook is, is edited apart from it, and is kept under a new name', async () => {
  const before = await everyKey();
  const { path } = await story.api.createPlayground(source);
  expect(path).toMatch(/^\.playground\/[a-z0-9]+\/a\.ipynb$/);
  expect(await sourcesAt(path)).toEqual(['x = 1']);

  await story.api.putNotebookContent({ ...at(path), body: notebookOf('x = 2', 'y = 3') });
  const saved = await atDoor('OWNER', 'PUT', `/api/contents/notebooks/${path}`, {
    type: 'notebook',
    format: 'json',
    content: JSON.parse(notebookOf('x = 2', 'y = 4')) as unknown,
  });
  expect(saved.status).toBe(200);
  expect(await sourcesAt(path)).toEqual(['x = 2', 'y = 4']);
  expect(await sourcesAt('deep/a.ipynb')).toEqual(['x = 1']);
  expect(await everyKey()).toEqual(before);
  expect((await story.api.listNotebooks({ params: workspace })).map((one) => one.path)).toEqual(['deep/a.ipynb']);

  await expect(story.api.keepPlayground({ ...at(path), body: { to: 'deep/a.ipynb' } })).rejects.toMatchObject({
    code: 'AlreadyExists',
    message: expect.stringContaining('"deep/a.ipynb"'),
  });
  expect(await story.api.keepPlayground({ ...at(path), body: { to: 'kept.ipynb' } })).toMatchObject({
    path: 'kept.ipynb',
  });
  expect(await sourcesAt('kept.ipynb')).toEqual(['x = 2', 'y = 4']);
  expect(await sourcesAt('deep/a.ipynb')).toEqual(['x = 1']);
  // It stays for whoever has it open.
  expect(await sourcesAt(path)).toEqual(['x = 2', 'y = 4']);
  await story.api.deleteNotebook(at('kept.ipynb'));
});

test('the list says what it was made from and when it goes; deleting one leaves the others', async () => {
  const { path: one } = await story.api.createPlayground(source);
  const { path: two } = await story.api.createPlayground(at(one));
  const list = await story.api.listPlaygrounds({ params: workspace });
  expect(list.find(({ path }) => path === one)).toMatchObject({ source: 'deep/a.ipynb' });
  expect(list.find(({ path }) => path === two)).toMatchObject({ source: null });
  for (const { lastUsedAt, deletedAt } of list) {
    expect(Date.parse(deletedAt) - Date.parse(lastUsedAt)).toBe(14 * 24 * 3600 * 1000);
  }
  await story.api.deletePlayground(at(one));
  await expect(story.api.deletePlayground(at(one))).rejects.toEqual(code('NotFound'));
  await expect(story.api.getNotebookContent(at(one))).rejects.toEqual(code('NotFound'));
  expect(await sourcesAt(two)).toEqual(['x = 1']);
  expect((await story.api.listPlaygrounds({ params: workspace })).map(({ path }) => path)).not.toContain(one);
  await expect(story.api.deletePlayground(source)).rejects.toEqual(code('NotFound'));
});

test('only who made it may read, write, copy, keep or delete it; to others it does not exist', async () => {
  const { path } = await story.api.createPlayground(source);
  const other = createClient({ baseUrl: story.url, token: story.token('WRITER') });
  const missing = await other.getNotebookContent(at('.playground/no/a.ipynb')).catch((error: unknown) => error);
  const attempts: (() => Promise<unknown>)[] = [
    () => other.getNotebookContent(at(path)),
    () => other.putNotebookContent({ ...at(path), body: notebookOf('mine') }),
    () => other.copyNotebook({ ...at(path), body: { to: 'stolen.ipynb' } }),
    () => other.copyNotebook({ ...at(path), body: { to: 'stolen.ipynb', workspace } }),
    () => other.renameNotebook({ ...at(path), body: { to: 'stolen.ipynb' } }),
    () => other.deleteNotebook(at(path)),
    () => other.keepPlayground({ ...at(path), body: { to: 'stolen.ipynb' } }),
    () => other.createPlayground(at(path)),
    () => other.deletePlayground(at(path)),
  ];
  for (const attempt of attempts) {
    const error: unknown = await attempt().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'NotFound' });
    expect((error as Error).message).toBe((missing as Error).message);
  }
  expect(await other.listPlaygrounds({ params: workspace })).toEqual([]);

  const url = `/api/contents/notebooks/${path}`;
  const encoded = url.replace('.playground', '%2Eplayground');
  const content = { type: 'notebook', format: 'json', content: JSON.parse(notebookOf('mine')) as unknown };
  for (const [method, where, body] of [
    ['GET', url],
    ['GET', encoded],
    ['GET', `/files/notebooks/${path}`],
    ['PUT', url, content],
    ['DELETE', url],
    ['PATCH', url, { path: 'notebooks/stolen.ipynb' }],
    ['POST', '/api/contents/notebooks', { copy_from: `notebooks/${path}` }],
    ['POST', '/api/contents/notebooks', { copy_from: `/notebooks/${path}/` }],
    ['GET', `${url}/checkpoints`],
    ['POST', `${url}/checkpoints`],
  ] as const) {
    expect([method, where, (await atDoor('WRITER', method, where, body)).status]).toEqual([method, where, 404]);
  }
  expect(await sourcesAt(path)).toEqual(['x = 1']);
  expect(await everyKey()).toEqual(['notebooks/deep/a.ipynb']);
});

test('nothing of a playground gets into the bucket, nor anything of the bucket where playgrounds are', async () => {
  const { path } = await story.api.createPlayground(source);
  const { api } = story;
  const key = `notebooks/${path}`;
  for (const wanted of [key, 'notebooks/.playground/x.txt', 'notebooks/.playground/', 'notebooks/.playground']) {
    const params = { ...workspace, key: wanted };
    await expect(api.putObject({ params, body: notebookOf('mine') })).rejects.toEqual(code('InvalidInput'));
    await expect(api.deleteObject({ params })).rejects.toEqual(code('InvalidInput'));
    await expect(api.getObject({ params })).rejects.toEqual(code('InvalidInput'));
  }
  const to = '.playground/x/y.ipynb';
  await expect(api.createNotebook({ params: workspace, body: { path: to } })).rejects.toEqual(code('InvalidInput'));
  for (const move of [api.copyNotebook, api.renameNotebook]) {
    await expect(move({ ...source, body: { to } })).rejects.toEqual(code('InvalidInput'));
  }
  await expect(api.keepPlayground({ ...at(path), body: { to } })).rejects.toEqual(code('InvalidInput'));
  await expect(api.putNotebookContent({ ...at(to), body: notebookOf('x') })).rejects.toEqual(code('NotFound'));

  const url = `/api/contents/${key}`;
  expect((await atDoor('OWNER', 'POST', `${url}/checkpoints`)).status).toBe(409);
  expect(await (await atDoor('OWNER', 'GET', `${url}/checkpoints`)).json()).toEqual([]);
  expect((await atDoor('OWNER', 'PATCH', url, { path: 'notebooks/b.ipynb' })).status).toBe(400);
  expect((await atDoor('OWNER', 'PATCH', '/api/contents/notebooks/deep/a.ipynb', { path: key })).status).toBe(400);
  expect((await atDoor('OWNER', 'PUT', '/api/contents/notebooks/.playground/x/y.ipynb', {})).status).toBe(404);
  const folder = (await (await atDoor('OWNER', 'GET', '/api/contents/notebooks')).json()) as {
    content: { name: string }[];
  };
  expect(folder.content.map(({ name }) => name)).toEqual(['deep']);
  expect((await atDoor('OWNER', 'GET', '/api/contents/notebooks/.playground')).status).toBe(404);
  expect(await everyKey()).toEqual(['notebooks/deep/a.ipynb']);
});

test('a playground takes the right to compute, keeping one the right to write', async () => {
  const { path } = await story.api.createPlayground(source);
  const status = async (role: WorkspaceRole, name: EndpointName, params: Record<string, string>, body?: object) => {
    const answer = await fetch(story.url + endpointUrl(endpoints[name], { ...workspace, ...params }), {
      method: endpoints[name].method,
      headers: {
        authorization: `Bearer ${story.token(role)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.status;
  };
  expect(await status('READER', 'createPlayground', { path: 'deep/a.ipynb' })).toBe(403);
  expect(await status('WRITER', 'createPlayground', { path: 'deep/a.ipynb' })).toBe(201);
  expect(await status('READER', 'keepPlayground', { path }, { to: 'k.ipynb' })).toBe(404);
  expect(await status('OWNER', 'createPlayground', { path: 'no.ipynb' })).toBe(404);
  const [own] = await createClient({ baseUrl: story.url, token: story.token('WRITER') }).listPlaygrounds({
    params: workspace,
  });
  expect(own).toMatchObject({ source: 'deep/a.ipynb' });
});

test('a broken notebook has no playground, and says why', async () => {
  await story.buckets.put(story.owner, 'notebooks/broken.ipynb', Buffer.from('{'));
  await expect(story.api.createPlayground(at('broken.ipynb'))).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('is not a notebook'),
  });
  await story.buckets.delete(story.owner, 'notebooks/broken.ipynb');
});

test('unused ones are deleted when their days are over, and not a moment before', async () => {
  const { path } = await story.api.createPlayground(source);
  const isThere = async () => (await story.api.listPlaygrounds({ params: workspace })).some((one) => one.path === path);
  const found = (await story.api.listPlaygrounds({ params: workspace })).find((one) => one.path === path);
  story.now = Date.parse(found?.deletedAt ?? '');
  await story.documents.sweepPlaygrounds();
  expect(await isThere()).toBe(true);
  story.now += 1;
  await story.documents.sweepPlaygrounds();
  expect(await isThere()).toBe(false);
  await expect(story.api.getNotebookContent(at(path))).rejects.toEqual(code('NotFound'));
});
