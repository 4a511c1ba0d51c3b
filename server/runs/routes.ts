import type { Principal } from '../accounts/accounts.ts';
import { authorOf } from '../accounts/author.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import { keyOf } from '../notebooks/notebooks.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access, Permission } from '../workspaces/access.ts';
import { toResource } from './run.ts';
import { holdNotebook, type Runs } from './runs.ts';

export function runRoutes(
  bind: Binder<Principal>,
  deps: { runs: Runs; documents: LiveDocuments; access: Access },
): void {
  const { runs, documents, access } = deps;

  async function hold(
    { account }: Principal,
    { namespace, name, path }: { namespace: string; name: string; path: string },
    permission: Permission,
  ) {
    const { workspace } = await access.workspace(account.id, namespace, name, permission);
    return holdNotebook(documents, workspace, keyOf(path), account.id);
  }

  bind.on('startRun', async ({ who, params, body }) => {
    using held = await hold(who, params, 'compute');
    const request = { author: authorOf(who.account), cells: body.cells, startsEnvironment: true };
    const { id } = await runs.start(held.document, request);
    return { run: id };
  });

  bind.on('listRuns', async ({ who, params }) => {
    using held = await hold(who, params, 'read');
    return (await runs.list(held.document.id, who.account.id)).map(toResource);
  });

  bind.on('getRun', async ({ who, params }) => {
    using held = await hold(who, params, 'read');
    return toResource(await runs.get(held.document.id, who.account.id, params.run));
  });

  bind.on('interruptRun', async ({ who, params }) => {
    using held = await hold(who, params, 'compute');
    return toResource(await runs.interrupt(held.document.id, who.account.id, params.run));
  });

  bind.on('answerInput', async ({ who, params, body }) => {
    using held = await hold(who, params, 'compute');
    runs.answer(held.document.id, who.account.id, body.cell, body.value);
  });
}
