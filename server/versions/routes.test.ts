import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Client, type WorkspaceRole } from '@terrarium/contract';
import type { Notebook } from '../documents/nbformat.ts';
import { startStory, type Story } from '../testing/notebook-story.ts';
import { upgraded } from './testing-notebooks.ts';

let story: Story;
const clientOf = (role: WorkspaceRole): Client => createClient({ baseUrl: story.url, token: story.token(role) });
const place = { namespace: 'lab', name: 'one' };
const at = (path: string) => ({ ...place, path });
const file = (...cells: [id: string, source: string][]) =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(([id, source]) => ({ cell_type: 'markdown', id, source, metadata: {} })),
  });
const inShort = async (path: string) =>
  (await story.api.listVersions({ params: at(path) })).map(({ kind, name, authors }) =>
    [kind, name, ...authors.map((author) => author.name)].filter(Boolean).join(' '),
  );
const sourcesOf = ({ cells }: Notebook) => cells.map((cell) => [cell['source']].flat().join(''));
const stored = async (path: string) =>
  sourcesOf((await (await story.api.getNotebookContent({ params: at(path) })).json()) as Notebook);
const refusal = (code: string): unknown => expect.objectContaining({ code });

beforeAll(async () => {
  story = await startStory();
});
afterAll(async () => {
  await story.stop();
});

async function written(path: string): Promise<{ newest: string; oldest: string }> {
  await story.api.putNotebookContent({ params: at(path), body: file(['a', '1'], ['b', '1']) });
  await clientOf('WRITER').putNotebookContent({ params: at(path), body: file(['a', '2'], ['b', '2']) });
  const [newest, oldest] = await story.api.listVersions({ params: at(path) });
  return { newest: newest?.version ?? '', oldest: oldest?.version ?? '' };
}

describe('the history of a notebook', () => {
  it('says who wrote it, and how', async () => {
    const { newest } = await written('who.ipynb');
    expect(await inShort('who.ipynb')).toEqual(['upload writer', 'upload owner']);
    expect((await story.api.listVersions({ params: at('who.ipynb') })).map(({ isCurrent }) => isCurrent)).toEqual([
      true,
      false,
    ]);
    await clientOf('WRITER').createNotebook({ params: place, body: { path: 'made.ipynb' } });
    await story.api.copyNotebook({ params: at('who.ipynb'), body: { to: 'copied.ipynb' } });
    await story.api.putObject({ params: { ...place, key: 'notebooks/object.ipynb' }, body: file() });
    expect(await inShort('made.ipynb')).toEqual(['created writer']);
    expect(await inShort('copied.ipynb')).toEqual(['created owner']);
    expect(await inShort('object.ipynb')).toEqual(['created owner']);
    expect(['current', 'previous']).not.toContain(newest);
  });

  it('is read and compared by whoever may read', async () => {
    const { newest, oldest } = await written('read.ipynb');
    const reader = clientOf('READER');
    const response = await reader.getVersion({ params: { ...at('read.ipynb'), version: oldest } });
    expect(response.headers.get('content-type')).toMatch(/^application\/x-ipynb\+json/);
    expect(sourcesOf((await response.json()) as Notebook)).toEqual(['1', '1']);
    const diff = await reader.diffVersion({ params: { ...at('read.ipynb'), version: newest } });
    expect(diff).toMatchObject({ before: { version: oldest }, after: { version: newest } });
    expect(diff.cells.map(({ kind }) => kind)).toEqual(['changed', 'changed']);
    const now = { params: { ...at('read.ipynb'), version: newest }, query: { against: 'current' } };
    expect((await reader.diffVersion(now)).cells.map(({ kind }) => kind)).toEqual(['same', 'same']);

    const { version } = { version: oldest };
    await expect(reader.restoreVersion({ params: { ...at('read.ipynb'), version }, body: {} })).rejects.toEqual(
      refusal('NotAllowed'),
    );
    await expect(
      reader.updateVersion({ params: { ...at('read.ipynb'), version }, body: { name: 'x' } }),
    ).rejects.toEqual(refusal('NotAllowed'));
    await expect(reader.createVersion({ params: at('read.ipynb'), body: {} })).rejects.toEqual(refusal('NotAllowed'));
  });

  it('refuses what there is not, and what makes no sense', async () => {
    const { oldest } = await written('bad.ipynb');
    const other = await written('other.ipynb');
    await expect(story.api.listVersions({ params: at('nowhere.ipynb') })).rejects.toEqual(refusal('NotFound'));
    for (const version of ['nowhere', 'current', '../x', other.oldest]) {
      const params = { ...at('bad.ipynb'), version };
      await expect(story.api.getVersion({ params })).rejects.toEqual(refusal('NotFound'));
      await expect(story.api.diffVersion({ params })).rejects.toEqual(refusal('NotFound'));
      await expect(story.api.restoreVersion({ params, body: {} })).rejects.toEqual(refusal('NotFound'));
    }
    const params = { ...at('bad.ipynb'), version: oldest };
    for (const cells of [[], ['nowhere'], ['a'.repeat(65)]]) {
      await expect(story.api.restoreVersion({ params, body: { cells } })).rejects.toEqual(refusal('InvalidInput'));
    }
    for (const name of ['', '   ', 'x'.repeat(121)]) {
      await expect(story.api.updateVersion({ params, body: { name } })).rejects.toEqual(refusal('InvalidInput'));
    }
  });

  it('has a version that is not a notebook, says so, and goes on', async () => {
    const path = 'broken.ipynb';
    await story.buckets.put(story.owner, `notebooks/${path}`, Buffer.from('{"nbformat": 4,'));
    await story.api.putNotebookContent({ params: at(path), body: file(['a', '1']) });
    const [newest, oldest] = await story.api.listVersions({ params: at(path) });
    const of = (version: string | undefined) => ({ params: { ...at(path), version: version ?? '' } });
    await expect(story.api.getVersion(of(oldest?.version))).rejects.toThrow(/is not a notebook: it is not valid JSON/);
    await expect(story.api.diffVersion(of(newest?.version))).rejects.toEqual(refusal('InvalidInput'));
    expect((await story.api.getVersion(of(newest?.version))).ok).toBe(true);
  });
});

describe('a restore', () => {
  it('reaches those who have the notebook open, and keeps what they typed', async () => {
    const path = 'open.ipynb';
    const { oldest } = await written(path);
    using held = await story.documents.hold(story.owner, `notebooks/${path}`);
    const { document } = held;
    const typed = { accountId: 'writer', name: 'writer' };
    document.change(
      () => {
        const cells = document.doc.getArray('cells');
        const cell = cells.get(1);
        // A cell of the shared document is a map, with its source as a shared text.
        const source = (cell as { get(key: string): { insert(at: number, text: string): void } }).get('source');
        source.insert(0, 'typed ');
      },
      { author: typed },
    );
    const params = { ...at(path), version: oldest };
    const restored = await story.api.restoreVersion({ params, body: { cells: ['a'] } });
    expect(sourcesOf(document.notebook())).toEqual(['1', 'typed 2']);
    expect(await inShort(path)).toEqual(['restore owner', 'autosave writer', 'upload writer', 'upload owner']);

    await story.api.restoreVersion({ params, body: {} });
    expect(sourcesOf(document.notebook())).toEqual(['1', '1']);
    const undo = await story.api.restoreVersion({ params: { ...params, version: restored.version.version }, body: {} });
    expect(undo.version).toMatchObject({ kind: 'restore', isCurrent: true });
    expect(sourcesOf(document.notebook())).toEqual(['1', 'typed 2']);
    expect(await stored(path)).toEqual(['1', 'typed 2']);
    expect(await inShort(path)).toHaveLength(6);
  });

  it('is not needed to save over a version that was thinned out: what differs is a conflict, the rest is kept', async () => {
    const path = 'thinned.ipynb';
    await written(path);
    const key = `notebooks/${path}`;
    const [older] = await story.store.versions(story.owner.bucket, key);
    const base = older?.generation ?? '';
    await story.store.deleteVersion(story.owner.bucket, key, base);
    const merge = (...cells: [id: string, source: string][]) =>
      story.documents.merge(story.owner, key, { base, notebook: upgraded(JSON.parse(file(...cells))), author: null });
    expect(await merge(['a', 'mine'], ['b', '2'])).toMatchObject({ kind: 'conflict', cells: ['a'] });
    expect(await merge(['a', '2'], ['new', 'mine'])).toMatchObject({ kind: 'merged' });
    expect((await stored(path)).toSorted()).toEqual(['2', '2', 'mine']);
  });

  it('needs no body', async () => {
    const { oldest } = await written('script.ipynb');
    const address = `${story.url}/api/workspaces/lab/one/notebooks/script.ipynb/versions/${oldest}/restore`;
    const headers = { authorization: `Bearer ${story.token('OWNER')}` };
    const response = await fetch(address, { method: 'POST', headers });
    expect([response.status, await stored('script.ipynb')]).toEqual([200, ['1', '1']]);
  });

  it('of two at once ends in one of the two, and both are versions', async () => {
    const path = 'race.ipynb';
    const { newest, oldest } = await written(path);
    await story.api.putNotebookContent({ params: at(path), body: file(['a', '3'], ['b', '3']) });
    const restores = [newest, oldest, newest, oldest].map((version) =>
      story.api.restoreVersion({ params: { ...at(path), version }, body: {} }),
    );
    await Promise.all(restores);
    expect(['1,1', '2,2']).toContain((await stored(path)).join());
    const kinds = await inShort(path);
    expect(kinds.slice(-3)).toEqual(['upload owner', 'upload writer', 'upload owner']);
    expect(kinds.slice(0, -3).every((kind) => kind === 'restore owner')).toBe(true);
  });
});

describe('checkpoints', () => {
  it('are versions, named or not', async () => {
    const path = 'checkpoints.ipynb';
    const { oldest } = await written(path);
    const named = await story.api.createVersion({ params: at(path), body: { name: ' first draft ' } });
    expect(named).toMatchObject({ name: 'first draft', kind: 'checkpoint', isCurrent: true });
    await story.api.updateVersion({ params: { ...at(path), version: oldest }, body: { name: 'the beginning' } });
    expect(await inShort(path)).toEqual(['checkpoint first draft writer', 'upload the beginning owner']);
  });

  it('of Jupyter clients are versions too, and so is going back to them', async () => {
    const path = 'jupyter.ipynb';
    await written(path);
    const address = `${story.doorUrl}/api/contents/notebooks/${path}/checkpoints`;
    const post = (url: string) =>
      fetch(url, { method: 'POST', headers: { authorization: `Bearer ${story.token('OWNER')}` } });
    const created = await post(address);
    expect(created.status).toBe(201);
    await story.api.putNotebookContent({ params: at(path), body: file(['a', '3']) });
    expect((await post(`${address}/checkpoint`)).status).toBe(204);
    expect(await stored(path)).toEqual(['2', '2']);
    expect(await inShort(path)).toEqual(['restore owner', 'upload owner', 'checkpoint writer', 'upload owner']);
  });
});

describe('a notebook that moves or goes', () => {
  it('keeps its history through renames of it and of its folder', async () => {
    await written('one/x.ipynb');
    await story.api.renameNotebook({ params: at('one/x.ipynb'), body: { to: 'one/y.ipynb' } });
    const rename = await fetch(`${story.doorUrl}/api/contents/notebooks/one`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${story.token('OWNER')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ path: 'notebooks/two' }),
    });
    expect(rename.status).toBe(200);
    expect(await inShort('two/y.ipynb')).toEqual(['upload writer', 'upload owner']);
    expect((await story.api.listDeletedNotebooks({ params: place })).map(({ path }) => path)).toEqual([]);
  });

  it('keeps its history when it is renamed while somebody edits it', async () => {
    await written('edited.ipynb');
    using held = await story.documents.hold(story.owner, 'notebooks/edited.ipynb');
    await story.api.renameNotebook({ params: at('edited.ipynb'), body: { to: 'renamed.ipynb' } });
    const editor = { accountId: 'reader', name: 'reader' };
    held.document.change(() => held.document.doc.getArray('cells').delete(0, 1), { author: editor });
    await story.documents.flush(story.owner, 'notebooks/renamed.ipynb');
    expect(await inShort('renamed.ipynb')).toEqual(['autosave reader', 'upload writer', 'upload owner']);
    expect(await stored('renamed.ipynb')).toEqual(['2']);
    await expect(story.api.listVersions({ params: at('edited.ipynb') })).rejects.toEqual(refusal('NotFound'));
  });

  it('comes back after it was deleted, in whatever way', async () => {
    const door = { headers: { authorization: `Bearer ${story.token('OWNER')}` }, method: 'DELETE' };
    const ways: [path: string, remove: (path: string) => Promise<unknown>][] = [
      ['api.ipynb', (path) => story.api.deleteNotebook({ params: at(path) })],
      ['object.ipynb', (path) => story.api.deleteObject({ params: { ...place, key: `notebooks/${path}` } })],
      ['folder/x.ipynb', () => story.api.deleteObject({ params: { ...place, key: 'notebooks/folder/' } })],
      ['door.ipynb', (path) => fetch(`${story.doorUrl}/api/contents/notebooks/${path}`, door)],
      ['past.ipynb', (path) => story.store.delete(story.owner.bucket, `notebooks/${path}`)],
    ];
    for (const [path, remove] of ways) {
      await written(path);
      await remove(path);
      await expect(story.api.listVersions({ params: at(path) })).rejects.toEqual(refusal('NotFound'));
    }
    const deleted = await clientOf('READER').listDeletedNotebooks({ params: place });
    expect(deleted.map(({ path }) => path).toSorted()).toEqual(ways.map(([path]) => path).toSorted());
    for (const { id, path } of deleted) {
      const params = { ...place, id };
      await expect(clientOf('READER').restoreDeletedNotebook({ params })).rejects.toEqual(refusal('NotAllowed'));
      expect(await clientOf('WRITER').restoreDeletedNotebook({ params })).toEqual({ path });
      expect(await stored(path)).toEqual(['2', '2']);
      expect((await inShort(path)).slice(0, 2)).toEqual(['restore writer', 'upload writer']);
    }
    expect(await story.api.listDeletedNotebooks({ params: place })).toEqual([]);
  });
});
