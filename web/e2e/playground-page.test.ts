import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, picture, setStage, type Stage } from './browser.ts';
import { openNotebook } from './people.ts';

describe.skipIf(!hasBrowser)('a playground in JupyterLab', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(async () => {
    await stage.close();
  });

  const content = async (path: string): Promise<string> =>
    (await stage.plane.client.getNotebookContent({ params: { ...firstWorkspace, path } })).text();

  test('says what it is, keeps edits to itself, and becomes a notebook when asked', async () => {
    const { page, plane } = stage;
    await plane.client.createNotebook({ params: firstWorkspace, body: { path: 'original.ipynb', kernel: 'python3' } });
    const { path } = await plane.client.createPlayground({ params: { ...firstWorkspace, path: 'original.ipynb' } });
    await openNotebook(page, plane.client, path);
    await page.getByText('Edits are not saved to the workspace').waitFor();
    await page.locator('.jp-CodeCell .cm-content').first().click();
    await page.keyboard.insertText('only = "here"');
    await page.getByText('Kept in this playground for you only').waitFor();
    await picture(page, 'playground');
    expect(await content('original.ipynb')).not.toContain('here');

    await page.getByRole('button', { name: 'Keep as a new notebook' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('kept');
    await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('tab', { name: 'kept.ipynb' }).waitFor();
    await untilTrue(async () => (await content('kept.ipynb')).includes('here'), 'the new notebook has the edits');
    expect(await content('original.ipynb')).not.toContain('here');
    expect(stage.complaints).toEqual([]);
  });
});
