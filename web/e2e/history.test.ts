import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '@terrarium/contract';
import { invite } from '../../server/testing/people.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { executedNotebook, notebookFile } from './notebook-files.ts';
import { screenProblems } from './screen-problems.ts';

type Cells = Parameters<typeof notebookFile>[0];

const params = { ...firstWorkspace, path: 'analysis.ipynb' };
const [heading, table, plot, failure] = executedNotebook;
if (heading === undefined || table === undefined || plot === undefined || failure === undefined) {
  throw new Error('The notebook has four cells.');
}

const first: Cells = [
  heading,
  { cell_type: 'code', source: 'import pandas as pd\n\nreads = pd.read_csv("reads.csv")\nreads.head(5)' },
  table,
  { cell_type: 'code', source: 'threshold = 10' },
];
const second: Cells = [
  { ...heading, source: '# Reads per gene\nThe median is $\\tilde x$.' },
  { cell_type: 'code', source: 'import pandas as pd\n\nreads = pd.read_csv("reads-2026.csv")\nreads.head(20)' },
  { ...table, outputs: plot.outputs ?? [] },
  { cell_type: 'code', source: 'threshold = 10' },
  failure,
];

describe.skipIf(!hasBrowser)('the history of a notebook', () => {
  let stage: Stage;
  let page: Page;
  let colleague: Client;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    colleague = (await invite(stage.plane, firstWorkspace, { role: 'WRITER', name: 'Mary Anning' })).client;
    await stage.plane.client.putNotebookContent({ params, body: notebookFile(first) });
    await colleague.putNotebookContent({ params, body: notebookFile(second) });
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const versions = () => page.getByRole('navigation', { name: 'Versions' });
  const entries = () => versions().getByRole('link');
  const change = (name: RegExp) => page.getByRole('region', { name });
  const sources = async (): Promise<string[]> => {
    const response = await stage.plane.client.getNotebookContent({ params });
    // What was written above, as nbformat has it.
    const { cells } = (await response.json()) as { cells: { source: string | string[] }[] };
    return cells.map(({ source }) => [source].flat().join(''));
  };

  test('is found from the list and from the preview', async () => {
    await openTab(stage, '/notebooks');
    await page.getByRole('button', { name: 'Actions for analysis' }).click();
    await page.getByRole('menuitem', { name: 'History' }).click();
    await versions().waitFor();
    await page.getByRole('link', { name: 'Preview', exact: true }).click();
    await page.getByRole('link', { name: 'History' }).click();
    await versions().waitFor();
  });

  test('says who saved what and when, the newest first', async () => {
    await entries().nth(1).waitFor();
    expect(await entries().count()).toBe(2);
    expect(await entries().nth(0).textContent()).toMatch(/now.*Mary Anning.*just now/);
    await entries().nth(0).getByText('just now').hover();
    await page.getByRole('tooltip').filter({ hasText: /\d{4}/ }).waitFor();
    await page.mouse.move(0, 0);
  });

  test('shows what changed, cell by cell: words, outputs, whole cells', async () => {
    await page.getByText('3 cells changed, 1 added').waitFor();
    const source = change(/^Cell 2, changed/).getByRole('group', { name: 'Source' });
    expect(await source.getByText('Removed: reads = pd.read_csv("reads.csv")').count()).toBe(1);
    expect(await source.locator('mark').allTextContents()).toContain('20');
    const outputs = change(/^Cell 3, changed/);
    await outputs.getByText('Output before').waitFor();
    await outputs.frameLocator('iframe').getByRole('cell', { name: 'BRCA1' }).waitFor();
    await outputs.getByRole('img', { name: 'Output picture' }).waitFor();
    await change(/^Cell 5, added/)
      .getByText('ZeroDivisionError')
      .first()
      .waitFor();
    await page.getByRole('button', { name: '1 cell unchanged' }).click();
    await page.getByText('threshold = 10').waitFor();
    await picture(page, 'history');
  });

  test('can be walked through by keyboard, and linked to', async () => {
    await entries().nth(0).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByText('4 cells added').waitFor();
    await page.getByText('Compared with now').click();
    await page.getByText('3 cells changed, 1 added').waitFor();
    await page.reload();
    await page.getByText('3 cells changed, 1 added').waitFor();
    expect(await entries().nth(1).getAttribute('aria-current')).toBe('page');
    await picture(page, 'history-compared');
  });

  test('gives one cell back, and undoes it', async () => {
    await change(/^Cell 1, changed/)
      .getByRole('button', { name: 'Restore this cell' })
      .click();
    await page.getByText('Restored the cell.').waitFor();
    expect((await sources())[0]).toContain('The mean is');
    expect((await sources())[1]).toContain('reads-2026');
    await picture(page, 'history-restored');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone.').waitFor();
    expect(await sources()).toEqual(second.map(({ source }) => source));
  });

  test('gives the notebook back, and undoes it', async () => {
    await page.getByRole('button', { name: 'Restore this version' }).click();
    await page.getByText('Restored the version of').waitFor();
    expect(await sources()).toEqual(first.map(({ source }) => source));
    await page.getByText('No differences').waitFor();
    await picture(page, 'history-same');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Undone.').waitFor();
    expect(await sources()).toEqual(second.map(({ source }) => source));
    await expect.poll(() => versions().getByText('Restored').count()).toBe(4);
  });

  test('names a version, and takes the name away', async () => {
    await page.getByRole('button', { name: 'Name this version' }).click();
    const dialog = page.getByRole('dialog', { name: 'Name this version' });
    await dialog.getByRole('button', { name: 'Save name' }).click();
    await dialog.getByText('A version needs a name.').waitFor();
    await dialog.getByLabel('Name').fill('Sent to the reviewers');
    await picture(page, 'history-name');
    await dialog.getByRole('button', { name: 'Save name' }).click();
    await versions().getByText('Sent to the reviewers').waitFor();
    await picture(page, 'history-named');
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('button', { name: 'Remove the name' }).click();
    await versions().getByText('Sent to the reviewers').waitFor({ state: 'detached' });
  });

  test('appears while it is looked at', async () => {
    const before = await entries().count();
    await colleague.createVersion({ params, body: { name: 'By Mary' } });
    await versions().getByText('By Mary').waitFor();
    await colleague.putNotebookContent({ params, body: notebookFile([...second, heading]) });
    await expect.poll(() => entries().count()).toBe(before + 1);
  });

  test('a deleted notebook comes back with it', async () => {
    await openTab(stage, '/notebooks');
    await page.getByRole('button', { name: 'Actions for analysis' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete notebook' }).click();
    await page.getByRole('link', { name: 'analysis', exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Deleted notebooks' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deleted notebooks' });
    await dialog.getByRole('button', { name: 'Restore analysis' }).waitFor();
    await picture(page, 'history-deleted');
    await dialog.getByRole('button', { name: 'Restore analysis' }).click();
    await dialog.getByText(/^Restored analysis/).waitFor();
    await dialog.getByText('No deleted notebooks').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'analysis', exact: true }).waitFor();
    expect((await sources()).length).toBe(second.length + 1);
    expect((await stage.plane.client.listVersions({ params })).map(({ name }) => name)).toContain('By Mary');
  });

  for (const { name, width, colorScheme } of [
    { name: 'light', width: 1280, colorScheme: 'light' },
    { name: 'dark', width: 1280, colorScheme: 'dark' },
    { name: 'phone', width: 400, colorScheme: 'light' },
  ] as const) {
    test(`fits, is named and is readable: ${name}`, async () => {
      const [, oldest] = await stage.plane.client.listVersions({ params });
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const address = `${stage.plane.url}/workspaces/my-project/getting-started/notebooks/analysis.ipynb/history`;
      for (const search of ['', `?version=${oldest?.version ?? ''}&against=current`]) {
        await page.goto(address + search);
        await versions().waitFor();
        await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
        expect(await screenProblems(page)).toEqual([]);
      }
      await picture(page, `screen-history-${name}`);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
