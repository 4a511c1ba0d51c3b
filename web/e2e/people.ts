import type { BrowserContext, Page } from 'playwright-core';
import type { Client, WorkspaceRole } from '@terrarium/contract';
import { invite, type Person } from '../../server/testing/people.ts';
import { firstWorkspace, type Stage } from './browser.ts';

interface OpenBrowser {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: string[];
}

/** Somebody else, at a browser of their own. */
export type OtherPerson = Person & OpenBrowser;

/** Shares the first workspace with somebody new, who is signed in to the app in another browser. */
export async function bringPerson(
  stage: Stage,
  who: { name: string; role: WorkspaceRole; canShare?: boolean; canCompute?: boolean },
): Promise<OtherPerson> {
  const email = `${who.name.toLowerCase().replaceAll(' ', '.')}@example.org`;
  const person = await invite(stage.plane, firstWorkspace, { ...who, email });
  return { ...person, ...(await openBrowser(stage, person)) };
}

/** Another browser, signed in as this person where one is given. */
export async function openBrowser(stage: Stage, person?: Pick<Person, 'email' | 'password'>): Promise<OpenBrowser> {
  const context = await stage.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  if (person !== undefined) {
    const { email, password } = person;
    // The context keeps the answer's cookie for its pages.
    const answer = await context.request.post(`${stage.plane.url}/api/session`, { data: { email, password } });
    if (!answer.ok()) throw new Error(`${email} could not sign in: ${await answer.text()}`);
  }
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  return { context, page, complaints };
}

/** Opens a notebook of the first workspace in JupyterLab, and waits until its cells are there. */
export async function openNotebook(page: Page, client: Client, notebook: string): Promise<void> {
  const { url } = await client.openDoor({ params: firstWorkspace, body: { path: `lab/tree/notebooks/${notebook}` } });
  await page.goto(url);
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
}
