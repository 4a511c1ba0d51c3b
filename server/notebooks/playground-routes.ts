import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import { authorOf } from '../accounts/author.ts';
import type { Playgrounds } from './playgrounds.ts';

export function playgroundRoutes(
  bind: Binder<Principal>,
  deps: { playgrounds: Playgrounds; access: Pick<Access, 'workspace'> },
): void {
  const { playgrounds, access } = deps;

  bind.on('createPlayground', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'compute');
    return playgrounds.create(workspace, authorOf(who.account), params.path);
  });

  bind.on('keepPlayground', async ({ who, params, body }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'write');
    return playgrounds.keep(workspace, authorOf(who.account), params.path, body.to);
  });

  bind.on('listPlaygrounds', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    return playgrounds.list(workspace, who.account.id);
  });

  bind.on('deletePlayground', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    await playgrounds.delete(workspace, who.account.id, params.path);
  });
}
