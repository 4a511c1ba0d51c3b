import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RoomClient } from '../../server/documents/testing-client.ts';
import { untilStatus } from '../../server/testing/control-plane.ts';
import { kernelManager, run } from '../../server/testing/jupyter-client.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { executedNotebook, hostileNotebook, notebookFile } from './notebook-files.ts';
import { screenProblems } from './screen-problems.ts';

const { namespace, name } = firstWorkspace;
const at = (path: string) => ({ params: { ...firstWorkspace, path } });

describe.skipIf(!hasBrowser)('modes of a notebook, and kernels', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    await stage.plane.client.putNotebookContent({ ...at('analysis.ipynb'), body: notebookFile(executedNotebook) });
    await stage.plane.client.createWorkspace({ body: { namespace, name: 'second' } });
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const button = (label: string) => page.getByRole('button', { name: label, exact: true });
  const link = (label: string) => page.getByRole('link', { name: label, exact: true });
  const dialog = (label: string | RegExp) => page.getByRole('dialog', { name: label });
  const playgrounds = () => page.getByRole('table', { name: 'Your playgrounds' });

  async function openPreview(path: string): Promise<void> {
    await page.goto(`${stage.plane.url}/workspaces/${namespace}/${name}/notebooks/${path}/preview`);
    await page.getByText('Preview (read-only)').waitFor();
  }

  async function sourcesOf(path: string): Promise<string> {
    return (await stage.plane.client.getNotebookContent(at(path))).text();
  }

  /** Waits for JupyterLab and answers the path it shows. */
  async function inLab(): Promise<string> {
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
    return decodeURIComponent(new URL(page.url()).pathname);
  }

  test('the preview follows what others change, without a reload and without compute', async () => {
    await openPreview('analysis.ipynb');
    await page.getByRole('heading', { name: 'Reads per gene' }).waitFor();
    await page.evaluate(() => Reflect.set(window, 'isSamePage', true));
    await picture(page, 'mode-preview');
    await stage.plane.client.putNotebookContent({
      ...at('analysis.ipynb'),
      body: notebookFile([{ cell_type: 'markdown', source: '# Written meanwhile' }, ...executedNotebook.slice(1)]),
    });
    await page.getByRole('heading', { name: 'Written meanwhile' }).waitFor();
    expect(await page.evaluate(() => Reflect.get(window, 'isSamePage') as unknown)).toBe(true);
    expect(await stage.plane.client.listAllEnvironments()).toEqual([]);
  });

  test('a preview shows hostile outputs in frames of no origin, where nothing runs', async () => {
    const dialogs: string[] = [];
    page.on('dialog', (shown) => {
      dialogs.push(shown.message());
      void shown.dismiss();
    });
    const body = notebookFile(hostileNotebook('http://127.0.0.1:9'));
    await stage.plane.client.putNotebookContent({ ...at('hostile.ipynb'), body });
    await openPreview('hostile.ipynb');
    await page.getByText('the last cell').waitFor();
    const frames = page.locator('iframe');
    expect(await frames.count()).toBeGreaterThan(1);
    for (const frame of await frames.all()) {
      const sandbox = (await frame.getAttribute('sandbox')) ?? '';
      expect(sandbox).not.toMatch(/allow-(scripts|same-origin|top-navigation|forms|modals)/);
      const inside = await (await frame.elementHandle())?.contentFrame();
      // Playwright runs this in the frame all the same: a document of no origin has no cookies to give.
      const cookies = await inside?.evaluate(() => {
        try {
          return document.cookie;
        } catch (error) {
          return error instanceof DOMException ? error.name : 'something else';
        }
      });
      expect(cookies).toBe('SecurityError');
    }
    expect(await page.evaluate(() => Reflect.get(window, 'owned') as unknown)).toBeUndefined();
    expect(dialogs).toEqual([]);
    await stage.plane.client.deleteNotebook(at('hostile.ipynb'));
  });

  test('a playground opens in JupyterLab, apart from the notebook', async () => {
    await openPreview('analysis.ipynb');
    await button('Playground').click();
    await inLab();
    await page.locator('.jp-Notebook').getByRole('heading', { name: 'Written meanwhile' }).waitFor();
    const [made] = await stage.plane.client.listPlaygrounds({ params: firstWorkspace });
    expect(made).toMatchObject({ source: 'analysis.ipynb' });
    const path = made?.path ?? '';
    await stage.plane.client.putNotebookContent({
      ...at(path),
      body: notebookFile([{ cell_type: 'markdown', source: '# Only here' }]),
    });
    expect(await sourcesOf('analysis.ipynb')).not.toContain('Only here');
  });

  test('your playgrounds are listed apart from the notebooks, and one is kept with one name and a click', async () => {
    await openTab(stage, '/notebooks');
    await playgrounds().getByRole('link', { name: 'analysis', exact: true }).first().waitFor();
    await page.getByText(/unused for 14 days is deleted/).waitFor();
    await picture(page, 'mode-playgrounds');
    await button('Keep analysis').click();
    const keeping = dialog('Keep "analysis" as a notebook');
    const nameInput = keeping.getByLabel('Name of the notebook');
    await nameInput.fill('analysis');
    await keeping.getByRole('button', { name: 'Keep' }).click();
    await keeping.getByText('There is a notebook "analysis" already.').waitFor();
    await nameInput.fill('tried out');
    await picture(page, 'mode-keep');
    await keeping.getByRole('button', { name: 'Keep' }).click();
    await page
      .getByRole('table', { name: 'Notebooks' })
      .getByRole('link', { name: 'tried out', exact: true })
      .waitFor();
    expect(await sourcesOf('tried out.ipynb')).toContain('Only here');

    await button('Delete playground analysis').click();
    const deleting = dialog('Delete playground "analysis"?');
    await deleting.getByText(/^Lost: what you wrote/).waitFor();
    await deleting.getByRole('button', { name: 'Delete playground' }).click();
    await playgrounds().waitFor({ state: 'detached' });
    expect(await stage.plane.client.listPlaygrounds({ params: firstWorkspace })).toEqual([]);
  });

  test('the menu of a notebook offers its modes; Edit opens it', async () => {
    await button('Actions for analysis').click();
    for (const item of ['Playground', 'Preview', 'History', 'Make a copy…', 'Copy to another workspace…']) {
      await page.getByRole('menuitem', { name: item, exact: true }).waitFor();
    }
    await picture(page, 'mode-menu');
    await page.getByRole('menuitem', { name: 'Edit', exact: true }).click();
    expect(await inLab()).toBe('/lab/tree/notebooks/analysis.ipynb');
    await page.goBack();
  });

  test('a copy goes to another workspace, which is named', async () => {
    await openPreview('analysis.ipynb');
    await button('More actions').click();
    await page.getByRole('menuitem', { name: 'Copy to another workspace…' }).click();
    const copying = dialog('Copy "analysis" to another workspace');
    await picture(page, 'mode-copy');
    await copying.getByRole('button', { name: 'Copy' }).click();
    await dialog('Copied').getByText(`is in ${namespace}/second`, { exact: false }).waitFor();
    await link('Go to the copy').click();
    await page.getByRole('heading', { name: 'Written meanwhile' }).waitFor();
    expect(page.url()).toContain(`/${namespace}/second/notebooks/analysis.ipynb/preview`);
  });

  test('a reader is led to the preview, and told what the rest takes', async () => {
    // What a reader may is the server's to say, and tested there; here is what the page makes of the answer.
    await page.route(`**/api/workspaces/${namespace}/${name}`, async (route) => {
      const response = await route.fetch();
      const workspace = (await response.json()) as object;
      await route.fulfill({ response, json: { ...workspace, role: 'READER', canCompute: false } });
    });
    await openTab(stage, '/notebooks');
    await page.getByRole('table', { name: 'Notebooks' }).getByRole('link', { name: 'analysis', exact: true }).click();
    await page.getByText('Preview (read-only)').waitFor();
    for (const [label, why] of [
      ['Edit', /^You can read this workspace, not change it\. Ask .* for the role WRITER\.$/],
      ['Playground', /^A playground runs code, which takes the role WRITER and the right to compute\. Ask /],
    ] as const) {
      expect(await button(label).getAttribute('aria-disabled')).toBe('true');
      expect(await button(label).getAttribute('aria-description')).toMatch(why);
      await button(label).hover();
      await page.getByRole('tooltip').getByText(why).waitFor();
      await button(label).click({ force: true });
    }
    await picture(page, 'mode-reader');
    await button('More actions').click();
    const items = page.getByRole('menuitem');
    expect(await items.filter({ hasText: 'Make a copy…' }).getAttribute('aria-disabled')).toBe('true');
    expect(await items.filter({ hasText: 'Copy to another workspace…' }).getAttribute('aria-disabled')).toBeNull();
    await page.keyboard.press('Escape');
    expect(page.url()).toContain('/analysis.ipynb/preview');
    expect(await stage.plane.client.listPlaygrounds({ params: firstWorkspace })).toEqual([]);
    await page.unroute(`**/api/workspaces/${namespace}/${name}`);
  });

  test('kernels are seen and steered on the page of the environment', async () => {
    const { client } = stage.plane;
    const environment = await client.createEnvironment({ params: firstWorkspace, body: {} });
    await untilStatus(client, environment, 'Running');
    await openTab(stage, '/environment');
    const section = page.getByRole('region', { name: 'Kernels' });
    await section.getByText('No kernel runs').waitFor();
    await picture(page, 'kernels-empty');

    const manager = kernelManager(stage.plane, namespace, name);
    const ids: string[] = [];
    for (const [path, kernel] of [
      ['notebooks/analysis.ipynb', 'python3'],
      ['notebooks/deep/statistics.ipynb', 'ir'],
    ] as const) {
      const answer = await fetch(`${stage.plane.url}/jupyter/${namespace}/${name}/api/sessions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stage.plane.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ path, name: '', type: 'notebook', kernel: { name: kernel } }),
      });
      ids.push(((await answer.json()) as { kernel: { id: string } }).kernel.id);
    }
    const kernel = manager.connectTo({ model: { id: ids[0] ?? '', name: 'python3' } });
    await run(kernel, 'keep = 1');
    const row = section.getByRole('row').filter({ hasText: 'analysis' });
    await row.getByText('Idle').waitFor();
    await row.getByText('Python').waitFor();
    await row.getByText(/\d MiB/).waitFor();
    await section.getByRole('row').filter({ hasText: 'statistics' }).getByText('R', { exact: true }).waitFor();

    const looping = run(kernel, 'import time\nwhile True: time.sleep(0.1)');
    await row.getByText(/^Busy \d/).waitFor();
    await picture(page, 'kernels');
    await button('Interrupt analysis').click();
    expect(await looping).toContain('KeyboardInterrupt');
    await row.getByText('Idle').waitFor();

    await button('Actions for kernel analysis').click();
    await picture(page, 'kernels-menu');
    await page.getByRole('menuitem', { name: 'Restart…', exact: true }).click();
    const restarting = dialog('Restart: analysis');
    await restarting.getByText('Lost: all variables in memory.').waitFor();
    await restarting.getByText(/^Kept: the notebook with its code and outputs/).waitFor();
    await picture(page, 'kernels-restart');
    await restarting.getByRole('button', { name: 'Restart kernel' }).click();
    await restarting.waitFor({ state: 'detached' });
    expect(await run(kernel, 'print("keep" in globals())')).toBe('False\n');

    await button('Actions for kernel analysis').click();
    await page.getByRole('menuitem', { name: 'Restart and run all…' }).click();
    const runningAll = dialog('Restart and run all: analysis');
    await runningAll.getByText(/every cell runs again from the top/).waitFor();
    await runningAll.getByRole('button', { name: 'Restart and run all' }).click();
    await runningAll.waitFor({ state: 'detached' });
    await expect.poll(() => sourcesOf('analysis.ipynb'), { timeout: 30_000 }).toContain("name 'table' is not defined");

    await button('Actions for kernel analysis').click();
    await page.getByRole('menuitem', { name: 'Shut down…' }).click();
    await dialog('Shut down: analysis').getByRole('button', { name: 'Shut down kernel' }).click();
    await row.waitFor({ state: 'detached' });
    expect((await client.listKernels({ params: firstWorkspace })).map(({ id }) => id)).toEqual([ids[1]]);
    kernel.dispose();
    manager.dispose();
  });

  for (const { size, width, colorScheme } of [
    { size: 'wide', width: 1440, colorScheme: 'light' },
    { size: 'narrow-dark', width: 1024, colorScheme: 'dark' },
    { size: 'phone', width: 400, colorScheme: 'light' },
  ] as const) {
    test(`these screens fit, are named and are readable: ${size}`, async () => {
      const { client } = stage.plane;
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      if ((await client.listPlaygrounds({ params: firstWorkspace })).length === 0)
        await client.createPlayground(at('analysis.ipynb'));
      for (const [screen, path, shows] of [
        ['preview', '/notebooks/analysis.ipynb/preview', 'Preview (read-only)'],
        ['notebooks', '/notebooks', 'Your playgrounds'],
        ['kernels', '/environment', 'deep/statistics'],
      ] as const) {
        await page.goto(`${stage.plane.url}/workspaces/${namespace}/${name}${path}`);
        await page.getByText(shows).first().waitFor();
        await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
        await picture(page, `mode-${screen}-${size}`);
        expect([screen, await screenProblems(page)]).toEqual([screen, []]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  test('a notebook that is open says so in the list', async () => {
    await openTab(stage, '/notebooks');
    const door = `${stage.plane.url}/jupyter/${namespace}/${name}/api/collaboration`;
    const headers = { authorization: `Bearer ${stage.plane.token}`, 'content-type': 'application/json' };
    const session = await fetch(`${door}/session/notebooks/analysis.ipynb`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ format: 'json', type: 'notebook' }),
    });
    const { fileId, sessionId } = (await session.json()) as { fileId: string; sessionId: string };
    const room = `${door.replace('http', 'ws')}/room/json:notebook:${fileId}?sessionId=${sessionId}`;
    const other = new RoomClient(room, headers);
    await other.synced();
    const row = page.getByRole('table', { name: 'Notebooks' }).getByRole('row').filter({ hasText: 'analysis' });
    await row.getByText('You are here').waitFor();
    await picture(page, 'mode-presence');
    await other.close();
    await row.getByText('You are here').waitFor({ state: 'detached' });
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
