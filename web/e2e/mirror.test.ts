import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { paramsOf, untilStatus, untilTrue } from '../../server/testing/control-plane.ts';
import { kernelManager, run } from '../../server/testing/jupyter-client.ts';
import { putNotebook } from '../../server/testing/live-notebook.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { screenProblems } from './screen-problems.ts';

describe.skipIf(!hasBrowser)('notebooks on the disk', () => {
  let stage: Stage;
  let page: Page;
  let inside = async (_code: string): Promise<void> => undefined;
  let leave = (): void => undefined;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    const { plane } = stage;
    const made = await plane.client.createEnvironment({ params: firstWorkspace, body: {} });
    await untilStatus(plane.client, made, 'Running');
    const manager = kernelManager(plane, firstWorkspace.namespace, firstWorkspace.name);
    await manager.ready;
    const kernel = await manager.startNew({ name: 'python3' });
    inside = async (code) => expect(await run(kernel, `root = '/home/jupyter/notebooks/'\n${code}`)).toBe('');
    leave = () => manager.dispose();
    await untilTrue(async () => {
      const mirror = await plane.client.getNotebookMirror({ params: paramsOf(made) });
      return mirror.state === 'inStep' && mirror.count === 2;
    }, 'the mirror is in step');
  });
  afterAll(async () => {
    leave();
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const section = () => page.getByRole('region', { name: 'Notebooks on the disk' });

  test('are in step, and the page says so and nothing more', async () => {
    await openTab(stage, '/environment');
    await section().getByText('In step', { exact: true }).waitFor();
    await section().getByText('~/notebooks has 2 notebooks of this workspace.', { exact: false }).waitFor();
    expect(await section().getByRole('list').count()).toBe(0);
    await picture(page, 'mirror-in-step');
  });

  test('what is not a notebook is told of as long as it is there', async () => {
    await inside(`_ = open(root + 'conflict.ipynb', 'w').write('<<<<<<< HEAD')`);
    await section().getByText('1 not in step').waitFor();
    const problems = section().getByRole('list', { name: 'Not in step' });
    await problems.getByText('"conflict.ipynb" on the disk is not a notebook', { exact: false }).waitFor();
    await picture(page, 'mirror-problem');
    await inside(`import os; os.remove(root + 'conflict.ipynb')`);
    await section().getByText('In step', { exact: true }).waitFor();
    await problems.waitFor({ state: 'detached' });
  });

  test('what happened is listed with when, newest first, and leads to the history', async () => {
    const params = { ...firstWorkspace, path: 'both.ipynb' };
    const cell = (source: string) => ({ source, cell_type: 'markdown' });
    await putNotebook(stage.plane, params, [cell('one')]);
    await untilTrue(async () => {
      // Both sides at once, until they meet.
      await Promise.all([
        inside(`import os, re
if os.path.exists(root + 'both.ipynb'):
    text = open(root + 'both.ipynb').read(); _ = open(root + 'both.ipynb', 'w').write(re.sub('one|here', 'there', text))`),
        putNotebook(stage.plane, params, [cell('here')]),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return (await section().getByRole('listitem').count()) > 0;
    }, 'a conflict');
    await inside(`import shutil; shutil.rmtree(root)`);
    const notices = section().getByRole('list', { name: 'Notices' }).getByRole('listitem');
    await notices.filter({ hasText: 'were put back from the workspace' }).waitFor();
    expect(await notices.first().innerText()).toContain('~/notebooks');
    await section().getByText('In step', { exact: true }).waitFor();
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await screenProblems(page)).toEqual([]);
      await section().scrollIntoViewIfNeeded();
      await picture(page, `mirror-notices-${colorScheme}`);
    }
    await section().getByRole('link', { name: 'both', exact: true }).first().click();
    await page.getByText('Changes in this version').waitFor();
  });
});
