import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { paramsOf, untilStatus, untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { executedNotebook, notebookFile, pictureNotebook } from './notebook-files.ts';
import { screenProblems } from './screen-problems.ts';

/** Set to take the picture of the README anew; otherwise a test run leaves it as it is. */
const takesScreenshot = process.env['TERRARIUM_SCREENSHOT'] !== undefined;
const screenshotPath = path.resolve(import.meta.dirname, '../../docs/screenshot.png');

const workspace = `/workspaces/${firstWorkspace.namespace}/${firstWorkspace.name}`;
const screens: Record<string, { path: string; shows: string }> = {
  workspaces: { path: '/workspaces', shows: 'getting-started' },
  dashboard: { path: workspace, shows: 'Recent notebooks' },
  notebooks: { path: `${workspace}/notebooks`, shows: 'a-rather-long-name' },
  preview: { path: `${workspace}/notebooks/analysis.ipynb/preview`, shows: 'Reads per gene' },
  history: { path: `${workspace}/notebooks/analysis.ipynb/history`, shows: 'Changes in this version' },
  files: { path: `${workspace}/files?folder=data/`, shows: 'counts.csv' },
  environment: { path: `${workspace}/environment`, shows: 'Timeline' },
  'environment-form': { path: '/workspaces/my-project/second/environment', shows: 'Create and start' },
  environments: { path: '/environments', shows: 'Together' },
  disks: { path: '/disks', shows: 'GiB' },
  billing: { path: '/billing', shows: 'my-project' },
  'billing-project': { path: '/billing/my-project', shows: 'Members' },
  tokens: { path: '/account/tokens', shows: 'API tokens' },
  password: { path: '/account/password', shows: 'New password again' },
  'not-found': { path: '/workspaces/no/such', shows: 'Page not found' },
};

describe.skipIf(!hasBrowser)('every screen', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    const { client } = stage.plane;
    await client.putNotebookContent({
      params: { ...firstWorkspace, path: 'analysis.ipynb' },
      body: notebookFile(executedNotebook),
    });
    await client.createNotebook({
      params: firstWorkspace,
      body: { path: `${'a-rather-long-name-of-a-notebook-'.repeat(4)}.ipynb` },
    });
    await client.putObject({ params: { ...firstWorkspace, key: 'data/counts.csv' }, body: 'gene,reads\n' });
    await client.createWorkspace({ body: { namespace: 'my-project', name: 'second' } });
    const environment = await client.createEnvironment({ params: firstWorkspace, body: {} });
    await untilStatus(client, environment, 'Running');
    await untilTrue(
      async () => (await client.getEnvironment({ params: paramsOf(environment) })).usage !== null,
      'the environment was measured',
    );
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  for (const { name, width, colorScheme } of [
    { name: 'light', width: 1280, colorScheme: 'light' },
    { name: 'dark', width: 1280, colorScheme: 'dark' },
    { name: 'phone', width: 400, colorScheme: 'light' },
  ] as const) {
    test(`fits, is named and is readable: ${name}`, async () => {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const problems: string[] = [];
      for (const [screen, { path: address, shows }] of Object.entries(screens)) {
        await page.goto(stage.plane.url + address);
        await page.getByText(shows).first().waitFor();
        await page.locator('[aria-busy="true"]').waitFor({ state: 'detached' });
        problems.push(...(await screenProblems(page)).map((problem) => `${screen}: ${problem}`));
        await picture(page, `screen-${screen}-${name}`);
      }
      expect(problems).toEqual([]);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  test('what is wrong would be seen', async () => {
    await page.goto(`${stage.plane.url}/workspaces`);
    await page.getByRole('heading', { name: 'Workspaces' }).waitFor();
    await page.evaluate(() => {
      const planted = document.createElement('div');
      planted.innerHTML =
        '<button></button><p style="color:#999;background:#fff">pale</p><div style="width:3000px">wide</div>';
      document.querySelector('main')?.append(planted);
    });
    expect((await screenProblems(page)).map((problem) => problem.split(/[:\d]/)[0]?.trim())).toEqual([
      'scrolls sideways by',
      'no name',
      'contrast',
    ]);
  });

  test('on a phone, the menu opens, leads on and closes', async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.goto(`${stage.plane.url}/workspaces`);
    await page.getByRole('button', { name: 'Open navigation' }).click();
    await page.getByRole('link', { name: 'Disks' }).click();
    await page.getByRole('heading', { name: 'Disks' }).waitFor();
    await page.getByRole('button', { name: 'Open navigation' }).waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('by keyboard alone: skip the rail, reach the first notebook and open its menu', async () => {
    await openTab(stage, '/notebooks');
    await page.getByRole('table', { name: 'Notebooks' }).waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to content' }).waitFor();
    await page.keyboard.press('Enter');
    const menu = page.getByRole('button', { name: 'Actions for analysis' });
    for (let presses = 0; presses < 60 && !(await menu.evaluate((at) => at === document.activeElement)); presses += 1)
      await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Edit' }).waitFor();
    await page.locator('[role="menu"]:focus, [role="menu"] :focus').first().waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem', { name: 'Edit' }).waitFor({ state: 'detached' });
    expect(await menu.evaluate((at) => at === document.activeElement)).toBe(true);
  });

  test('JupyterLab runs a notebook: the picture of the README', async () => {
    await stage.plane.client.putNotebookContent({
      params: { ...firstWorkspace, path: 'elevation.ipynb' },
      body: notebookFile(pictureNotebook),
    });
    await page.goto(`${stage.plane.url}${workspace}/notebooks/elevation.ipynb/open`);
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
    await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
    await page.locator('.lm-Menu').getByText('Run All Cells', { exact: true }).click();
    await page.locator('.jp-OutputArea-output table').waitFor();
    const plot = page.locator('.jp-OutputArea-output img');
    await plot.waitFor();
    await page.getByRole('banner').getByText('Saved', { exact: true }).waitFor();
    await page.getByText('Python 3 | Idle').waitFor();
    await page.locator('.jp-Notebook').getByRole('heading', { level: 2 }).scrollIntoViewIfNeeded();
    expect(await screenProblems(page, { isOurs: false })).toEqual([]);
    await picture(page, 'screen-jupyterlab');
    if (takesScreenshot) await page.screenshot({ path: screenshotPath, animations: 'disabled', caret: 'hide' });
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
