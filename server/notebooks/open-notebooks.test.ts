import { afterEach, beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import type { LiveDocument } from '../documents/live-document.ts';
import { sharedCells } from '../documents/shared-notebook.ts';
import { startStory, type Story } from '../testing/notebook-story.ts';

const key = 'notebooks/a.ipynb';
let story: Story;

beforeEach(async () => {
  story = await startStory();
  await story.buckets.put(story.owner, key, Buffer.from(JSON.stringify(notebookOf('one', 'two'))));
});
afterEach(() => story.stop());

function notebookOf(...sources: string[]) {
  const cells = sources.map((source, index) => ({
    id: `cell${String(index)}`,
    cell_type: 'markdown',
    metadata: {},
    source,
  }));
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

async function contents(method: string, content?: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${story.doorUrl}/api/contents/${key}?content=1&type=notebook`, {
    method,
    headers: {
      authorization: `Bearer ${story.token('OWNER')}`,
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: JSON.stringify({ type: 'notebook', format: 'json', content }) }),
  });
  const body = (await response.json()) as { content?: { cells: { source: string }[] } | null; message?: string };
  return { status: response.status, body, sources: body.content?.cells.map(({ source }) => source) };
}

function type(document: LiveDocument, cell: number, text: string): void {
  document.change(
    () => {
      const source = sharedCells(document.doc).get(cell).get('source');
      if (source instanceof Y.Text) source.insert(0, text);
    },
    { author: { accountId: 'someone', name: 'Someone' } },
  );
}

test('an open notebook is read as it stands, not as it was last stored', async () => {
  using held = await story.documents.hold(story.owner, key);
  type(held.document, 0, 'now ');
  expect((await contents('GET')).sources).toEqual(['now one', 'two']);
  const response = await story.api.getNotebookContent({ params: { namespace: 'lab', name: 'one', path: 'a.ipynb' } });
  expect(await response.text()).toContain('now one');
});

test('a client that saves what it read a while ago keeps what others typed since, or is refused', async () => {
  using held = await story.documents.hold(story.owner, key);
  await contents('GET');
  type(held.document, 0, 'theirs ');
  const saved = await contents('PUT', notebookOf('one', 'mine'));
  expect(saved.status).toBe(200);
  expect((await contents('GET')).sources).toEqual(['theirs one', 'mine']);

  type(held.document, 0, 'again ');
  const refused = await contents('PUT', notebookOf('other', 'mine'));
  expect(refused.status).toBe(409);
  expect(refused.body.message).toMatch(/changed by somebody else since you read/);
  expect((await contents('GET')).sources).toEqual(['again theirs one', 'mine']);
});

test('a save over a generation that is not the latest is refused', async () => {
  using held = await story.documents.hold(story.owner, key);
  const before = await story.buckets.head(story.owner, key);
  type(held.document, 0, 'theirs ');
  const refused = await contents('PUT', notebookOf('one', 'mine'), { 'if-match': `"${before?.generation ?? ''}"` });
  expect(refused.status).toBe(412);
  expect((await contents('GET')).sources).toEqual(['theirs one', 'two']);
});

test('a save without having read replaces the notebook, and what was there stays among its versions', async () => {
  using held = await story.documents.hold(story.owner, key);
  type(held.document, 0, 'typed ');
  expect((await contents('PUT', notebookOf('all new'))).status).toBe(200);
  expect(held.document.notebook().cells.map(({ source }) => source)).toEqual(['all new']);
  const versions = await story.store.versions(story.owner.bucket, key);
  const found = await story.store.get(story.owner.bucket, key, { generation: versions[0]?.generation ?? '' });
  const text = await new Response(found?.body as never).text();
  expect(text).toContain('typed one');
});

test("nobody reads or writes another person's playground", async () => {
  const { key: playground } = await story.documents.createPlayground(story.owner, key, {
    accountId: 'writer',
    name: 'Writer',
  });
  const ask = (role: 'OWNER' | 'WRITER', method = 'GET') =>
    fetch(`${story.doorUrl}/api/contents/${playground}`, {
      method,
      headers: { authorization: `Bearer ${story.token(role)}` },
    });
  expect((await ask('WRITER')).status).toBe(200);
  expect((await ask('OWNER')).status).toBe(404);
  expect((await ask('OWNER', 'DELETE')).status).toBe(404);
  expect((await ask('WRITER')).status).toBe(200);
});
