import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { bringPerson, openNotebook, type OtherPerson } from './people.ts';

describe.skipIf(!hasBrowser)('a notebook that several people have open', () => {
  let stage: Stage;
  let ada: Page;
  let ben: OtherPerson;
  let rhea: OtherPerson;

  beforeAll(async () => {
    stage = await setStage();
    ada = stage.page;
    ben = await bringPerson(stage, { name: 'Ben', role: 'WRITER', canCompute: true });
    rhea = await bringPerson(stage, { name: 'Rhea Reader', role: 'READER' });
    await stage.plane.client.createNotebook({
      params: firstWorkspace,
      body: { path: 'together.ipynb', kernel: 'python3' },
    });
  });
  beforeEach(() => {
    pictureOnFailure(ada);
  });
  afterAll(async () => {
    await stage.close();
  });

  const cell = (page: Page, index: number) => page.locator('.jp-Notebook .jp-CodeCell .cm-content').nth(index);
  const textOf = async (page: Page, index: number) => (await cell(page, index).innerText()).replaceAll('\n\n', '\n');
  const status = (page: Page) => page.locator('.tr-Save');

  async function typeAtEnd(page: Page, index: number, text: string): Promise<void> {
    await cell(page, index).click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.insertText(text);
  }

  async function contentOf(params: typeof firstWorkspace & { path: string }): Promise<string> {
    return (await stage.plane.client.getNotebookContent({ params })).text();
  }

  const stored = () => contentOf({ ...firstWorkspace, path: 'together.ipynb' });

  async function untilAllSee(index: number, text: string): Promise<void> {
    for (const page of [ada, ben.page, rhea.page]) {
      await untilTrue(async () => (await textOf(page, index)) === text, `cell ${String(index)} is "${text}"`);
    }
  }

  test('shows each of them to the others', async () => {
    await openNotebook(ada, stage.plane.client, 'together.ipynb');
    await openNotebook(ben.page, ben.client, 'together.ipynb');
    await openNotebook(rhea.page, rhea.client, 'together.ipynb');
    const here = ada.getByRole('list', { name: 'Also here' });
    await here.getByRole('listitem', { name: 'Ben' }).waitFor();
    await here.getByRole('listitem', { name: 'Rhea Reader' }).waitFor();
    await rhea.page.getByRole('list', { name: 'Also here' }).getByRole('listitem', { name: 'Ben' }).waitFor();
  });

  test('takes what two of them type into one cell, with their names at their cursors', async () => {
    await typeAtEnd(ada, 0, 'a = 1');
    await untilAllSee(0, 'a = 1');
    await cell(ben.page, 0).click();
    await ben.page.keyboard.press('ControlOrMeta+Home');
    await Promise.all([ada.keyboard.type('00 # of Ada', { delay: 15 }), ben.page.keyboard.type('bb_', { delay: 15 })]);
    await untilAllSee(0, 'bb_a = 100 # of Ada');
    await ben.page.keyboard.press('ArrowRight');
    await ada.locator('.jp-remote-userFlag', { hasText: 'Ben' }).waitFor();
    await ada.locator('.jp-remote-cursor').first().waitFor();
    await picture(ada, 'together');
  });

  test('and into different cells', async () => {
    await ada.keyboard.press('Escape');
    await ada.keyboard.press('b');
    await untilTrue(async () => (await cell(ben.page, 1).count()) === 1, 'the new cell is there for Ben');
    await Promise.all([typeAtEnd(ada, 1, 'second = "Ada"'), typeAtEnd(ben.page, 0, ' and Ben')]);
    await untilAllSee(1, 'second = "Ada"');
    await untilAllSee(0, 'bb_a = 100 # of Ada and Ben');
  });

  test('undoes what one did oneself, and nothing that others did', async () => {
    await typeAtEnd(ada, 1, ' + "x"');
    await typeAtEnd(ben.page, 1, ' + "y"');
    await untilAllSee(1, 'second = "Ada" + "x" + "y"');
    await ada.keyboard.press('ControlOrMeta+z');
    await untilTrue(async () => !(await textOf(ada, 1)).includes('"x"'), 'what Ada typed is undone');
    expect(await textOf(ada, 1)).toContain('"y"');
    for (let again = 0; again < 5; again += 1) await ada.keyboard.press('ControlOrMeta+z');
    await untilAllSee(1, ' + "y"');
    for (let again = 0; again < 6; again += 1) await ada.keyboard.press('ControlOrMeta+Shift+z');
    await untilAllSee(1, 'second = "Ada" + "x" + "y"');
  });

  test('is watched live by who may only read, and not changed', async () => {
    await typeAtEnd(rhea.page, 0, 'RHEA');
    await rhea.page.keyboard.press('Escape');
    await rhea.page.keyboard.press('b');
    await rhea.page.keyboard.press('d');
    await rhea.page.keyboard.press('d');
    await typeAtEnd(ben.page, 0, '!');
    await untilAllSee(0, 'bb_a = 100 # of Ada and Ben!');
    expect(await cell(rhea.page, 0).count()).toBe(1);
    expect(await rhea.page.locator('.jp-Notebook .jp-Cell').count()).toBe(2);
    expect(await status(rhea.page).innerText()).toBe('Live');
    await untilTrue(async () => (await stored()).includes('and Ben!'), 'the bucket has it');
    expect(await stored()).not.toContain('RHEA');
    await picture(rhea.page, 'reader');
  });

  test('keeps a version by the shortcut to save, and one with a name by the menu', async () => {
    await typeAtEnd(ada, 0, ' saved');
    await ada.keyboard.press('ControlOrMeta+s');
    await ada.getByText('Saved, and kept as a version.').waitFor();
    await ada.getByRole('menuitem', { name: 'File' }).click();
    await ada.getByRole('menuitem', { name: 'Save Named Version…' }).click();
    await ada.getByRole('dialog').getByRole('textbox').fill('before the storm');
    await ada.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await ada.getByText('Kept as version "before the storm".').waitFor();
    const params = { ...firstWorkspace, path: 'together.ipynb' };
    const versions = await stage.plane.client.listVersions({ params });
    expect(versions.map(({ name }) => name)).toContain('before the storm');
    await typeAtEnd(ada, 0, '');
    for (let letters = 0; letters < ' saved'.length; letters += 1) await ada.keyboard.press('Backspace');
    await untilAllSee(0, 'bb_a = 100 # of Ada and Ben!');
  });

  test('keeps what was typed offline, beside what others typed meanwhile', async () => {
    await ben.context.setOffline(true);
    await typeAtEnd(ben.page, 1, '\nfrom_ben = "offline"');
    await status(ben.page)
      .getByText('Your edits are kept in this window and are sent when it is back.')
      .waitFor({ timeout: 60_000 });
    await picture(ben.page, 'offline');
    const question = ben.page.waitForEvent('dialog');
    const closing = ben.page.close({ runBeforeUnload: true });
    expect((await question).type()).toBe('beforeunload');
    await (await question).dismiss();
    await closing;
    await typeAtEnd(ada, 1, '\nfrom_ada = "online"');
    await status(ada).getByText('Saved', { exact: true }).waitFor();
    await untilTrue(async () => (await stored()).includes('from_ada'), 'the bucket has what Ada typed');
    expect(await textOf(ben.page, 1)).not.toContain('from_ada');
    expect(await textOf(ada, 1)).not.toContain('from_ben');
    await ben.context.setOffline(false);
    await status(ben.page).getByText('Saved', { exact: true }).waitFor({ timeout: 60_000 });
    for (const page of [ada, ben.page, rhea.page]) {
      await untilTrue(async () => {
        const text = await textOf(page, 1);
        return text.includes('from_ben = "offline"') && text.includes('from_ada = "online"');
      }, 'both lines are there');
    }
    await untilTrue(async () => (await stored()).includes('from_ben'), 'the bucket has what Ben typed');
  });

  test('loses nothing that is typed while the control plane is killed and comes back', async () => {
    await cell(ada, 0).click();
    await ada.keyboard.press('ControlOrMeta+End');
    const typing = ada.keyboard.type(' one two three four five six seven eight nine ten', { delay: 60 });
    await untilTrue(async () => (await textOf(ben.page, 0)).includes('two'), 'Ben sees the beginning');
    await stage.plane.kill();
    await typing;
    expect(await status(ada).innerText()).not.toBe('Saved');
    stage.plane = await stage.installation.start();
    await untilAllSee(0, 'bb_a = 100 # of Ada and Ben! one two three four five six seven eight nine ten');
    await status(ada).getByText('Saved', { exact: true }).waitFor();
  });

  test('says that it was deleted, and still shows what it held', async () => {
    const params = { ...firstWorkspace, path: 'together.ipynb' };
    await stage.plane.client.deleteNotebook({ params });
    await status(ada).getByText('This notebook was deleted.').waitFor();
    expect(await textOf(ada, 0)).toContain('one two three');
  });

  test('gets one first cell where it has none, however many open it', async () => {
    const params = { ...firstWorkspace, path: 'empty.ipynb' };
    const body = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] });
    const cellsOf = async (page: Page): Promise<number> => page.locator('.jp-Notebook .jp-Cell').count();
    await stage.plane.client.putNotebookContent({ params, body });
    await Promise.all([
      openNotebook(ada, stage.plane.client, 'empty.ipynb'),
      openNotebook(ben.page, ben.client, 'empty.ipynb'),
    ]);
    await typeAtEnd(ada, 0, 'the only one');
    await untilTrue(async () => (await textOf(ben.page, 0)) === 'the only one', 'Ben has the same cell');
    expect([await cellsOf(ada), await cellsOf(ben.page)]).toEqual([1, 1]);
    await untilTrue(async () => (await contentOf(params)).includes('the only one'), 'the bucket has it');
    await stage.plane.client.putNotebookContent({ params, body });
    for (const page of [ada, ben.page]) {
      await untilTrue(async () => (await textOf(page, 0)).trim() === '', 'an empty cell is in its place');
    }
    await typeAtEnd(ben.page, 0, 'one again');
    await untilTrue(async () => (await textOf(ada, 0)) === 'one again', 'Ada has the same cell');
    expect([await cellsOf(ada), await cellsOf(ben.page)]).toEqual([1, 1]);
  });

  test('nothing went wrong unseen', () => {
    expect([...stage.complaints, ...ben.complaints, ...rhea.complaints]).toEqual([]);
  });
});
