import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';

describe.skipIf(!hasBrowser)('files of the bucket', () => {
  let stage: Stage;
  let page: Page;
  const data = randomBytes(3 * 1024 * 1024);

  beforeAll(async () => {
    stage = await setStage();
    page = stage.page;
    await openTab(stage, '/files');
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(() => pictureOnFailure(page));

  const files = () => page.getByRole('table', { name: 'Files' });
  const row = (name: string) =>
    files()
      .getByRole('row')
      .filter({ has: page.getByText(name, { exact: true }) });
  const uploads = () => page.getByRole('region', { name: 'Uploads' });
  const path = () => page.getByRole('navigation', { name: 'Folder' });
  const keys = async (): Promise<string[]> =>
    (await stage.plane.client.listObjects({ params: firstWorkspace, query: {} })).objects.map(({ key }) => key);

  async function upload(...contents: { name: string; buffer: Buffer }[]): Promise<void> {
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload files' }).first().click();
    await (await chooser).setFiles(contents.map((file) => ({ ...file, mimeType: 'application/octet-stream' })));
  }

  async function download(name: string): Promise<Buffer> {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: `Download ${name}`, exact: true }).click(),
    ]);
    // Chromium itself replaces what some file system cannot have in a name.
    expect(file.suggestedFilename()).toBe(name.replaceAll(/[<>?]/g, '_'));
    return readFile(await file.path());
  }

  test('a folder is made and opened; its name is checked where it is typed', async () => {
    await row('notebooks').waitFor();
    const dialog = page.getByRole('dialog', { name: 'New folder' });
    await page.getByRole('button', { name: 'New folder' }).click();
    const name = dialog.getByLabel('Name');
    const create = dialog.getByRole('button', { name: 'Create folder' });
    for (const bad of ['', '..', '.', 'a/b', 'notebooks', 'a\u0007b', 'x'.repeat(1100)]) {
      await name.fill(bad);
      await create.click();
      await expect.poll(() => name.getAttribute('aria-invalid'), { message: bad }).toBe('true');
    }
    await picture(page, 'folder-bad-name');
    await name.fill('raw data & counts');
    await create.click();
    await path().getByText('raw data & counts').waitFor();
    await page.getByText('This folder is empty').waitFor();
    await picture(page, 'folder-empty');
  });

  test('files are uploaded into it, whatever they are called', async () => {
    await upload(
      { name: 'reads.bin', buffer: data },
      { name: 'übersicht 100% #1?.csv', buffer: Buffer.from('gene,reads\n') },
      { name: '<b>bold.txt', buffer: Buffer.from('no markup') },
    );
    await uploads().getByText('3 uploaded', { exact: true }).waitFor();
    await row('reads.bin').getByText('3 MiB').waitFor();
    await row('übersicht 100% #1?.csv').waitFor();
    await row('<b>bold.txt').waitFor();
    await picture(page, 'files');
    expect(await keys()).toContain('raw data & counts/übersicht 100% #1?.csv');
  });

  test('a download has the same bytes and name', async () => {
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(digest(await download('reads.bin'))).toBe(digest(data));
    expect((await download('übersicht 100% #1?.csv')).toString()).toBe('gene,reads\n');
  });

  test('an upload over an existing file asks first', async () => {
    await page.getByRole('button', { name: 'Clear finished' }).click();
    await upload({ name: '<b>bold.txt', buffer: Buffer.from('second') });
    await uploads().getByText('There is a file of this name already.').waitFor();
    expect((await download('<b>bold.txt')).toString()).toBe('no markup');
    await picture(page, 'file-upload-exists');
    await uploads().getByRole('button', { name: 'Replace it' }).click();
    await uploads().getByText('1 uploaded', { exact: true }).waitFor();
    expect((await download('<b>bold.txt')).toString()).toBe('second');
  });

  test('a file that is dropped on the page is uploaded', async () => {
    const transfer = await page.evaluateHandle(() => {
      const dropped = new DataTransfer();
      dropped.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
      return dropped;
    });
    for (const event of ['dragenter', 'dragover', 'drop'])
      await files().dispatchEvent(event, { dataTransfer: transfer });
    await row('dropped.txt').waitFor();
  });

  test('names that would leave their place are refused in words, and nothing is stored', async () => {
    const before = await keys();
    for (const name of ['..', 'a\u202Etxt.exe', 'line\nbreak.txt', `${'long'.repeat(260)}.txt`]) {
      const transfer = await page.evaluateHandle((hostile) => {
        const dropped = new DataTransfer();
        dropped.items.add(new File(['x'], hostile, { type: 'text/plain' }));
        return dropped;
      }, name);
      for (const event of ['dragenter', 'dragover', 'drop'])
        await files().dispatchEvent(event, { dataTransfer: transfer });
      const refusal = uploads().getByRole('alert');
      await refusal.waitFor();
      expect((await refusal.textContent())?.length, name).toBeGreaterThan(20);
      if (name.startsWith('a')) await picture(page, 'file-bad-name');
      await uploads()
        .getByRole('button', { name: /^Dismiss / })
        .last()
        .click();
      await refusal.waitFor({ state: 'detached' });
    }
    expect(await keys()).toEqual(before);
  });

  test('the address leads back to the folder, and back to the one above', async () => {
    await page.reload();
    await row('reads.bin').waitFor();
    await path().getByRole('link', { name: 'Bucket' }).click();
    await row('notebooks').waitFor();
    await page.goBack();
    await row('reads.bin').waitFor();
    await page.goto(`${page.url().split('?')[0] ?? ''}?folder=no/such/`);
    await page.getByText('This folder is empty').waitFor();
    await page.goto(`${page.url().split('?')[0] ?? ''}?folder=../../`);
    await page.getByRole('alert').or(page.getByText('This folder is empty')).waitFor();
    await picture(page, 'folder-hostile');
    await openTab(stage, '/files');
  });

  test('a file and a folder are deleted after saying what is lost', async () => {
    await files().getByRole('link', { name: 'raw data & counts' }).click();
    await page.getByRole('button', { name: 'Delete dropped.txt' }).click();
    const file = page.getByRole('dialog', { name: 'Delete file "dropped.txt"?' });
    await file.getByText(/^Lost: the file \(7 B\)/).waitFor();
    await file.getByRole('button', { name: 'Delete file' }).click();
    await row('dropped.txt').waitFor({ state: 'detached' });

    await path().getByRole('link', { name: 'Bucket' }).click();
    await page.getByRole('button', { name: 'Delete raw data & counts' }).click();
    const folder = page.getByRole('dialog', { name: 'Delete folder "raw data & counts"?' });
    await folder.getByText(/3 files, 3 MiB/).waitFor();
    await picture(page, 'folder-delete');
    await folder.getByRole('button', { name: 'Delete folder' }).click();
    await row('raw data & counts').waitFor({ state: 'detached' });
    expect((await keys()).filter((key) => key.startsWith('raw data'))).toEqual([]);
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
