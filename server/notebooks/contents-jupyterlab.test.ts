import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as Services from '@jupyterlab/services';
import { startStory, type Story } from '../testing/notebook-story.ts';

// The package is CommonJS and knows no types for `import` from a module.
const { ContentsManager, ServerConnection } = createRequire(import.meta.url)('@jupyterlab/services') as typeof Services;

let story: Story;
let manager: Services.ContentsManager;

beforeAll(async () => {
  story = await startStory();
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: story.doorUrl,
    wsUrl: story.doorUrl.replace('http', 'ws'),
    token: story.token('WRITER'),
  });
  manager = new ContentsManager({ serverSettings });
});
afterAll(async () => {
  manager.dispose();
  await story.stop();
});

const content = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: [{ cell_type: 'raw', id: 'a', metadata: {}, source: 'x' }],
};

test("JupyterLab's own client does with notebooks all that its file browser and its tabs do", async () => {
  const root = await manager.get('');
  expect((root.content as Services.Contents.IModel[]).map(({ path }) => path)).toEqual(['notebooks']);

  const folder = await manager.newUntitled({ path: 'notebooks', type: 'directory' });
  const untitled = await manager.newUntitled({ path: folder.path, type: 'notebook' });
  expect(untitled.path).toBe('notebooks/Untitled Folder/Untitled.ipynb');
  const saved = await manager.save(untitled.path, { type: 'notebook', format: 'json', content });
  // A tab compares these before it saves again: a difference would be called a conflict.
  const seen = await manager.get(untitled.path, { content: false, hash: true });
  expect([seen.last_modified, seen.created]).toEqual([saved.last_modified, saved.created]);

  const checkpoint = await manager.createCheckpoint(untitled.path);
  expect(await manager.listCheckpoints(untitled.path)).toEqual([checkpoint]);
  await manager.save(untitled.path, { type: 'notebook', format: 'json', content: { ...content, cells: [] } });
  await manager.restoreCheckpoint(untitled.path, checkpoint.id);
  expect((await manager.get(untitled.path)).content).toEqual(content);
  await manager.deleteCheckpoint(untitled.path, checkpoint.id);

  const renamed = await manager.rename(untitled.path, 'notebooks/Ünï 100%.ipynb');
  const copied = await manager.copy(renamed.path, 'notebooks');
  expect(copied.name).toBe('Ünï 100%-Copy1.ipynb');
  const url = await manager.getDownloadUrl(renamed.path);
  expect(url).toContain('/files/notebooks/');
  expect((await fetch(url, { headers: { authorization: `Bearer ${story.token('WRITER')}` } })).status).toBe(200);

  await manager.delete(copied.path);
  await manager.delete(folder.path);
  await expect(manager.get(copied.path)).rejects.toThrow(`There is no file or folder "${copied.path}" here.`);
});
