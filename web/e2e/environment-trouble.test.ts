import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilStatus } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { notebookFile } from './notebook-files.ts';
import { openNotebook } from './people.ts';

describe.skipIf(!hasBrowser)('an environment that runs out of something', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    const { client } = stage.plane;
    const startupScript = 'mkdir -p data && head -c 860M /dev/zero > data/large.bin';
    const body = { memoryGiB: 0.5, diskGiB: 1, startupScript };
    await untilStatus(client, await client.createEnvironment({ params: firstWorkspace, body }), 'Running');
    await client.putNotebookContent({
      params: { ...firstWorkspace, path: 'large.ipynb' },
      body: notebookFile([{ cell_type: 'code', source: 'large = [bytearray(50_000_000) for _ in range(40)]' }]),
    });
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  test('a disk that is nearly full is a warning, and says what takes the room', async () => {
    await openTab(stage, '/environment');
    await page.getByText(/^The disk is \d\d % full/).waitFor();
    const largest = page.getByRole('list', { name: 'What takes the most room' }).getByRole('listitem').first();
    await largest.getByText('~/data/large.bin').waitFor();
    await largest.getByText('860 MiB').waitFor();
    await picture(page, 'trouble-disk');
    await page.getByRole('alert').getByRole('button', { name: 'Grow disk' }).click();
    await page.getByRole('dialog', { name: /^Grow disk/ }).waitFor();
    await page.keyboard.press('Escape');
  });

  test('a kernel that ran out of memory says so, and leads to more of it', async () => {
    await openNotebook(page, stage.plane.client, 'large.ipynb');
    await page.locator('.jp-Notebook .jp-CodeCell .cm-content').first().click();
    await page.keyboard.press('Shift+Enter');
    await page.locator('.jp-OutputArea-output', { hasText: 'ran out of memory' }).waitFor();
    await page.locator('.Toastify__toast', { hasText: 'ran out of memory' }).getByText('Give it 1 GiB').waitFor();
    expect(await page.locator('.jp-Dialog').count()).toBe(0);
    await picture(page, 'trouble-memory-lab');

    await openTab(stage, '/environment');
    await page.getByRole('link', { name: 'Give it 1 GiB' }).click();
    await expect.poll(() => page.getByLabel('Memory (GiB)').inputValue()).toBe('1');
    await page
      .getByRole('region', { name: 'What the changes do' })
      .getByText(/1 GiB of memory/)
      .waitFor();
    await picture(page, 'trouble-memory');
  });

  test('nothing went wrong unseen', () => {
    // What JupyterLab had asked of the kernel that was killed is never answered.
    expect(stage.complaints.filter((complaint) => !complaint.startsWith('Canceled future for '))).toEqual([]);
  });
});
