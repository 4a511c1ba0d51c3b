import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';

describe.skipIf(!hasBrowser)('while the server is away', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    await openTab(stage, '/notebooks');
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const banner = () => page.getByRole('status').filter({ hasText: 'Terrarium cannot be reached' });
  const notebook = (title: string) =>
    page.getByRole('table', { name: 'Notebooks' }).getByRole('link', { name: title, exact: true });

  test('a page that is open says so, and keeps what it shows', async () => {
    await notebook('r-air-quality').waitFor();
    await stage.plane.stop();
    await banner().waitFor();
    expect(await notebook('r-air-quality').isVisible()).toBe(true);
    await picture(page, 'server-away');
  });

  test('what is asked for meanwhile fails in words, and can be tried again', async () => {
    await page.getByRole('button', { name: 'New notebook' }).click();
    const dialog = page.getByRole('dialog', { name: 'New notebook' });
    await dialog.getByLabel('Name').fill('meanwhile');
    await dialog.getByRole('button', { name: 'Create notebook' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor();
    await picture(page, 'server-away-dialog');
  });

  test('when the server is back, so is the page, without a reload', async () => {
    stage.plane = await stage.installation.start();
    await banner().waitFor({ state: 'detached' });
    const dialog = page.getByRole('dialog', { name: 'New notebook' });
    await dialog.getByRole('button', { name: 'Create notebook' }).click();
    await notebook('meanwhile').waitFor();

    await stage.plane.client.createNotebook({ params: firstWorkspace, body: { path: 'from a colleague.ipynb' } });
    await notebook('from a colleague').waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
