import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { openNotebook } from './people.ts';

describe.skipIf(!hasBrowser)('an open notebook whose history the server has lost', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    await stage.plane.client.createNotebook({
      params: firstWorkspace,
      body: { path: 'restored.ipynb', kernel: 'python3' },
    });
    await openNotebook(page, stage.plane.client, 'restored.ipynb');
  });
  beforeEach(() => {
    pictureOnFailure(page);
  });
  afterAll(async () => {
    await stage.close();
  });

  const cell = () => page.locator('.jp-NotebookPanel:visible .jp-CodeCell .cm-content').first();
  const status = () => page.locator('.tr-Save');
  const notice = () => page.getByText(/^Your edits are kept as "restored .* another history/);

  async function type(text: string): Promise<void> {
    await cell().click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.insertText(text);
  }

  async function stored(notebook: string): Promise<string> {
    return (await stage.plane.client.getNotebookContent({ params: { ...firstWorkspace, path: notebook } })).text();
  }

  async function notebooks(): Promise<string[]> {
    const all = await stage.plane.client.listNotebooks({ params: firstWorkspace });
    return all.map((notebook) => notebook.path).filter((name) => name.startsWith('restored'));
  }

  /** Ends the server as a restore from a backup would: the buckets are there, the documents' journals are not. */
  async function loseHistories(): Promise<void> {
    await stage.plane.kill();
    const directory = path.join(stage.installation.dataDirectory, 'documents');
    for (const file of await readdir(directory)) await rm(path.join(directory, file));
  }

  async function comeBack(): Promise<void> {
    stage.plane = await stage.installation.start();
    await status().getByText('Saved', { exact: true }).waitFor({ timeout: 60_000 });
  }

  test('is opened anew without a word where nothing in the window is unsaved', async () => {
    await type('kept = "by the bucket"');
    await status().getByText('Saved', { exact: true }).waitFor();
    await untilTrue(async () => (await stored('restored.ipynb')).includes('by the bucket'), 'the bucket has it');
    await loseHistories();
    await status().getByText('Saved', { exact: true }).waitFor({ state: 'detached' });
    await comeBack();
    await untilTrue(async () => (await cell().innerText()) === 'kept = "by the bucket"', 'the notebook is there');
    expect(await notebooks()).toEqual(['restored.ipynb']);
    expect(await notice().count()).toBe(0);
    await type('\nand_on = 1');
    await untilTrue(async () => (await stored('restored.ipynb')).includes('and_on'), 'the bucket has what follows');
  });

  test('is opened anew beside a copy of what only the window has', async () => {
    await loseHistories();
    await type('\nonly = "in this window"');
    await comeBack();
    await notice().waitFor({ timeout: 60_000 });
    await untilTrue(async () => !(await cell().innerText()).includes('only'), 'the notebook is as the bucket has it');
    expect(await cell().innerText()).toContain('and_on = 1');
    await picture(page, 'lost-history');
    const [copy = ''] = (await notebooks()).filter((name) => name !== 'restored.ipynb');
    expect(copy).toMatch(/^restored \(mine [\d -]+\)\.ipynb$/);
    expect(await stored(copy)).toContain('in this window');
    expect(await stored('restored.ipynb')).not.toContain('in this window');
    await page.getByRole('button', { name: 'Open my copy' }).click();
    await untilTrue(async () => (await cell().innerText()).includes('only = "in this window"'), 'the copy is open');
    await picture(page, 'lost-history-copy');
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
