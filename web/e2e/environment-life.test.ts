import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { paramsOf, untilStatus as untilStatusOf } from '../../server/testing/control-plane.ts';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';
import { notebookFile } from './notebook-files.ts';
import { openNotebook } from './people.ts';

const slowScript = 'for n in 1 2 3 4 5; do echo "line $n of the script"; sleep 1; done';

describe.skipIf(!hasBrowser)('the whole life of an environment', () => {
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

  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const link = (name: string) => page.getByRole('link', { name, exact: true });
  const control = () => page.getByRole('region', { name: 'Environment control' });
  const untilStatus = (word: string) => control().getByRole('status').getByText(word, { exact: true }).waitFor();
  const inMain = (text: string | RegExp) => page.locator('main').getByText(text);
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name });
  const change = () => page.getByRole('region', { name: 'What the changes do' });
  const environmentNamed = async (name: string) => {
    const found = (await stage.plane.client.listAllEnvironments()).find((environment) => environment.name === name);
    if (found === undefined) throw new Error(`There is no environment "${name}".`);
    return found;
  };
  const createByApi = async (name: string): Promise<void> => {
    const body = { name, cpus: 0.5, memoryGiB: 0.5, diskName: `${name}-data`, diskGiB: 1 };
    await untilStatusOf(
      stage.plane.client,
      await stage.plane.client.createEnvironment({ params: firstWorkspace, body }),
      'Running',
    );
  };

  test('a custom one: its startup script’s lines come as they are printed', async () => {
    await openTab(stage, '/environment');
    await page.getByLabel('Name', { exact: true }).fill('analysis');
    await page.getByRole('textbox', { name: 'CPUs' }).fill('1');
    await page.getByLabel('Memory (GiB)').fill('1.5');
    expect(await page.getByRole('radio', { name: /^Custom/ }).isChecked()).toBe(true);
    await page.getByLabel('Size (GiB)').fill('1');
    await page.getByRole('textbox', { name: 'Startup script' }).fill(slowScript);
    await page.getByRole('radio', { name: 'Once, when the boot disk is new' }).check();
    await button('Add variable').click();
    await page.getByLabel('Name of variable 1').fill('PROJECT');
    await page.getByLabel('Value of variable 1').fill('genes');
    await picture(page, 'life-form');
    await button('Create and start').click();
    const log = page.getByLabel('Log of Run the startup script');
    await log.getByText('line 2 of the script').waitFor();
    expect(await log.textContent()).not.toContain('line 5');
    await inMain(/at most until \d\d:\d\d/).waitFor();
    await picture(page, 'life-creating');
    await untilStatus('Running');
    await inMain('PROJECT=genes').waitFor();
    expect((await environmentNamed('analysis')).startupScriptRuns).toBe('once');
    await picture(page, 'life-running');
  });

  test('a change says beforehand what it does, and the button what will happen', async () => {
    await link('Edit').click();
    await page.getByRole('heading', { name: 'Edit analysis' }).waitFor();
    await page.getByLabel('Pause after (minutes)').fill('45');
    await change()
      .getByText(/after 45 idle minutes; nothing ends now/)
      .waitFor();
    await button('Save').waitFor();
    await page.getByLabel('Size (GiB)').fill('0');
    await page.getByText(/A disk/).waitFor();
    await page.getByLabel('Size (GiB)').fill('1');
    await page.getByLabel('Boot disk (GiB)').fill('40');
    await change()
      .getByText(/The machine is rebuilt with a boot disk of 40 GiB/)
      .waitFor();
    await picture(page, 'life-edit');
    await button('Save and rebuild').click();
    await dialog('Rebuild "analysis"?')
      .getByText(/^Lost:/)
      .waitFor();
    await dialog('Rebuild "analysis"?')
      .getByText(/^Kept:.*with everything in \/home\/jupyter/)
      .waitFor();
    await picture(page, 'life-edit-confirm');
    await dialog('Rebuild "analysis"?').getByRole('button', { name: 'Save and rebuild' }).click();
    await page.getByRole('region', { name: 'Change the configuration' }).waitFor();
    await untilStatus('Running');
    expect(await environmentNamed('analysis')).toMatchObject({ bootDiskGiB: 40, autopauseMinutes: 45 });
    // The script ran again, because the boot disk was new.
    const steps = page.getByRole('list', { name: 'Timeline', exact: true });
    await steps.getByText('line 5 of the script').waitFor();
    await picture(page, 'life-rebuilt');
  });

  test('sleep keeps a variable, in JupyterLab and on the page', async () => {
    const { client } = stage.plane;
    await client.createNotebook({ params: firstWorkspace, body: { path: 'sleep.ipynb', kernel: 'python3' } });
    await openNotebook(page, client, 'sleep.ipynb');
    const run = async (code: string): Promise<void> => {
      await page.locator('.jp-Notebook .jp-CodeCell .cm-content').last().click();
      await page.keyboard.insertText(code);
      await page.keyboard.press('Shift+Enter');
    };
    const banner = page.getByRole('banner');
    const output = (text: string) => page.locator('.jp-OutputArea-output', { hasText: text });
    await run('kept = 41; print("set", kept)');
    await output('set 41').waitFor();
    await page.getByRole('meter', { name: 'Memory' }).waitFor();
    await picture(page, 'life-lab');
    await banner.getByRole('button', { name: 'More for the environment' }).click();
    await picture(page, 'life-lab-menu');
    await page.locator('.lm-Menu').getByText('Sleep now', { exact: true }).click();
    await banner.getByRole('status').getByText('Asleep', { exact: true }).waitFor();
    await picture(page, 'life-lab-asleep');
    // Running a cell wakes it.
    await run('print("woken", kept + 1)');
    await output('woken 42').waitFor();
    await banner.getByRole('status').getByText('Running', { exact: true }).waitFor();

    await openTab(stage, '/environment');
    await button('Sleep').click();
    await untilStatus('Asleep');
    const asleep = await environmentNamed('analysis');
    expect(asleep.cost.perHourNow).toBeCloseTo(asleep.cost.perHourAsleep);
    await picture(page, 'life-asleep');
    await button('Wake environment').click();
    await untilStatus('Running');
    const [kernel] = await client.listKernels({ params: firstWorkspace });
    expect(kernel?.notebook).toBe('sleep.ipynb');
  });

  test('it is kept running for as long as somebody asks, and that can be taken back', async () => {
    await control().getByRole('button', { name: 'More for the environment' }).click();
    await page.getByRole('menuitem', { name: 'Keep running for 1 hour' }).click();
    await control()
      .getByText(/^Kept until (tomorrow )?\d\d:\d\d/)
      .waitFor();
    await picture(page, 'life-kept');
    await control().getByRole('button', { name: 'More for the environment' }).click();
    await page.getByRole('menuitem', { name: /^Take back/ }).click();
    await control()
      .getByText(/^Kept until/)
      .waitFor({ state: 'detached' });
    expect((await environmentNamed('analysis')).keepRunningUntil).toBeNull();
  });

  test('a pause waits for the cell that runs', async () => {
    const { client } = stage.plane;
    const at = { params: { ...firstWorkspace, path: 'long.ipynb' } };
    const body = notebookFile([{ cell_type: 'code', source: 'import time\ntime.sleep(8)\nprint("all done")' }]);
    await client.putNotebookContent({ ...at, body });
    const { run } = await client.startRun({ ...at, body: {} });
    await inMain(/^Kept running: /).waitFor();
    await control().getByRole('button', { name: 'More for the environment' }).click();
    await picture(page, 'life-busy-menu');
    await page.getByRole('menuitem', { name: 'Pause when this cell ends' }).click();
    await control().getByText('Pauses when done').waitFor();
    await untilStatus('Paused');
    expect((await client.getRun({ params: { ...at.params, run } })).status).toBe('succeeded');
    expect(await (await client.getNotebookContent(at)).text()).toContain('all done');
    await inMain(/Paused as you asked/)
      .first()
      .waitFor();
    await button('Start environment').click();
    await untilStatus('Running');
  });

  test('a disk grows, refuses to shrink, and is copied', async () => {
    const { disk } = await environmentNamed('analysis');
    const name = disk?.name ?? '';
    await page.goto(`${stage.plane.url}/disks`);
    await button(`Actions for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Grow…' }).click();
    await page.getByLabel('New size (GiB)').fill('0');
    await button('Grow disk').click();
    await dialog(/^Grow disk/)
      .getByText(/A disk has at least|A disk only grows/)
      .waitFor();
    await page.getByLabel('New size (GiB)').fill('2');
    await button('Grow disk').click();
    await page.getByRole('row', { name: new RegExp(`^${name}.*(→|\\s)2 GiB`) }).waitFor();
    await picture(page, 'life-disk-grown');

    await button(`Actions for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Copy to a new disk…' }).click();
    await page.getByLabel('Name').fill('copied');
    await picture(page, 'life-disk-copy');
    await dialog(/^Copy/).getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('row', { name: /^copied.*Ready.*Detached/ }).waitFor();

    await button(`Actions for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Take a snapshot…' }).click();
    await page.getByLabel('Name').fill('before');
    await button('Take snapshot').click();
    const rows = page.getByRole('table', { name: 'Disks' }).getByRole('row');
    await rows
      .filter({ hasText: /^beforeSnapshot/ })
      .getByText('Ready')
      .waitFor();
    // It stands right below its disk.
    const names = await rows.evaluateAll((all) => all.map((row) => row.querySelector('td')?.textContent ?? ''));
    expect(names.indexOf('beforeSnapshot')).toBe(names.indexOf(name) + 1);
    await picture(page, 'life-disks');
  });

  test('a second environment begins with the copy, and notebooks run where one chooses', async () => {
    await button('Actions for copied').click();
    await page.getByRole('menuitem', { name: 'New environment with it' }).click();
    await page.getByRole('heading', { name: 'Create another Cloud Environment' }).waitFor();
    expect(await page.getByRole('radio', { name: /^Reattach "copied"/ }).isChecked()).toBe(true);
    await page.getByLabel('Name', { exact: true }).fill('second');
    await page.getByLabel('Memory (GiB)').fill('0.5');
    await button('Create and start').click();
    const list = page.getByRole('region', { name: 'Your environments here' });
    const item = (name: string) => list.getByRole('link', { name: new RegExp(`^${name}`) });
    await item('second').getByText('Running', { exact: true }).waitFor();
    await item('second').getByText('Notebooks run here').waitFor();
    await picture(page, 'life-several');
    await item('analysis').click();
    await page.getByRole('heading', { name: 'analysis', exact: true }).waitFor();
    await button('Run notebooks here').click();
    await item('analysis').getByText('Notebooks run here').waitFor();
    expect((await environmentNamed('analysis')).isChosen).toBe(true);
    expect((await environmentNamed('second')).isChosen).toBe(false);
  });

  test('all of them are paused at once', async () => {
    await createByApi('third');
    await page.goto(`${stage.plane.url}/environments`);
    const rows = page.getByRole('table', { name: 'Environments' }).getByRole('row');
    await rows.filter({ hasText: 'third' }).getByText('Running').waitFor();
    await picture(page, 'life-environments');
    await button('Pause all').click();
    await dialog('Pause 3 environments?')
      .getByText(/^Lost:/)
      .waitFor();
    await picture(page, 'life-pause-all');
    await dialog('Pause 3 environments?').getByRole('button', { name: 'Pause all' }).click();
    for (const name of ['analysis', 'second', 'third'])
      await rows.filter({ hasText: name }).getByText('Paused', { exact: true }).waitFor();

    // An owner of the billing project sees them too, and may end them.
    await page.goto(`${stage.plane.url}/billing/my-project`);
    const section = page.getByRole('region', { name: 'Environments' });
    await section.getByRole('row', { name: /^third/ }).waitFor();
    await section.getByRole('button', { name: 'Delete third' }).click();
    await dialog('Delete environment "third"?').getByRole('button', { name: 'Delete environment' }).click();
    await section.getByRole('row', { name: /^third/ }).waitFor({ state: 'detached' });
    expect((await stage.plane.client.listDisks()).map(({ name }) => name)).toContain('third-data');
    await picture(page, 'life-project');
  });

  test('a detached disk is moved to another environment', async () => {
    await page.goto(`${stage.plane.url}/workspaces/my-project/getting-started/environment?environment=second`);
    await link('Edit').click();
    await page.getByRole('radio', { name: /^Take "third-data" instead/ }).check();
    await page.getByText('Disk "copied" is detached with everything on it').waitFor();
    await change()
      .getByText(/third-data/)
      .waitFor();
    await picture(page, 'life-move-disk');
    await button(/^Save( and restart)?$/).click();
    await inMain('third-data, 1 GiB').first().waitFor();
    const attached = (await stage.plane.client.listDisks()).map(({ name, attachedTo }) => [name, attachedTo?.name]);
    expect(attached).toContainEqual(['third-data', 'second']);
  });

  test('a script that fails is a warning, and leads to the script', async () => {
    const environment = await environmentNamed('second');
    await stage.plane.client.updateEnvironment({
      params: paramsOf(environment),
      body: { startupScript: 'echo "no such package" >&2; exit 3', startupScriptRuns: 'everyStart' },
    });
    await page.goto(`${stage.plane.url}/workspaces/my-project/getting-started/environment?environment=second`);
    await button('Start environment').click();
    await page.getByText('The startup script failed', { exact: true }).waitFor();
    await page.getByLabel('Last lines of the startup script').getByText('no such package').waitFor();
    await picture(page, 'life-script-failed');
    await link('Edit script').click();
    const script = page.getByRole('textbox', { name: 'Startup script' });
    await script.waitFor();
    await expect.poll(() => script.evaluate((field) => field === document.activeElement)).toBe(true);
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
