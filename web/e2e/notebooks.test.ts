import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { executedNotebook, hostileNotebook, notebookFile } from './notebook-files.ts';

describe.skipIf(!hasBrowser)('notebooks', () => {
  let stage: Stage;
  let page: Page;
  /** Where a hostile notebook would report to. */
  let attacker: Server;
  const reports: string[] = [];

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    attacker = createServer((request, response) => {
      reports.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
    await openTab(stage, '/notebooks');
  });
  afterAll(async () => {
    attacker.close();
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const list = () => page.getByRole('table', { name: 'Notebooks' });
  const row = (title: string) =>
    list()
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: title, exact: true }) });
  const labHeading = () => page.locator('.jp-Notebook').getByRole('heading', { name: 'Reads per gene' });
  const uploads = () => page.getByRole('region', { name: 'Uploads' });

  async function act(title: string, action: string): Promise<void> {
    await page.getByRole('button', { name: `Actions for ${title}`, exact: true }).click();
    await page.getByRole('menuitem', { name: action }).click();
  }

  async function upload(name: string, content: string): Promise<void> {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload' }).click();
    await (await chooser).setFiles({ name, mimeType: '', buffer: Buffer.from(content) });
  }

  test('the examples are there, each with its language', async () => {
    await row('python-elevation-map').getByText('Python', { exact: true }).waitFor();
    await row('r-air-quality').getByText('R', { exact: true }).waitFor();
    await picture(page, 'notebooks');
    await page.getByRole('searchbox', { name: 'Search notebooks' }).fill('air');
    await row('python-elevation-map').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Clear search' }).click();
    await list().getByRole('button', { name: 'Name' }).click();
    await row('python-elevation-map').waitFor();
    expect(await list().getByRole('row').nth(1).textContent()).toContain('python-elevation-map');
  });

  test('a new notebook has the language that was chosen', async () => {
    const dialog = page.getByRole('dialog', { name: 'New notebook' });
    for (const [name, language, kernel] of [
      ['counts', 'Python', 'python3'],
      ['statistics', 'R', 'ir'],
    ] as const) {
      await page.getByRole('button', { name: 'New notebook' }).click();
      await dialog.getByLabel('Name').fill(name);
      await dialog.getByRole('radio', { name: new RegExp(`^${language}\\b`) }).check();
      if (language === 'R') await picture(page, 'notebook-new');
      await dialog.getByRole('button', { name: 'Create notebook' }).click();
      await row(name).getByText(language, { exact: true }).waitFor();
      const content = await stage.plane.client.getNotebookContent({
        params: { ...firstWorkspace, path: `${name}.ipynb` },
      });
      expect(await content.json()).toMatchObject({ metadata: { kernelspec: { name: kernel } } });
    }
  });

  test('names that cannot be, and that are taken, are refused where they are typed', async () => {
    const dialog = page.getByRole('dialog', { name: 'New notebook' });
    await page.getByRole('button', { name: 'New notebook' }).click();
    const name = dialog.getByLabel('Name');
    const create = dialog.getByRole('button', { name: 'Create notebook' });
    for (const bad of ['', 'counts', '../escape', 'long'.repeat(80), 'a\u202Eb']) {
      await name.fill(bad);
      await create.click();
      await expect.poll(() => name.getAttribute('aria-invalid'), { message: bad }).toBe('true');
    }
    await picture(page, 'notebook-bad-name');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a notebook is uploaded; again, it asks before it replaces', async () => {
    await upload('analysis.ipynb', notebookFile(executedNotebook));
    await row('analysis').waitFor();
    await upload('analysis.ipynb', notebookFile([]));
    await uploads().getByText('There is a file of this name already.').waitFor();
    await picture(page, 'notebook-upload-exists');
    await uploads().getByRole('button', { name: 'Keep the old one' }).click();
    const content = await stage.plane.client.getNotebookContent({
      params: { ...firstWorkspace, path: 'analysis.ipynb' },
    });
    expect(await content.text()).toContain('BRCA1');
    await page.getByRole('button', { name: 'Clear finished' }).click();
    await uploads().waitFor({ state: 'detached' });
  });

  test('what is not a notebook is refused in words, and nothing is stored', async () => {
    for (const [name, content, reason] of [
      ['table.csv', 'gene,reads', /does not end in ".ipynb"/],
      ['broken.ipynb', '{"cells": [', /not valid JSON/],
      ['other.ipynb', '{"cells": []}', /without the field "nbformat"/],
    ] as const) {
      await upload(name, content);
      await uploads().getByRole('alert').filter({ hasText: reason }).waitFor();
      await page.getByRole('button', { name: `Dismiss ${name}` }).click();
    }
    expect(await row('broken').count()).toBe(0);
  });

  test('rename, copy and delete', async () => {
    await act('counts', 'Rename…');
    const renaming = page.getByRole('dialog', { name: 'Rename "counts"' });
    await renaming.getByLabel('New name').fill('gene counts');
    await renaming.getByRole('button', { name: 'Rename' }).click();
    await row('gene counts').waitFor();
    expect(await row('counts').count()).toBe(0);

    await act('gene counts', 'Make a copy…');
    const copying = page.getByRole('dialog', { name: 'Copy "gene counts"' });
    await copying.getByRole('button', { name: 'Copy' }).click();
    await row('gene counts copy').waitFor();

    await act('gene counts copy', 'Delete…');
    const deleting = page.getByRole('dialog', { name: 'Delete "gene counts copy"?' });
    await deleting.getByText(/^Lost: the notebook/).waitFor();
    await picture(page, 'notebook-delete');
    await deleting.getByRole('button', { name: 'Delete notebook' }).click();
    await row('gene counts copy').waitFor({ state: 'detached' });
    await row('gene counts').waitFor();
  });

  test('the preview shows code, a table, a plot and a traceback with nothing running', async () => {
    await page.getByRole('link', { name: 'Preview analysis' }).click();
    const cells = page.getByRole('region', { name: /^Cell / });
    await page.getByRole('heading', { name: 'Reads per gene' }).waitFor();
    const table = page.frameLocator('iframe[title="Output"]').getByRole('table');
    await table.getByRole('cell', { name: 'BRCA1' }).waitFor();
    const plot = page.getByRole('img', { name: 'Output picture' });
    await expect.poll(() => plot.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
    const error = cells.filter({ hasText: 'ZeroDivisionError' });
    expect(await error.textContent()).not.toContain('\u001b');
    await picture(page, 'preview');
    expect(await stage.plane.client.listAllEnvironments()).toEqual([]);
  });

  test('a hostile notebook runs nothing and sends nothing', async () => {
    // It listens on a port, so its address is not a path.
    const { port } = attacker.address() as AddressInfo;
    await fetch(`http://127.0.0.1:${String(port)}/heard`);
    expect(reports.splice(0)).toEqual(['/heard']);
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await openTab(stage, '/notebooks');
    await upload('hostile.ipynb', notebookFile(hostileNotebook(`http://127.0.0.1:${String(port)}`)));
    await row('hostile').waitFor();
    await page.getByRole('link', { name: 'Preview hostile' }).click();
    await page.getByText('the last cell').waitFor();
    for (const frame of await page.locator('iframe').all()) await frame.scrollIntoViewIfNeeded();
    await page.getByText('Harmless text').first().waitFor();
    // Whoever clicks what looks like a link stays here as well.
    for (const link of await page.getByText('click me', { exact: true }).all())
      if (await link.isVisible()) await link.click({ noWaitAfter: true });
    await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
    await picture(page, 'preview-hostile');
    expect(await page.evaluate(() => Reflect.get(window, 'owned') as unknown)).toBeUndefined();
    expect(page.url()).toContain('/hostile.ipynb/preview');
    expect(dialogs).toEqual([]);
    expect(reports).toEqual([]);
  });

  test('a notebook opens in JupyterLab in the same tab, and back leads to the list', async () => {
    await openTab(stage, '/notebooks');
    await page.getByRole('link', { name: 'analysis', exact: true }).click();
    await labHeading().waitFor();
    expect(new URL(page.url()).origin).not.toBe(stage.plane.url);
    expect(page.context().pages()).toHaveLength(1);
    await page.locator('.jp-OutputArea-output').getByText('BRCA1').waitFor();
    await page.goBack();
    await row('analysis').waitFor();

    await page.getByRole('link', { name: 'analysis', exact: true }).click();
    await labHeading().waitFor();
    await page.getByRole('link', { name: /getting-started/ }).click();
    await row('analysis').waitFor();
    expect(await stage.plane.client.listAllEnvironments()).toEqual([]);
  });

  test('an empty list says what to do', async () => {
    const { client } = stage.plane;
    for (const { path } of await client.listNotebooks({ params: firstWorkspace }))
      await client.deleteNotebook({ params: { ...firstWorkspace, path } });
    await page.getByText('No notebooks yet').waitFor();
    await picture(page, 'notebooks-empty');
    await page.getByRole('button', { name: 'New notebook' }).waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
