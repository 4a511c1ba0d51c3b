import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, endpoints, endpointUrl, type NotebookSummary } from '@terrarium/contract';
import type { ObjectStore } from '../bucket/object-store.ts';
import { startStory, type Story } from '../testing/notebook-story.ts';

let story: Story;
let reads = 0;

beforeAll(async () => {
  story = await startStory((store): ObjectStore => ({
    ...store,
    get: (...given) => {
      reads++;
      return store.get(...given);
    },
  }));
});
afterAll(() => story.stop());

const workspace = { namespace: 'lab', name: 'one' };
const at = (path: string) => ({ params: { ...workspace, path } });
const code = (expected: string) => expect.objectContaining({ code: expected });
const notebook = {
  nbformat: 4,
  nbformat_minor: 2,
  metadata: { kernelspec: { name: 'ir', display_name: 'R', language: 'R' } },
  cells: [],
};

async function upload(path: string, body: string, headers: Record<string, string> = {}): Promise<NotebookSummary> {
  return story.api.putNotebookContent({
    ...at(path),
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

test('a new notebook names the kernel it is for', async () => {
  const made = await story.api.createNotebook({ params: workspace, body: { path: 'new.ipynb', kernel: 'ir' } });
  expect(made).toMatchObject({ path: 'new.ipynb', kernel: 'ir', language: 'R' });
  const response = await story.api.getNotebookContent(at('new.ipynb'));
  expect(response.headers.get('etag')).toBe(`"${made.generation}"`);
  expect(await response.json()).toMatchObject({
    nbformat: 4,
    nbformat_minor: 5,
    cells: [{ cell_type: 'code', source: [], outputs: [] }],
    metadata: { kernelspec: { name: 'ir' } },
  });
  await expect(story.api.createNotebook({ params: workspace, body: { path: 'new.ipynb' } })).rejects.toEqual(
    code('AlreadyExists'),
  );
  await expect(
    story.api.createNotebook({ params: workspace, body: { path: 'x.ipynb', kernel: 'cobol' } }),
  ).rejects.toEqual(code('InvalidInput'));
});

test('an upload is kept byte for byte, and refused when it is not a notebook', async () => {
  const bytes = JSON.stringify(notebook, null, 7);
  const { generation } = await upload('sub/up.ipynb', bytes);
  expect(await (await story.api.getNotebookContent(at('sub/up.ipynb'))).text()).toBe(bytes);
  await expect(upload('bad.ipynb', '{"cells": [')).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('"bad.ipynb" is not a notebook: it is not valid JSON'),
  });
  await expect(upload('bad.ipynb', '{"a": 1}')).rejects.toEqual(code('InvalidInput'));
  await expect(upload('sub/up.ipynb', bytes, { 'if-none-match': '*' })).rejects.toEqual(code('PreconditionFailed'));
  await upload('sub/up.ipynb', bytes, { 'if-match': `"${generation}"` });
  await expect(upload('sub/up.ipynb', bytes, { 'if-match': `"${generation}"` })).rejects.toEqual(
    code('PreconditionFailed'),
  );
});

test('copy and rename never replace another notebook', async () => {
  await upload('a.ipynb', JSON.stringify(notebook));
  await upload('b.ipynb', JSON.stringify({ ...notebook, metadata: {} }));
  expect(await story.api.copyNotebook({ ...at('a.ipynb'), body: { to: 'c.ipynb' } })).toMatchObject({
    path: 'c.ipynb',
    kernel: 'ir',
  });
  await expect(story.api.copyNotebook({ ...at('a.ipynb'), body: { to: 'b.ipynb' } })).rejects.toMatchObject({
    code: 'AlreadyExists',
    message: 'There is a "b.ipynb" already. Choose another name.',
  });
  await expect(story.api.renameNotebook({ ...at('a.ipynb'), body: { to: 'b.ipynb' } })).rejects.toEqual(
    code('AlreadyExists'),
  );
  expect(await story.api.renameNotebook({ ...at('a.ipynb'), body: { to: 'deep/er/d.ipynb' } })).toMatchObject({
    path: 'deep/er/d.ipynb',
  });
  await expect(story.api.getNotebookContent(at('a.ipynb'))).rejects.toEqual(code('NotFound'));
  await expect(story.api.renameNotebook({ ...at('a.ipynb'), body: { to: 'z.ipynb' } })).rejects.toMatchObject({
    code: 'NotFound',
    message: 'There is no notebook "a.ipynb" here.',
  });
  expect(await story.api.renameNotebook({ ...at('c.ipynb'), body: { to: 'c.ipynb' } })).toMatchObject({
    path: 'c.ipynb',
  });
  await story.api.deleteNotebook(at('c.ipynb'));
  await expect(story.api.deleteNotebook(at('c.ipynb'))).rejects.toEqual(code('NotFound'));
});

test('a copy into another workspace takes reading here and writing there, and goes its own way', async () => {
  const other = await story.addWorkspace('two', 'WRITER');
  const body = { to: 'copied.ipynb', workspace: { namespace: 'lab', name: 'two' } };
  await upload('across.ipynb', JSON.stringify(notebook));
  await expect(story.api.copyNotebook({ ...at('across.ipynb'), body })).rejects.toEqual(code('NotFound'));
  const writer = createClient({ baseUrl: story.url, token: story.token('WRITER') });
  expect(await writer.copyNotebook({ ...at('across.ipynb'), body })).toMatchObject({
    path: 'copied.ipynb',
    kernel: 'ir',
  });
  await upload('across.ipynb', JSON.stringify({ ...notebook, metadata: {} }));
  const content = await writer.getNotebookContent({ params: { ...other, path: 'copied.ipynb' } });
  expect(await content.json()).toMatchObject({ metadata: { kernelspec: { name: 'ir' } } });

  await expect(writer.copyNotebook({ ...at('across.ipynb'), body })).rejects.toEqual(code('AlreadyExists'));
  await expect(writer.copyNotebook({ ...at('no.ipynb'), body })).rejects.toMatchObject({
    code: 'NotFound',
    message: 'There is no notebook "no.ipynb" here.',
  });
  const back = { to: 'back.ipynb', workspace };
  const reader = createClient({ baseUrl: story.url, token: story.token('READER') });
  const from = { params: { ...other, path: 'copied.ipynb' } };
  await expect(reader.copyNotebook({ ...from, body: back })).rejects.toEqual(code('NotFound'));
  await expect(reader.copyNotebook({ ...at('across.ipynb'), body: back })).rejects.toEqual(code('NotAllowed'));
});

test('a notebook saved while it is being renamed arrives under its new name', async () => {
  const before = await startStory((store) => {
    let isFirst = true;
    return {
      ...store,
      // Another tab saves between the copy and the deletion of the original.
      async copy(bucket, from, to, options) {
        const copied = await store.copy(bucket, from, to, options);
        if (isFirst) await store.put(bucket, from, Buffer.from('{"saved": "late"}'), { contentType: 'x/y' });
        isFirst = false;
        return copied;
      },
    };
  });
  try {
    const params = { ...workspace, path: 'r.ipynb' };
    await before.api.putNotebookContent({ params, body: JSON.stringify(notebook) });
    await before.api.renameNotebook({ params, body: { to: 's.ipynb' } });
    const content = await before.api.getNotebookContent({ params: { ...workspace, path: 's.ipynb' } });
    expect(await content.json()).toEqual({ saved: 'late' });
  } finally {
    await before.stop();
  }
});

test("the list says each notebook's language, and reads an unchanged one only once", async () => {
  // Larger than what is read of a notebook's end, the one by Jupyter's own layout, the other by another.
  const cells = [{ cell_type: 'markdown', metadata: {}, source: 'x'.repeat(100_000), id: 'a' }];
  await upload(
    'large.ipynb',
    JSON.stringify({ cells, metadata: notebook.metadata, nbformat: 4, nbformat_minor: 5 }, null, 1),
  );
  await upload('packed.ipynb', JSON.stringify({ metadata: notebook.metadata, cells, nbformat: 4, nbformat_minor: 5 }));
  await story.buckets.put(story.owner, 'notebooks/broken.ipynb', Buffer.from('{'));
  await story.buckets.put(story.owner, 'notebooks/data.csv', Buffer.from('1'));
  const list = await story.api.listNotebooks({ params: workspace });
  const kernelOf = (path: string) => list.find((one) => one.path === path)?.kernel;
  expect(kernelOf('large.ipynb')).toBe('ir');
  expect(kernelOf('packed.ipynb')).toBe('ir');
  expect(kernelOf('broken.ipynb')).toBeNull();
  expect(list.map(({ path }) => path)).not.toContain('data.csv');
  reads = 0;
  await story.api.listNotebooks({ params: workspace });
  expect(reads).toBe(0);
});

test('a notebook of a long name in any script is found again', async () => {
  const path = `${'деревня'.repeat(12)}/${'生物'.repeat(30)} 100% #1.ipynb`;
  await upload(path, JSON.stringify(notebook));
  expect(await (await story.api.getNotebookContent(at(path))).json()).toEqual(notebook);
});

test('a reader can list and open, and not change', async () => {
  const headers = { authorization: `Bearer ${story.token('READER')}` };
  const urlOf = (name: 'getNotebookContent' | 'deleteNotebook') =>
    story.url + endpointUrl(endpoints[name], { ...workspace, path: 'b.ipynb' });
  expect((await fetch(urlOf('getNotebookContent'), { headers })).status).toBe(200);
  expect((await fetch(urlOf('deleteNotebook'), { method: 'DELETE', headers })).status).toBe(403);
});
