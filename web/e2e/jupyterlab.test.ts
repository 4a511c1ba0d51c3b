import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { openNotebook } from './people.ts';

interface Cell {
  source: string | string[];
  outputs?: { output_type: string; text?: string | string[]; data?: Record<string, unknown> }[];
  execution_count?: number | null;
}

describe.skipIf(!hasBrowser)('a notebook in JupyterLab', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
  });
  beforeEach(() => {
    pictureOnFailure(page);
  });
  afterAll(async () => {
    await stage.close();
  });

  async function typeInLastCell(code: string): Promise<void> {
    await page.locator('.jp-Notebook .jp-CodeCell .cm-content').last().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(code);
  }

  const outputs = () => page.locator('.jp-Notebook .jp-OutputArea-output');

  async function saved(path: string): Promise<Cell[]> {
    const response = await stage.plane.client.getNotebookContent({ params: { ...firstWorkspace, path } });
    // nbformat, written by JupyterLab.
    const notebook = (await response.json()) as { cells: Cell[] };
    return notebook.cells;
  }

  const savedText = async (path: string) => JSON.stringify(await saved(path));

  test('opens with nothing running, from the bucket', async () => {
    await stage.plane.client.createNotebook({
      params: firstWorkspace,
      body: { path: 'first.ipynb', kernel: 'python3' },
    });
    await openNotebook(page, stage.plane.client, 'first.ipynb');
    expect(await stage.plane.client.listAllEnvironments()).toEqual([]);
  });

  test('running a cell shows the price, starts the environment and answers', async () => {
    await typeInLastCell('import os\nprint(os.environ["HOME"], 6 * 7)');
    await page.keyboard.press('Shift+Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.textContent()).toMatch(/\$\d/);
    await dialog.getByRole('button', { name: /start/i }).click();
    await page.getByText('/home/jupyter 42').waitFor();
    const [environment] = await stage.plane.client.listAllEnvironments();
    expect(environment?.status).toBe('Running');
  });

  test('a table and a plot render, and are saved to the bucket', async () => {
    await typeInLastCell(
      'import pandas as pd, matplotlib.pyplot as plt\nplt.plot([1, 3, 2]); plt.show()\npd.DataFrame({"gene": ["BRCA1"], "reads": [12]})',
    );
    await page.keyboard.press('Shift+Enter');
    await page.locator('.jp-OutputArea-output img').waitFor();
    await page.locator('.jp-OutputArea-output table').getByText('BRCA1').waitFor();
    await untilTrue(async () => /image\/png/.test(await savedText('first.ipynb')), 'the plot is in the bucket');
    await page.getByText('Saved', { exact: true }).first().waitFor();
  });

  test('a reload in the middle of a cell loses no output', async () => {
    await typeInLastCell('import time\nfor i in range(12):\n    print("line", i, flush=True)\n    time.sleep(0.5)');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('line 2').waitFor();
    await untilTrue(async () => /line/.test(await savedText('first.ipynb')), 'the cell is in the bucket');
    await page.reload();
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
    await page.getByText('line 11').waitFor();
    const text = (await outputs().allTextContents()).find((output) => output.includes('line 11')) ?? '';
    expect(text.trim().split('\n')).toEqual(Array.from({ length: 12 }, (_, line) => `line ${String(line)}`));
    await untilTrue(async () => (await savedText('first.ipynb')).includes('line 11'), 'all of it is in the bucket');
  });

  test('a restart of the control plane in the middle of a cell loses no output and no kernel', async () => {
    await typeInLastCell('keep = "kept"\nfor i in range(16):\n    print("tick", i, flush=True)\n    time.sleep(0.5)');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('tick 2').waitFor();
    await stage.plane.kill();
    stage.plane = await stage.installation.start();
    await page.getByText('tick 15').waitFor({ timeout: 60_000 });
    const text = (await outputs().allTextContents()).find((output) => output.includes('tick 15')) ?? '';
    expect(text.trim().split('\n')).toEqual(Array.from({ length: 16 }, (_, tick) => `tick ${String(tick)}`));
    await typeInLastCell('print(keep + " indeed")');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('kept indeed').waitFor();
  });

  test('an R notebook gets an R kernel', async () => {
    await stage.plane.client.createNotebook({
      params: firstWorkspace,
      body: { path: 'statistics.ipynb', kernel: 'ir' },
    });
    await openNotebook(page, stage.plane.client, 'statistics.ipynb');
    await typeInLastCell('cat("mean", mean(c(1, 2, 6)), "\\n"); head(airquality, 2)');
    await page.keyboard.press('Shift+Enter');
    await page.getByText('mean 3').waitFor();
    await page.locator('.jp-OutputArea-output table').waitFor();
    await typeInLastCell('plot(airquality$Temp)');
    await page.keyboard.press('Shift+Enter');
    await page.locator('.jp-OutputArea-output img, .jp-OutputArea-output svg').first().waitFor();
  });

  test('what pip and R install lands on the disk', async () => {
    await openNotebook(page, stage.plane.client, 'first.ipynb');
    await typeInLastCell('import site, os\nprint("PIP_USER", os.environ["PIP_USER"], site.getusersitepackages())');
    await page.keyboard.press('Shift+Enter');
    await page.getByText(/PIP_USER true \/home\/jupyter\/packages/).waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
