import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Account } from '@terrarium/contract';
import type { Accounts } from './accounts/accounts.ts';
import type { BillingProjects } from './billing/projects.ts';
import type { Workspaces } from './workspaces/workspaces.ts';

const firstProject = 'my-project';
const firstWorkspace = 'getting-started';
const firstDescription = `# Getting started

Your first workspace. Open one of the two example notebooks, **Python** or **R**, and run a cell: the first run starts
a Cloud Environment for you, after showing what it costs.

- **Notebooks** live in this workspace's bucket and can be read with nothing running.
- **Files you make** belong in your home folder, \`/home/jupyter\`: it is a persistent disk, and outlives the machine.
- **Pause** when you are done. An idle environment pauses by itself.
`;

/** Makes what a new installation has: a billing project, and a workspace with example notebooks. Repeating it adds nothing. */
export async function prepareFirstStart(
  owner: Account,
  nouns: { billing: BillingProjects; workspaces: Workspaces },
): Promise<void> {
  if ((await nouns.workspaces.list(owner.id)).length > 0) return;
  const projects = await nouns.billing.list(owner.id);
  const project =
    projects[0] ??
    (await nouns.billing.create(owner.id, { name: firstProject, description: 'Made at the first start.' }));
  await nouns.workspaces.create(owner.id, {
    namespace: project.name,
    name: firstWorkspace,
    description: firstDescription,
    withExamples: true,
  });
}

/** The owner's API token for programs on this machine, the same at every start for as long as it is valid. */
export async function ownerToken(dataDirectory: string, owner: Account, accounts: Accounts): Promise<string> {
  const file = path.join(dataDirectory, 'owner-token');
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '' && (await accounts.principalOfToken(kept))?.account.id === owner.id) return kept;
  const { secret } = await accounts.createToken(owner.id, 'This machine (server.json)');
  await writePrivate(file, `${secret}\n`);
  return secret;
}

/** Tells programs on this machine where the control plane answers. There while it is ready, and only then. */
export async function announce(
  dataDirectory: string,
  facts: { url: string; token: string; pid: number },
): Promise<{ withdraw(): Promise<void> }> {
  const file = path.join(dataDirectory, 'server.json');
  await writePrivate(file, `${JSON.stringify(facts, null, 2)}\n`);
  return { withdraw: () => rm(file, { force: true }) };
}

async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.${String(process.pid)}`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}
