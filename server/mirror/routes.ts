import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import type { Mirrors } from './mirrors.ts';

export function mirrorRoutes(bind: Binder<Principal>, mirrors: Mirrors, access: Access): void {
  bind.on('getNotebookMirror', async ({ who, params }) => {
    const { workspace } = await access.workspace(who.account.id, params.namespace, params.name, 'read');
    return mirrors.of(who.account.id, workspace.id, params.environment);
  });
}
