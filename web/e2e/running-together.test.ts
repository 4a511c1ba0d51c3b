import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { bringPerson, openNotebook, type OtherPerson } from './people.ts';

const askingForName = 'name = input("Your name? ")\nprint("hello", name)';

describe.skipIf(!hasBrowser)('cells that run in a notebook that two people have open', () => {
  let stage: Stage;
  let ada: Page;
  let ben: OtherPerson;

  beforeAll(async () => {
    stage = await setStage();
    ada = stage.page;
    ben = await bringPerson(stage, { name: 'Ben', role: 'WRITER', canCompute: true });
    await stage.plane.client.createNotebook({
      params: firstWorkspace,
      body: { path: 'runs.ipynb', kernel: 'python3' },
    });
    await openNotebook(ada, stage.plane.client, 'runs.ipynb');
    await openNotebook(ben.page, ben.client, 'runs.ipynb');
  });
  beforeEach(() => {
    pictureOnFailure(ada);
  });
  afterAll(async () => {
    await stage.close();
  });

  /** Types into the last cell and runs it, which adds another. */
  async function run(page: Page, code: string): Promise<void> {
    await page.locator('.jp-Notebook .jp-CodeCell .cm-content').last().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(code);
    await page.keyboard.press('Shift+Enter');
  }

  const outputs = (page: Page, text: string | RegExp) => page.locator('.jp-OutputArea-output', { hasText: text });
  const inputArea = (page: Page, index: number) => page.locator('.jp-CodeCell .jp-Cell-inputArea').nth(index);
  const saysOf = async (page: Page, index: number) => (await inputArea(page, index).getAttribute('data-tr-run')) ?? '';
  const field = (page: Page) => page.locator('.jp-Stdin-input');

  test('cells that are run while the environment starts wait for it, in order, after one question', async () => {
    await run(ada, 'from IPython.display import HTML, display\nstarted = [1]\nprint("first", len(started))');
    await ada.getByRole('dialog').getByRole('button', { name: /start/i }).click();
    await run(ada, 'started.append(2)\nprint("second", len(started))');
    await outputs(ada, 'first 1').waitFor();
    await outputs(ada, 'second 2').waitFor();
    await outputs(ben.page, 'second 2').waitFor();
    expect(await ada.locator('.jp-Dialog').count()).toBe(0);
  });

  test('are seen by both: what comes of them, for how long, and whose they are', async () => {
    await run(
      ada,
      'import time\nshown = display("first form", display_id=True)\nprint("between")\nshown.update("second form")\n' +
        'for n in range(30):\n    print("\\rprogress", n, end="")\n    time.sleep(0.1)\nprint("\\nall done")',
    );
    await outputs(ben.page, 'progress').waitFor();
    await untilTrue(async () => (await saysOf(ada, 2)) === '1 s', 'Ada sees for how long it runs');
    expect(await saysOf(ben.page, 2)).toMatch(/^\d s · Owner$/);
    await picture(ada, 'running');
    await picture(ben.page, 'running-for-another');
    await outputs(ada, 'all done').waitFor();
    for (const page of [ada, ben.page]) {
      await untilTrue(async () => /^3\.\d s$/.test(await saysOf(page, 2)), 'it is said how long it took');
      expect(await page.locator('.jp-CodeCell').nth(2).locator('.jp-OutputArea-output').allTextContents()).toEqual([
        "'second form'",
        'between\nprogress 29\nall done\n',
      ]);
    }
  });

  test('are shown with their scripts, for they were run here', async () => {
    await run(
      ada,
      "display(HTML(\"<b id=s></b><script>document.getElementById('s').textContent = 'it ' + 'ran'</script>\"))",
    );
    for (const page of [ada, ben.page]) await outputs(page, /^it ran$/).waitFor();
    await ada.reload();
    await outputs(ada, /^it ran$/).waitFor();
    // Cells are drawn one after another.
    await ada.locator('.jp-CodeCell .cm-content').nth(4).waitFor();
  });

  test('ask the one whose kernel it is, also after a reload', async () => {
    await run(ada, askingForName);
    await field(ada).waitFor();
    await untilTrue(
      async () => (await saysOf(ben.page, 4)) === 'waiting for input from Owner',
      'Ben sees who is asked',
    );
    expect(await field(ben.page).count()).toBe(0);
    await ada.reload();
    await field(ada).fill('Grace');
    await picture(ada, 'input');
    await field(ada).press('Enter');
    await outputs(ben.page, 'hello Grace').waitFor();
    await ada.locator('.jp-CodeCell .cm-content').nth(5).waitFor();
    await untilTrue(async () => (await field(ada).count()) === 0, 'the field is gone');
  });

  test('ask again in the same words, and for passwords without showing them', async () => {
    await run(
      ada,
      'import getpass\nprint(len([input("again? ") for n in range(2)]), len(getpass.getpass("secret: ")))',
    );
    for (const answer of ['one', 'two']) {
      await field(ada).fill(answer);
      await field(ada).press('Enter');
      await outputs(ada, `again?  ${answer}`).waitFor();
    }
    await ada.locator('.jp-Stdin-input[type=password]').fill('four');
    await ada.keyboard.press('Enter');
    await outputs(ada, '2 4').waitFor();
    expect(
      await stage.plane.client
        .getNotebookContent({ params: { ...firstWorkspace, path: 'runs.ipynb' } })
        .then((answer) => answer.text()),
    ).not.toContain('four');
  });

  test('stop at an error when all are run', async () => {
    await run(ada, '1 / 0');
    await outputs(ada, 'ZeroDivisionError').waitFor();
    await run(ada, 'print("after the error")');
    await outputs(ada, 'after the error').waitFor();
    await ada.getByRole('menuitem', { name: 'Run' }).click();
    await ada.getByText('Run All Cells', { exact: true }).click();
    const isAsked = async (): Promise<boolean> =>
      (await field(ada).count()) === 1 &&
      (await field(ada)
        .inputValue({ timeout: 500 })
        .catch(() => '-')) === '';
    for (const answer of ['Run', 'one', 'two', 'secret']) {
      await untilTrue(isAsked, 'the next question is there');
      await field(ada).fill(answer);
      await field(ada).press('Enter');
    }
    const prompts = async (): Promise<number[]> =>
      (await ada.locator('.jp-InputPrompt').allTextContents()).map((prompt) => Number(/\d+/.exec(prompt)?.[0] ?? 0));
    await untilTrue(async () => {
      const [failed = 0, after = 0] = (await prompts()).slice(-3);
      return failed > after && after > 0;
    }, 'the cell that fails ran once more, and the one after it did not');
    expect(await ada.locator('[data-tr-state=queued], [data-tr-state=running]').count()).toBe(0);
  });

  test('are cleared for both when one clears them', async () => {
    await ada.getByRole('menuitem', { name: 'Edit' }).click();
    await ada.getByText('Clear Outputs of All Cells', { exact: true }).click();
    for (const page of [ada, ben.page]) {
      await untilTrue(async () => (await page.locator('.jp-OutputArea-output').count()) === 0, 'no output is left');
    }
  });

  test('nothing went wrong unseen', () => {
    expect([...stage.complaints, ...ben.complaints]).toEqual([]);
  });
});
