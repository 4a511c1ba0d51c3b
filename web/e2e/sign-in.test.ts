import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser, pictureOnFailure, setStage, type Stage } from './browser.ts';

const password = 'correct horse battery';

describe.skipIf(!hasBrowser)('signing in', () => {
  let stage: Stage;
  let page: Page;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  async function signOut(): Promise<void> {
    await page.getByRole('button', { name: /^Account: / }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Terrarium' }).waitFor();
  }

  async function signInWith(email: string, typed: string): Promise<void> {
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(typed);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  const email = async (): Promise<string> => (await stage.plane.client.getSession()).email;

  test('the printed link signs in, and is not kept in the address', async () => {
    await page.getByRole('link', { name: 'getting-started' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/workspaces');
    expect(page.url()).not.toContain('ticket');
  });

  test('used again, the link says so, and what to do', async () => {
    const stranger = await stage.browser.newContext();
    const other = await stranger.newPage();
    await other.goto(stage.plane.signInUrl);
    const alert = other.getByRole('alert').filter({ hasText: 'This sign-in link no longer works' });
    await alert.waitFor();
    expect(await alert.textContent()).toContain('npm start');
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    await other.goto(`${stage.plane.url}/workspaces`);
    await other.getByRole('heading', { name: 'Sign in to Terrarium' }).waitFor();
    await stranger.close();
  });

  test('signing out ends the app and the workspace origin', async () => {
    await page.getByRole('link', { name: 'getting-started' }).click();
    await page.getByRole('link', { name: 'Notebooks', exact: true }).waitFor();
    const lab = await page.context().newPage();
    await lab.goto(`${page.url()}/lab`);
    await lab.getByRole('menuitem', { name: 'Kernel' }).waitFor();
    const workspaceOrigin = new URL(lab.url());
    expect(workspaceOrigin.origin).not.toBe(stage.plane.url);

    await signOut();
    const status = () => lab.evaluate(async () => (await fetch('/api/contents/notebooks')).status);
    expect(await status()).toBe(401);
    await lab.goto(workspaceOrigin.href);
    await lab.getByRole('heading', { name: 'Sign in to Terrarium' }).waitFor();
    expect(new URL(lab.url()).origin).toBe(stage.plane.url);
    await lab.close();
  });

  test('the link that a second start prints signs in', async () => {
    expect(await stage.plane.stop()).toBe(0);
    stage.plane = await stage.installation.start();
    await page.goto(stage.plane.signInUrl);
    await page.getByRole('heading', { name: 'Workspaces' }).waitFor();
  });

  test('a password is checked where it is typed, then set', async () => {
    await page.getByRole('button', { name: /^Account: / }).click();
    await page.getByRole('menuitem', { name: 'Set password' }).click();
    await page.getByRole('heading', { name: 'Set password' }).waitFor();
    const first = page.getByLabel('New password', { exact: true });
    const again = page.getByLabel('New password again');
    const save = page.getByRole('button', { name: 'Set password' });

    await first.fill('short');
    await again.fill('short');
    await save.click();
    await page
      .getByText(/at least 10 characters/i)
      .nth(1)
      .waitFor();
    await first.fill(password);
    await again.fill(`${password}?`);
    await save.click();
    await page.getByText('The two are not the same.').waitFor();
    await again.fill(password);
    await save.click();
    await page.getByText('The password is set.').waitFor();
  });

  test('a wrong password says so; the right one signs in, to the page that was asked for', async () => {
    const account = await email();
    await signOut();
    await page.goto(`${stage.plane.url}/disks`);
    await page.getByRole('heading', { name: 'Sign in to Terrarium' }).waitFor();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Enter your e-mail address.').waitFor();
    await page.getByText('Enter your password.').waitFor();

    await signInWith(account, 'not the password');
    await page
      .getByRole('alert')
      .filter({ hasText: /password/i })
      .waitFor();
    await signInWith(account, password);
    await page.getByRole('heading', { name: 'Disks' }).waitFor();
  });

  test('a bookmarked notebook asks to sign in, and then opens', async () => {
    const account = await email();
    const [workspace] = await stage.plane.client.listWorkspaces();
    await page.goto(`${stage.plane.url}/workspaces`);
    await signOut();
    const bookmark = new URL(stage.plane.url);
    bookmark.hostname = `${workspace?.id ?? ''}.${bookmark.hostname}`;
    bookmark.pathname = '/lab/tree/notebooks/r-air-quality.ipynb';
    await page.goto(bookmark.href);
    await page.getByRole('heading', { name: 'Sign in to Terrarium' }).waitFor();
    await signInWith(account, password);
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
    expect(page.url()).toBe(bookmark.href);
    await page.goto(`${stage.plane.url}/disks`);
    await page.getByRole('heading', { name: 'Disks' }).waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
