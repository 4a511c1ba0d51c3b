import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { openNotebook } from './people.ts';

const count = 150;

describe.skipIf(!hasBrowser)('a notebook of many cells', () => {
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

  const cells = () => page.locator('.jp-Notebook .jp-CodeCell');
  const outputsOf = (index: number) => cells().nth(index).locator('.jp-OutputArea-output').allTextContents();
  const stream = (name: string, text: string) => ({ output_type: 'stream', name, text });

  async function store(path: string, lastOutputs: object[]): Promise<void> {
    const notebook = {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: Array.from({ length: count }, (_, index) => ({
        id: `c${String(index)}`,
        cell_type: 'code',
        metadata: {},
        source: `step_${String(index)}()`,
        outputs: index === count - 1 ? lastOutputs : [stream('stdout', `step ${String(index)} is done`)],
        execution_count: index + 1,
      })),
    };
    await stage.plane.client.putNotebookContent({
      params: { ...firstWorkspace, path },
      body: JSON.stringify(notebook),
    });
  }

  async function untilAllAreDrawn(): Promise<void> {
    await untilTrue(async () => (await cells().count()) === count, 'all cells are drawn');
  }

  test('takes text at once, and shows every output in the end', async () => {
    await store('many.ipynb', [stream('stdout', 'the end')]);
    await openNotebook(page, stage.plane.client, 'many.ipynb');
    await page.locator('.jp-Notebook .cm-content').first().click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.type(' # typed while others are drawn');
    expect(await page.locator('.jp-Notebook .cm-content').first().innerText()).toBe(
      'step_0() # typed while others are drawn',
    );
    await untilAllAreDrawn();
    expect(await outputsOf(1)).toEqual(['step 1 is done']);
    expect(await outputsOf(count - 2)).toEqual([`step ${String(count - 2)} is done`]);
    expect(await outputsOf(count - 1)).toEqual(['the end']);
  });

  test('shows the outputs of a cell as they are when it is drawn', async () => {
    await store('changed.ipynb', [stream('stdout', 'first'), stream('stderr', 'second'), stream('stdout', 'third')]);
    await openNotebook(page, stage.plane.client, 'changed.ipynb');
    await store('changed.ipynb', [stream('stdout', 'first'), stream('stdout', 'third')]);
    await untilAllAreDrawn();
    await untilTrue(
      async () => (await outputsOf(count - 1)).join() === 'first,third',
      'the one that was removed is gone',
    );
  });

  test('forgets outputs that were not drawn yet when they are cleared', async () => {
    await store('cleared.ipynb', [stream('stdout', 'the end')]);
    await openNotebook(page, stage.plane.client, 'cleared.ipynb');
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await page.getByText('Clear Outputs of All Cells', { exact: true }).click();
    await untilAllAreDrawn();
    await untilTrue(async () => (await page.locator('.jp-OutputArea-output').count()) === 0, 'none is shown');
    const params = { ...firstWorkspace, path: 'cleared.ipynb' };
    const stored = async (): Promise<string> => (await stage.plane.client.getNotebookContent({ params })).text();
    await untilTrue(async () => !(await stored()).includes('is done'), 'none is kept');
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
