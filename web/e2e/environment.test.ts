import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';

describe.skipIf(!hasBrowser)('the Cloud environment and its disk', () => {
  let stage: Stage;
  let page: Page;
  let diskName = '';

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    // As people who use a screen reader have it: what a terminal shows is then text in the page, not only a picture.
    const setting = encodeURIComponent('@jupyterlab/terminal-extension:plugin');
    const { namespace, name } = firstWorkspace;
    const answer = await fetch(`${stage.plane.url}/jupyter/${namespace}/${name}/lab/api/settings/${setting}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${stage.plane.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ raw: '{ "screenReaderMode": true }' }),
    });
    expect(answer.ok).toBe(true);
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const rail = (name: string) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name });
  const control = () => page.getByRole('region', { name: 'Environment control' });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const untilStatus = (word: string) => control().getByRole('status').getByText(word, { exact: true }).waitFor();
  const prices = async (): Promise<Record<string, string>> => {
    const shown = page.locator('dl[aria-label="Price"] > div');
    return Object.fromEntries(
      await shown.evaluateAll((figures) =>
        figures.map((figure) => [
          figure.querySelector('dt')?.textContent ?? '',
          figure.querySelector('dd')?.textContent ?? '',
        ]),
      ),
    );
  };

  /** Opens a terminal in JupyterLab, types the command, and waits for its line of output. */
  async function inTerminal(command: string, answer: string): Promise<void> {
    await page.getByRole('link', { name: 'Open JupyterLab' }).click();
    await page.locator('.jp-LauncherCard[title="Start a new terminal session"]').click();
    const lines = page.locator('.jp-Terminal').getByRole('listitem');
    await lines
      .filter({ hasText: /[$#]\s*$/ })
      .first()
      .waitFor();
    await page.locator('.jp-Terminal').click();
    await page.keyboard.type(command);
    await page.keyboard.press('Enter');
    await lines.filter({ hasText: new RegExp(`^${answer}\\s*$`) }).waitFor();
  }

  test('with no environment, the lists say how one comes to be', async () => {
    await rail('Environments').click();
    await page.getByText('No environments', { exact: true }).waitFor();
    await picture(page, 'environments-empty');
    await rail('Disks').click();
    await page.getByText('No disks', { exact: true }).waitFor();
    await picture(page, 'disks-empty');
    await page.getByRole('link', { name: 'Go to workspaces' }).click();
    await page.getByRole('link', { name: 'getting-started' }).click();
    await control().getByText('No environment').waitFor();
  });

  test('the price follows what is chosen, and a shape that cannot be is refused where it is chosen', async () => {
    await page.getByRole('link', { name: 'Cloud environment', exact: true }).click();
    await page.getByRole('heading', { name: 'Create a Cloud Environment' }).waitFor();
    const before = await prices();
    expect(Object.values(before).every((price) => /^\$\d/.test(price))).toBe(true);
    await picture(page, 'environment-form');
    await page.getByRole('textbox', { name: 'CPUs' }).fill('2');
    await expect.poll(async () => (await prices())['per hour running']).not.toBe(before['per hour running']);
    const size = page.getByLabel('Size (GiB)');
    await size.fill('2');
    await expect.poll(async () => (await prices())['disk per month']).not.toBe(before['disk per month']);

    await page.getByLabel('Memory (GiB)').fill('');
    await size.fill('0');
    await button('Create and start').click();
    await expect.poll(() => size.getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('Memory (GiB)').getAttribute('aria-invalid')).toBe('true');
    await picture(page, 'environment-form-refused');
    await page.getByLabel('Memory (GiB)').fill('2');
    await size.fill('2');
  });

  test('creating shows every step as it happens, up to Running', async () => {
    await button('Create and start').click();
    const steps = page.getByRole('list', { name: 'Timeline' }).getByRole('listitem');
    await steps.first().waitFor();
    await untilStatus('Running');
    expect(await steps.count()).toBeGreaterThanOrEqual(3);
    for (const step of await steps.all()) expect(await step.textContent()).toMatch(/\d s/);
    await page.getByText('2 CPUs, 2 GiB memory').waitFor();
    const [disk] = await stage.plane.client.listDisks();
    diskName = disk?.name ?? '';
    await page.getByText(`${diskName}, 2 GiB`).first().waitFor();
    await page.getByRole('meter', { name: 'Memory' }).last().waitFor();
    await picture(page, 'environment-running');

    await rail('Environments').click();
    const row = page.getByRole('table', { name: 'Environments' }).getByRole('row').nth(1);
    await row.getByText('Running').waitFor();
    await picture(page, 'environments');
    await rail('Disks').click();
    expect(await page.getByRole('row', { name: `${diskName} my-project/getting-started` }).textContent()).toContain(
      '2 GiB',
    );
    await picture(page, 'disks');
  });

  test('a terminal writes to the disk and to the boot disk', async () => {
    await openTab(stage, '/environment');
    await inTerminal(
      'echo kept > ~/disk.txt; echo lost > /opt/boot.txt; cat ~/disk.txt /opt/boot.txt | xargs',
      'kept lost',
    );
    await picture(page, 'terminal');
  });

  test('pause and resume keep both', async () => {
    await openTab(stage, '/environment');
    const running = (await control().textContent()) ?? '';
    await button('Pause environment').click();
    await untilStatus('Paused');
    expect(await control().textContent()).not.toBe(running);
    await picture(page, 'environment-paused');
    await button('Start environment').click();
    await untilStatus('Running');
    await inTerminal('cat ~/disk.txt /opt/boot.txt | xargs', 'kept lost');
  });

  test('deleting spells out both choices, and keeps the disk unless asked', async () => {
    await openTab(stage, '/environment');
    await button('Delete environment').click();
    const dialog = page.getByRole('dialog', { name: /^Delete environment/ });
    const keep = dialog.getByRole('radio', { name: 'Keep the persistent disk' });
    expect(await keep.isChecked()).toBe(true);
    await dialog.getByText(/Kept: disk .* with everything in \/home\/jupyter/).waitFor();
    await dialog.getByText(/Lost: the boot disk, running kernels and disk/).waitFor();
    await picture(page, 'environment-delete');
    await dialog.getByRole('button', { name: 'Delete environment' }).click();
    await page.getByRole('heading', { name: 'Create a Cloud Environment' }).waitFor();

    await rail('Disks').click();
    const row = page.getByRole('row', { name: `${diskName} my-project/getting-started` });
    await row.getByText('Detached').waitFor();
    expect(await row.textContent()).toMatch(/\$\d/);
    await picture(page, 'disks-detached');
  });

  test('the next environment gets the disk with its files, and a fresh boot disk', async () => {
    await openTab(stage, '/environment');
    const reattach = page.getByRole('radio', { name: new RegExp(`^Reattach "${diskName}"`) });
    await reattach.waitFor();
    expect(await reattach.isChecked()).toBe(true);
    await picture(page, 'environment-form-reattach');
    await button('Create and start').click();
    await untilStatus('Running');
    await inTerminal('echo $(cat ~/disk.txt) $(test -e /opt/boot.txt || echo gone)', 'kept gone');
    expect(await stage.plane.client.listDisks()).toHaveLength(1);
  });

  test("deleting everything takes typing the disk's name, and leaves nothing", async () => {
    await openTab(stage, '/environment');
    await button('Delete environment').click();
    const dialog = page.getByRole('dialog', { name: /^Delete environment/ });
    await dialog.getByRole('radio', { name: 'Delete everything, including the persistent disk' }).check();
    const remove = dialog.getByRole('button', { name: 'Delete environment and disk' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type the disk’s name/).fill(`${diskName}x`);
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type the disk’s name/).fill(diskName);
    await picture(page, 'environment-delete-all');
    await remove.click();
    await page.getByRole('heading', { name: 'Create a Cloud Environment' }).waitFor();
    await rail('Disks').click();
    await page.getByText('No disks', { exact: true }).waitFor();
    await rail('Environments').click();
    await page.getByText('No environments', { exact: true }).waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
