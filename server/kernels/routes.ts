import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access, Permission } from '../workspaces/access.ts';
import type { Kernels } from './kernels.ts';

export function kernelRoutes(bind: Binder<Principal>, deps: { kernels: Kernels; access: Access }): void {
  const { kernels, access } = deps;
  const workspaceId = async (who: Principal, params: { namespace: string; name: string }, permission: Permission) =>
    (await access.workspace(who.account.id, params.namespace, params.name, permission)).workspace.id;

  bind.on('listKernels', async ({ who, params }) =>
    kernels.list(who.account.id, await workspaceId(who, params, 'read')),
  );
  bind.on('interruptKernel', async ({ who, params }) =>
    kernels.interrupt(who.account.id, await workspaceId(who, params, 'compute'), params.kernel),
  );
  bind.on('restartKernel', async ({ who, params }) =>
    kernels.restart(who.account.id, await workspaceId(who, params, 'compute'), params.kernel),
  );
  bind.on('shutDownKernel', async ({ who, params }) =>
    kernels.shutDown(who.account.id, await workspaceId(who, params, 'compute'), params.kernel),
  );
}
