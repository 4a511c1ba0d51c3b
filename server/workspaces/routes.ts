import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Sharing } from './sharing.ts';
import type { Workspaces } from './workspaces.ts';

export function workspaceRoutes(
  bind: Binder<Principal>,
  { workspaces, sharing }: { workspaces: Workspaces; sharing: Sharing },
): void {
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

  bind.on('getWorkspaceAcl', ({ who, params }) => sharing.list(who.account.id, params.namespace, params.name));
  bind.on('updateWorkspaceAcl', ({ who, params, body }) =>
    sharing.change(who.account.id, params.namespace, params.name, body),
  );
  bind.on('createInvitation', ({ who, params }) =>
    sharing.invite(who.account.id, params.namespace, params.name, params.email),
  );
  bind.on('leaveWorkspace', ({ who, params }) => sharing.leave(who.account.id, params.namespace, params.name));
}
