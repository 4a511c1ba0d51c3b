import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilTrue } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { bringPerson, openBrowser } from './people.ts';
import { screenProblems } from './screen-problems.ts';

const email = 'grace@example.org';
const password = 'a nanosecond of wire';

describe.skipIf(!hasBrowser)('sharing a workspace', () => {
  let stage: Stage;
  let page: Page;
  let guest: Awaited<ReturnType<typeof openBrowser>>;

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    guest = await openBrowser(stage);
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => {
    pictureOnFailure(page);
    pictureOnFailure(guest.page);
  });

  const dialog = () => page.getByRole('dialog', { name: 'Share workspace' });
  const person = (address: string) => dialog().getByRole('listitem', { name: address });
  const add = () => dialog().getByRole('form', { name: 'Add a person' });
  const entry = async (address: string) =>
    (await stage.plane.client.getWorkspaceAcl({ params: firstWorkspace })).find((one) => one.email === address);

  test('what is no address is refused where it is typed', async () => {
    await openTab(stage, '');
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    const typed = add().getByLabel('E-mail address');
    await expect.poll(() => typed.evaluate((field) => field === document.activeElement)).toBe(true);
    for (const wrong of ['', 'grace', 'gräce@example.org']) {
      await typed.fill(wrong);
      await add().getByRole('button', { name: 'Add' }).click();
      await expect.poll(() => typed.getAttribute('aria-invalid'), wrong).toBe('true');
    }
    await picture(page, 'share-bad-address');
    const { email: mine } = await stage.plane.client.getSession();
    await typed.fill(mine.toUpperCase());
    await typed.press('Enter');
    await dialog().getByText(`${mine} is here already`).waitFor();
  });

  test('a new person is added by keyboard, and the link to hand over is shown', async () => {
    const typed = add().getByLabel('E-mail address');
    await typed.fill(' Grace@Example.org ');
    await add().getByLabel('Role').selectOption('WRITER');
    await expect.poll(() => add().getByLabel('Can compute').isChecked()).toBe(true);
    await typed.press('Enter');
    const note = dialog()
      .getByRole('status')
      .filter({ hasText: `Invitation for ${email}` });
    await note.getByText('Terrarium sends no e-mail').waitFor();
    await note.getByRole('button', { name: 'Copy invitation link' }).waitFor();
    await person(email).getByText('Pending').waitFor();
    expect(await entry(email)).toMatchObject({ role: 'WRITER', canCompute: true, canShare: false, isPending: true });
    await picture(page, 'share-invitation');
  });

  for (const { name, width, colorScheme } of [
    { name: 'light', width: 1280, colorScheme: 'light' },
    { name: 'dark', width: 1280, colorScheme: 'dark' },
    { name: 'phone', width: 400, colorScheme: 'light' },
  ] as const) {
    test(`the dialog fits, is named and is readable: ${name}`, async () => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await dialog().waitFor();
      expect(await screenProblems(page)).toEqual([]);
      const [inside, over] = await dialog().evaluate((box) => [box.clientWidth, box.scrollWidth]);
      expect(over).toBe(inside);
      const copy = await dialog().getByRole('button', { name: 'Copy invitation link' }).boundingBox();
      expect((copy?.x ?? width) + (copy?.width ?? width)).toBeLessThan(width);
      await picture(page, `screen-share-${name}`);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  test('a refusal is told in the row that it is about', async () => {
    const { email: mine } = await stage.plane.client.getSession();
    const second = await bringPerson(stage, { name: 'Olga', role: 'OWNER' });
    await second.page.goto(`${stage.plane.url}/workspaces/my-project/getting-started`);
    await second.page.getByRole('button', { name: 'Share', exact: true }).click();
    const row = second.page.getByRole('listitem', { name: mine });
    await row.getByLabel(`Role of ${mine}`).selectOption('READER');
    await row.getByRole('alert').filter({ hasText: 'pays for this workspace' }).waitFor();
    await expect.poll(() => row.getByLabel(`Role of ${mine}`).inputValue()).toBe('OWNER');
    expect(second.complaints).toEqual([]);
    await second.context.close();
    // Who is let in from elsewhere appears here by itself.
    await person(second.email)
      .getByRole('button', { name: `Remove ${second.email}` })
      .click();
    await person(second.email).waitFor({ state: 'detached' });
    await expect.poll(() => dialog().evaluate((box) => box.contains(document.activeElement))).toBe(true);
  });

  test('the link is accepted by a button, once, and leads to a password of one’s own', async () => {
    // Another link than the first, as when that was lost.
    const shown = () =>
      dialog()
        .getByRole('status')
        .getByText(/\/invitation#/)
        .textContent();
    const lost = await shown();
    await person(email).getByRole('button', { name: 'New link' }).click();
    await untilTrue(async () => (await shown()) !== lost, 'the new link is shown');
    const link = (await shown()) ?? '';
    // Only looking at it, as programs do that check links in messages, uses nothing up.
    await guest.page.goto(link);
    await guest.page.getByRole('button', { name: 'Accept invitation' }).waitFor();
    await guest.page.reload();
    await guest.page.getByLabel('Your name').fill('Grace Hopper');
    expect(await screenProblems(guest.page)).toEqual([]);
    await picture(guest.page, 'invitation');
    await guest.page.getByRole('button', { name: 'Accept invitation' }).click();
    await guest.page.getByText('Welcome to Terrarium').waitFor();
    expect(guest.page.url()).not.toContain('#');
    expect(await screenProblems(guest.page)).toEqual([]);
    await picture(guest.page, 'invitation-password');
    await guest.page.getByLabel('New password', { exact: true }).fill(password);
    await guest.page.getByLabel('New password again').fill(password);
    await guest.page.getByRole('button', { name: 'Set password' }).click();
    await guest.page.getByText('The password is set.').waitFor();
    await person(email).getByText('Grace Hopper').waitFor();
    await person(email).getByText('Pending').waitFor({ state: 'detached' });

    const late = await openBrowser(stage);
    await late.page.goto(link);
    await late.page.getByRole('button', { name: 'Accept invitation' }).click();
    await late.page.getByRole('alert').filter({ hasText: 'This invitation does not work' }).waitFor();
    expect(await screenProblems(late.page)).toEqual([]);
    await picture(late.page, 'invitation-used');
    await late.page.goto(`${stage.plane.url}/invitation`);
    await late.page.getByText('A part of the link is missing').waitFor();
    await late.page.getByRole('link', { name: 'Go to sign-in' }).click();
    await late.page.getByLabel('E-mail address').fill('GRACE@example.org');
    await late.page.getByLabel('Password', { exact: true }).fill(password);
    await late.page.getByRole('button', { name: 'Sign in' }).click();
    await late.page.getByRole('link', { name: 'getting-started' }).waitFor();
    expect(late.complaints).toEqual([]);
    await late.context.close();
  });

  test('somebody who may not share sees his own access, and no list of people', async () => {
    await guest.page.getByRole('link', { name: 'Go to workspaces' }).click();
    await guest.page.getByRole('link', { name: 'getting-started' }).click();
    const about = guest.page.getByRole('complementary', { name: 'About this workspace' });
    await about.getByText('WRITER').waitFor();
    expect(await guest.page.getByRole('button', { name: 'Share', exact: true }).count()).toBe(0);
    expect(await about.getByRole('region', { name: 'People' }).count()).toBe(0);
    expect(await guest.page.getByRole('link', { name: 'my-project' }).count()).toBe(0);
    expect(await screenProblems(guest.page)).toEqual([]);
    await picture(guest.page, 'shared-dashboard');
  });

  test('rights are changed where they are shown, and hold at once', async () => {
    await person(email).getByLabel(`${email} can share`).check();
    await guest.page.getByRole('button', { name: 'Share', exact: true }).click();
    const theirs = guest.page.getByRole('dialog', { name: 'Share workspace' });
    const { email: mine } = await stage.plane.client.getSession();
    // What is above the guest is shown, and cannot be changed.
    await theirs.getByRole('listitem', { name: mine }).getByText('OWNER, can share, can compute').waitFor();
    expect(await theirs.getByLabel(`Role of ${mine}`).count()).toBe(0);
    expect(await theirs.getByRole('button', { name: `Remove ${mine}` }).count()).toBe(0);
    expect(await theirs.getByLabel('Role', { exact: true }).getByRole('option', { name: 'OWNER' }).isDisabled()).toBe(
      true,
    );
    await picture(guest.page, 'share-as-writer');
    await guest.page.keyboard.press('Escape');
    await person(email).getByLabel(`Role of ${email}`).selectOption('READER');
    await guest.page.getByRole('complementary').getByText('READER').waitFor();
    expect(await entry(email)).toMatchObject({ role: 'READER', canCompute: false });
  });

  test('the dashboard shows the people to those who may share', async () => {
    await dialog().getByRole('button', { name: 'Done' }).click();
    const people = page.getByRole('region', { name: 'People' });
    await people.getByText(email).waitFor();
    await picture(page, 'dashboard-people');
    expect(await screenProblems(page)).toEqual([]);
    await people.getByRole('button', { name: 'Manage' }).click();
    await dialog().waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    const manage = people.getByRole('button', { name: 'Manage' });
    await expect.poll(() => manage.evaluate((button) => button === document.activeElement)).toBe(true);
  });

  test('whoever is removed while looking is told at once', async () => {
    const watcher = await bringPerson(stage, { name: 'Walter', role: 'READER' });
    await watcher.page.goto(`${stage.plane.url}/workspaces/my-project/getting-started/notebooks`);
    await watcher.page.getByRole('table', { name: 'Notebooks' }).waitFor();
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    await person(watcher.email)
      .getByRole('button', { name: `Remove ${watcher.email}` })
      .click();
    await watcher.page.getByRole('heading', { name: 'Page not found' }).waitFor();
    await watcher.page.getByRole('link', { name: 'Go to workspaces' }).click();
    await watcher.page.getByText('No workspaces yet').waitFor();
    expect(watcher.complaints).toEqual([]);
    await watcher.context.close();
    await page.keyboard.press('Escape');
  });

  test('who was let in can leave', async () => {
    await guest.page.getByRole('button', { name: 'Leave workspace' }).click();
    const confirm = guest.page.getByRole('dialog');
    await confirm.getByText('your disk, for you').waitFor();
    await picture(guest.page, 'leave-workspace');
    await confirm.getByRole('button', { name: 'Leave workspace' }).click();
    await guest.page.getByText('No workspaces yet').waitFor();
    expect(await entry(email)).toBeUndefined();
  });

  test('nothing went wrong unseen', () => {
    expect([...stage.complaints, ...guest.complaints]).toEqual([]);
  });
});
