import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { onTestFailed } from 'vitest';
import { createInstallation, type ControlPlane, type Installation } from '../../server/testing/control-plane.ts';
import { chromiumOptions } from './chromium.ts';

export const hasBrowser = existsSync(chromiumOptions.executablePath);

/** A person at a browser, before a Terrarium of their own. */
export interface Stage {
  readonly installation: Installation;
  plane: ControlPlane;
  readonly browser: Browser;
  readonly page: Page;
  /** What the page complained of: errors that nobody caught. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Starts Terrarium on an empty data directory, and a browser signed in by the printed link. */
export async function setStage(): Promise<Stage> {
  const installation = await createInstallation();
  const plane = await installation.start();
  const browser = await chromium.launch(chromiumOptions);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(plane.signInUrl);
  await page.getByRole('heading', { name: 'Workspaces' }).waitFor();
  return {
    installation,
    plane,
    browser,
    page,
    complaints,
    async close() {
      await browser.close();
      await installation.remove();
    },
  };
}

const pictures = path.resolve(import.meta.dirname, '../../test-results');

/** Call it in a beforeEach: when the test fails, what the person saw is kept as a picture. */
export function pictureOnFailure(page: Page): void {
  onTestFailed(async ({ task }) => {
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: path.join(pictures, `${task.name.replace(/\W+/g, '-')}.png`) });
  });
}

/** With TERRARIUM_PICTURES set, keeps a picture of the page beside those of failures, for a designer's eye. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['TERRARIUM_PICTURES'] === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), animations: 'disabled', caret: 'hide' });
}

/** The workspace that every installation starts with. */
export const firstWorkspace = { namespace: 'my-project', name: 'getting-started' };

/** Opens a tab of a workspace, as a link to it would. */
export async function openTab(
  stage: Stage,
  tab: '' | '/notebooks' | '/files' | '/environment',
  { namespace, name } = firstWorkspace,
): Promise<void> {
  await stage.page.goto(`${stage.plane.url}/workspaces/${namespace}/${name}${tab}`);
  await stage.page.getByRole('navigation', { name: 'Workspace' }).waitFor();
}
