import { watch } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstallation, type ControlPlane, type Installation } from '../testing/control-plane.ts';
import { Editor, putNotebook } from '../testing/live-notebook.ts';

const params = { namespace: 'my-project', name: 'getting-started', path: 'typed.ipynb' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});
afterAll(() => installation.remove());

/** Resolves with the n-th change of a file in a folder. */
async function changeIn(folder: string, count: number): Promise<void> {
  let left = count;
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      left -= 1;
      if (left > 0) return;
      watcher.close();
      resolve();
    });
  });
}

test('every version has its authors, also when kill -9 falls between the write to the bucket and its row', async () => {
  await putNotebook(plane, params, [{ source: '', cell_type: 'markdown' }]);
  const { bucket } = await plane.client.getWorkspace({ params });
  // Where people see what a bucket has: it changes when the write is done, and before anybody is told of it.
  const folder = path.join(installation.dataDirectory, 'buckets/buckets', bucket, 'notebooks');
  for (const count of [1, 1, 1, 2, 2, 3]) {
    const editor = await Editor.open(plane, params);
    const written = changeIn(folder, count);
    editor.source(0).insert(0, `${String(count)} `);
    await editor.saved();
    editor.save(count);
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, 2000))]);
    await plane.kill();
    await editor.close();
    plane = await installation.start();
    const reopened = await Editor.open(plane, params);
    expect(reopened.text(0)).toMatch(new RegExp(`^${String(count)} `));
    reopened.save(count);
    await reopened.close();
  }
  await plane.client.createVersion({ params, body: {} });
  const versions = await plane.client.listVersions({ params });
  expect(versions.length).toBeGreaterThan(1);
  for (const { authors, kind, at } of versions) {
    expect(
      authors.map(({ name }) => name),
      `${kind} of ${at}`,
    ).toHaveLength(1);
  }
}, 180_000);
