import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { firstWorkspace, hasBrowser, openTab, picture, pictureOnFailure, setStage, type Stage } from './browser.ts';

describe.skipIf(!hasBrowser)('workspaces and billing projects', () => {
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

  const heading = (name: string) => page.getByRole('heading', { name, exact: true });
  const rail = (name: string) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name });

  test('the first workspace is in the list and is found by search', async () => {
    const list = page.getByRole('table', { name: 'Workspaces' });
    const row = list.getByRole('row', { name: /getting-started/ });
    expect(await row.textContent()).toContain('OWNER');
    await picture(page, 'workspaces');
    const search = page.getByRole('searchbox', { name: 'Search workspaces' });
    await search.fill('no such thing');
    await page.getByText('No workspace matches "no such thing"').waitFor();
    await search.fill('started');
    await row.waitFor();
    expect(page.url()).toContain('started');
    await search.fill('');
    await row.getByRole('link', { name: 'getting-started' }).click();
    await heading('my-project/getting-started').waitFor();
  });

  test('the dashboard tells owner, bucket and creation, and the time in full', async () => {
    const account = await stage.plane.client.getSession();
    const workspace = await stage.plane.client.getWorkspace({ params: firstWorkspace });
    const about = page.getByRole('complementary', { name: 'About this workspace' });
    await about.getByRole('region', { name: 'Workspace' }).getByText(account.email).waitFor();
    await about.getByText(workspace.bucket).waitFor();
    await about.getByRole('time').first().hover();
    await page
      .getByRole('tooltip')
      .filter({ hasText: String(new Date().getFullYear()) })
      .waitFor();
    await picture(page, 'dashboard');
  });

  test('the description is edited where it is shown, in markdown that cannot run', async () => {
    await page.getByRole('button', { name: 'Edit description' }).click();
    await page
      .getByLabel('Description')
      .fill('# Reads per gene\nCounts of **BRCA1**, $x^2$. <img src=x onerror="document.title=\'owned\'">');
    await page.getByText('Preview', { exact: true }).click();
    await heading('Reads per gene').waitFor();
    await picture(page, 'description-preview');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Edit description' }).waitFor();
    await page.reload();
    await heading('Reads per gene').waitFor();
    expect(await page.title()).toBe('getting-started · Terrarium');
    const { description } = await stage.plane.client.getWorkspace({ params: firstWorkspace });
    expect(description).toContain('**BRCA1**');
  });

  test('a change made elsewhere appears by itself', async () => {
    await stage.plane.client.updateWorkspace({
      params: firstWorkspace,
      body: { description: 'Changed by a colleague' },
    });
    await page.getByText('Changed by a colleague').waitFor();
  });

  test('a billing project is created; a bad and a taken name are refused where they are typed', async () => {
    await rail('Billing').click();
    await heading('Billing projects').waitFor();
    await page.getByRole('button', { name: 'New billing project' }).click();
    const dialog = page.getByRole('dialog', { name: 'New billing project' });
    const name = dialog.getByLabel('Name');
    const create = dialog.getByRole('button', { name: 'Create billing project' });
    const problem = () => name.evaluate((field) => field.getAttribute('aria-invalid'));

    await name.fill('My Lab!');
    await create.click();
    await expect.poll(problem).toBe('true');
    await picture(page, 'billing-project-bad-name');
    await name.fill('my-project');
    await create.click();
    await dialog.getByText(/already|taken/i).waitFor();
    expect(await problem()).toBe('true');
    await name.fill('genome-lab');
    await create.click();
    await heading('genome-lab').waitFor();
    await page.getByText('No workspaces in this billing project').waitFor();
    await page.getByText('Nothing was spent in this period').waitFor();
    await picture(page, 'billing-project-new');
  });

  test('a workspace is created in it; a bad and a taken name are refused where they are typed', async () => {
    await page.getByRole('button', { name: 'New workspace' }).click();
    const dialog = page.getByRole('dialog', { name: 'New workspace' });
    const name = dialog.getByLabel('Name', { exact: true });
    const create = dialog.getByRole('button', { name: 'Create workspace' });
    const problem = () => name.evaluate((field) => field.getAttribute('aria-invalid'));
    await create.click();
    await expect.poll(problem).toBe('true');
    await name.fill('../escape');
    await create.click();
    await dialog
      .getByText(/letters, digits/i)
      .last()
      .waitFor();
    expect(await problem()).toBe('true');
    await picture(page, 'workspace-bad-name');
    await name.fill('reads');
    await dialog.getByLabel('Description').fill('Read counts');
    await create.click();
    await heading('genome-lab/reads').waitFor();
    await page.getByText('Read counts').waitFor();
    await page.getByText('No notebooks yet').waitFor();

    await rail('Workspaces').click();
    await page.getByRole('button', { name: 'New workspace' }).click();
    await name.fill('reads');
    await dialog.getByRole('combobox', { name: 'Billing project' }).click();
    await page.getByRole('option', { name: 'genome-lab' }).click();
    await create.click();
    await dialog.getByText(/already|taken/i).waitFor();
    expect(await problem()).toBe('true');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  test('the billing page shows what was spent, on what', async () => {
    const { client } = stage.plane;
    await client.createEnvironment({ params: { namespace: 'genome-lab', name: 'reads' }, body: {} });
    await expect
      .poll(() => client.getSpend({ params: { name: 'genome-lab' }, query: { by: 'workspace' } }), { timeout: 30_000 })
      .toMatchObject({ rows: [{ group: 'reads' }] });
    await rail('Billing').click();
    await page.getByRole('link', { name: 'genome-lab' }).click();
    const spend = page.getByRole('table', { name: 'Spend' });
    await spend.getByRole('row', { name: /reads/ }).waitFor();
    expect(await spend.getByRole('row', { name: /^Total/ }).textContent()).toMatch(/\$\d/);
    await page.getByText('By day', { exact: true }).click();
    await spend.getByRole('columnheader', { name: 'Day' }).waitFor();
    await picture(page, 'billing-project');

    // A period that reaches into the future holds nothing that was not spent yet.
    const to = new Date(Date.now() + 300 * 86_400_000).toISOString();
    const ahead = await client.getSpend({ params: { name: 'genome-lab' }, query: { by: 'workspace', to } });
    expect(ahead.total).toBeLessThan(0.01);
  });

  test('a workspace with an environment says what to delete first; then it is deleted by typing its name', async () => {
    const { client } = stage.plane;
    const workspace = { namespace: 'genome-lab', name: 'reads' };
    await openTab(stage, '', workspace);
    const dialog = page.getByRole('dialog', { name: 'Delete workspace "reads"?' });
    await page.getByRole('button', { name: 'Delete workspace' }).click();
    const remove = dialog.getByRole('button', { name: 'Delete workspace' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type reads/).fill('reads');
    await remove.click();
    await dialog
      .getByRole('alert')
      .filter({ hasText: /environment/i })
      .waitFor();
    await picture(page, 'workspace-delete-refused');

    const [environment] = await client.listAllEnvironments();
    if (environment === undefined) throw new Error('There is no environment.');
    await client.deleteEnvironment({
      params: { ...workspace, environment: environment.id },
      query: { deleteDisk: 'true' },
    });
    await expect.poll(() => client.listDisks(), { timeout: 30_000 }).toEqual([]);
    await remove.click();
    await heading('Workspaces').waitFor();
    await page.getByRole('link', { name: 'getting-started' }).waitFor();
    expect(await page.getByRole('link', { name: 'reads', exact: true }).count()).toBe(0);

    await rail('Billing').click();
    await page.getByRole('link', { name: 'genome-lab' }).click();
    await page
      .getByRole('table', { name: 'Spend' })
      .getByRole('row', { name: /reads \(deleted\)/ })
      .waitFor();
    await page.getByRole('button', { name: 'Delete billing project' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete billing project' }).click();
    await heading('Billing projects').waitFor();
    await page.getByRole('link', { name: 'my-project' }).waitFor();
    await page.getByRole('link', { name: 'genome-lab' }).waitFor({ state: 'detached' });
  });

  test('a place that does not exist says so', async () => {
    await page.goto(`${stage.plane.url}/workspaces/genome-lab/reads`);
    await heading('Page not found').waitFor();
    await picture(page, 'not-found');
    await page.getByRole('link', { name: 'Go to workspaces' }).click();
    await heading('Workspaces').waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(stage.complaints).toEqual([]);
  });
});
