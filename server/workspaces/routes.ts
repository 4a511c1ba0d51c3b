import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Workspaces } from './workspaces.ts';

export function workspaceRoutes(bind: Binder<Principal>, workspaces: Workspaces): void {
  bind.on('listWorkspaces', ({ who }) => workspaces.list(who.account.id));
  bind.on('createWorkspace', ({ who, body }) =>
    workspaces.create(who.account.id, {
      namespace: body.namespace,
      name: body.name,
      description: body.description ?? '',
      withExamples: body.withExamples ?? false,
    }),
  );
  bind.on('getWorkspace', ({ who, params }) => workspaces.get(who.account.id, params.namespace, params.name));
  bind.on('updateWorkspace', ({ who, params, body }) =>
    workspaces.setDescription(who.account.id, params.namespace, params.name, body.description),
  );
  bind.on('deleteWorkspace', ({ who, params }) => workspaces.delete(who.account.id, params.namespace, params.name));
}
