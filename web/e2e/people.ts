import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BrowserContext, Page } from 'playwright-core';
import { createClient, type Client } from '@terrarium/contract';
import { secretHash } from '../../server/plumbing/ids.ts';
import { firstWorkspace, type Stage } from './browser.ts';

/** Somebody else, at a browser of their own. */
export interface OtherPerson {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly client: Client;
  readonly complaints: string[];
}

/** Makes an account that has a role in the first workspace, as its owner would by sharing it. */
export async function bringPerson(
  stage: Stage,
  who: { name: string; role: 'READER' | 'WRITER'; canCompute?: boolean },
): Promise<OtherPerson> {
  const id = randomUUID().replaceAll('-', '').slice(0, 16);
  const secret = `trm_${randomBytes(24).toString('base64url')}`;
  const database = new DatabaseSync(path.join(stage.installation.dataDirectory, 'terrarium.db'));
  try {
    database.exec('PRAGMA busy_timeout = 5000');
    database
      .prepare(
        'INSERT INTO accounts (id, email, name, password_hash, is_operator, created_at) VALUES (?, ?, ?, NULL, 0, ?)',
      )
      .run(id, `${who.name.toLowerCase()}@example.org`, who.name, Date.now());
    database
      .prepare(
        'INSERT INTO tokens (id, secret_hash, account_id, label, created_at, last_used_at) VALUES (?, ?, ?, ?, ?, NULL)',
      )
      .run(id, secretHash(secret), id, 'browser story', Date.now());
    database
      .prepare(
        `INSERT INTO workspace_members (workspace_id, account_id, role, can_share, can_compute)
         SELECT id, ?, ?, 0, ? FROM workspaces WHERE namespace = ? AND name = ?`,
      )
      .run(id, who.role, who.canCompute === true ? 1 : 0, firstWorkspace.namespace, firstWorkspace.name);
  } finally {
    database.close();
  }
  const context = await stage.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  return { context, page, client: createClient({ baseUrl: stage.plane.url, token: secret }), complaints };
}

/** Opens a notebook of the first workspace in JupyterLab, and waits until its cells are there. */
export async function openNotebook(page: Page, client: Client, notebook: string): Promise<void> {
  const { url } = await client.openDoor({ params: firstWorkspace, body: { path: `lab/tree/notebooks/${notebook}` } });
  await page.goto(url);
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor();
}
