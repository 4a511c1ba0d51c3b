import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { putNotebook } from '../../server/testing/live-notebook.ts';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { chromiumOptions } from './chromium.ts';
import { openBrowser, openNotebook } from './people.ts';

const imports = 'import base64, sys, time\nfrom IPython.display import Image, clear_output, display';
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const counting = (lines: number, name: string): string =>
  `for n in range(${String(lines)}):\n    print("${name}", n, flush=True)\n    time.sleep(0.5)`;
const counted = (lines: number, name: string): string =>
  Array.from({ length: lines }, (_, n) => `${name} ${String(n)}\n`).join('');

describe.skipIf(!hasBrowser)('whoever leaves while cells run', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    await stage.plane.client.createEnvironment({ params: firstWorkspace, body: {} });
  });
  beforeEach(() => {
    pictureOnFailure(page);
  });
  afterAll(async () => {
    await stage.close();
  });

  const cell = (index: number, on = page) => on.locator('.jp-Notebook .jp-CodeCell').nth(index);
  const outputsOf = (index: number, on = page) => cell(index, on).locator('.jp-OutputArea-output').allTextContents();
  const saysOf = async (index: number, on = page): Promise<string> =>
    (await cell(index, on).locator('.jp-Cell-inputArea').getAttribute('data-tr-run')) ?? '';
  const status = (on: Page) => on.locator('.tr-Save');

  async function write(name: string, cells: string[]): Promise<void> {
    await putNotebook(stage.plane, { ...firstWorkspace, path: name }, cells);
  }

  async function runAll(on: Page): Promise<void> {
    await on.getByRole('menuitem', { name: 'Run' }).click();
    await on.getByText('Run All Cells', { exact: true }).click();
  }

  test('finds all of it later in another browser, in two notebooks, each cell in its turn', async () => {
    await write('first.ipynb', [
      imports,
      counting(20, 'slow'),
      'shown = display("early", display_id=True)\nfor n in range(30):\n    print(f"\\r{n} of 30", end="", flush=True)\nshown.update("late")',
      'for n in range(5):\n    clear_output(wait=True)\n    print("round", n)',
      `display(Image(data=base64.b64decode("${dot}")))\n1 / 0`,
    ]);
    await write('second.ipynb', [imports, counting(16, 'other'), 'print("the end")']);
    const away = await openBrowser(stage);
    for (const name of ['first.ipynb', 'second.ipynb']) {
      await openNotebook(away.page, stage.plane.client, name);
      await runAll(away.page);
      await untilTrue(async () => (await outputsOf(1, away.page)).length > 0, `${name} runs`);
    }
    await away.context.close();

    await openNotebook(page, stage.plane.client, 'first.ipynb');
    await untilTrue(async () => /^\d+ s$/.test(await saysOf(1)), 'the cell shows for how long it runs');
    const soFar = (await outputsOf(1)).join('');
    expect(counted(20, 'slow').startsWith(soFar)).toBe(true);
    await page.getByText('ZeroDivisionError: division by zero').waitFor();
    expect(await outputsOf(1)).toEqual([counted(20, 'slow')]);
    expect(await outputsOf(2)).toEqual(["'late'", '29 of 30']);
    expect(await outputsOf(3)).toEqual(['round 4\n']);
    expect(await cell(4).locator('.jp-OutputArea-output img').count()).toBe(1);

    await openNotebook(page, stage.plane.client, 'second.ipynb');
    await page.getByText('the end').last().waitFor();
    expect(await outputsOf(1)).toEqual([counted(16, 'other')]);
  });

  test('by closing the laptop, with the connection left half open, finds it all when it wakes, and loses no edit', async () => {
    await write('laptop.ipynb', [imports, counting(70, 'awake'), '# notes']);
    // A browser of its own, all of whose processes stop as those of a machine asleep do: nothing is closed, nothing answers.
    const server = await chromium.launchServer(chromiumOptions);
    const group = -(server.process().pid ?? 0);
    const browser = await chromium.connect(server.wsEndpoint());
    const laptop = await browser.newPage();
    laptop.setDefaultTimeout(60_000);
    await openNotebook(laptop, stage.plane.client, 'laptop.ipynb');
    await openNotebook(page, stage.plane.client, 'laptop.ipynb');
    await runAll(laptop);
    await laptop.getByText('awake 2').waitFor();
    process.kill(group, 'SIGSTOP');
    try {
      await cell(2).locator('.cm-content').click();
      await page.keyboard.press('ControlOrMeta+End');
      await page.keyboard.insertText(' taken while the laptop slept');
      // The server waits three pings of 10 s before it gives a silent connection up.
      await page.getByText('awake 69').waitFor({ timeout: 90_000 });
    } finally {
      process.kill(group, 'SIGCONT');
    }
    await laptop.getByText('awake 69').waitFor();
    expect(await outputsOf(1, laptop)).toEqual([counted(70, 'awake')]);
    await laptop.getByText('# notes taken while the laptop slept').waitFor();
    await cell(2, laptop).locator('.cm-content').click();
    await laptop.keyboard.press('ControlOrMeta+End');
    await laptop.keyboard.insertText(', and after');
    await page.getByText('# notes taken while the laptop slept, and after').waitFor();
    await status(laptop).getByText('Saved', { exact: true }).waitFor();
    expect(await laptop.locator('.jp-Dialog').count()).toBe(0);
    await browser.close();
    await server.close();
  });

  test('over a slow network sees what is saved and what is not, and all arrives', async () => {
    await write('slow.ipynb', [imports, counting(10, 'far'), '# typed:']);
    const far = await openBrowser(stage);
    await openNotebook(far.page, stage.plane.client, 'slow.ipynb');
    await openNotebook(page, stage.plane.client, 'slow.ipynb');
    const wire = await far.context.newCDPSession(far.page);
    await wire.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 800,
      downloadThroughput: 20_000,
      uploadThroughput: 10_000,
    });
    await runAll(far.page);
    await cell(2, far.page).locator('.cm-content').click();
    await far.page.keyboard.press('ControlOrMeta+End');
    await far.page.keyboard.type(' one two three four', { delay: 50 });
    await page.getByText('# typed: one two three four').waitFor();
    await status(far.page).getByText('Saved', { exact: true }).waitFor();
    for (const on of [page, far.page]) {
      await on.getByText('far 9').waitFor();
      expect(await outputsOf(1, on)).toEqual([counted(10, 'far')]);
    }
    await far.context.close();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
