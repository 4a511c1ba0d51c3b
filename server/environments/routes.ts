import { AppError } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import type { Environments } from './environments.ts';

export function environmentRoutes(bind: Binder<Principal>, environments: Environments, access: Access): void {
  const within = (who: Principal, params: { namespace: string; name: string }, permission: 'read' | 'compute') =>
    access.workspace(who.account.id, params.namespace, params.name, permission);

  /** An environment stays its owner's to look at, pause and delete when he sees nothing else of the workspace any more. */
  async function placeOfOwn(who: Principal, params: { namespace: string; name: string }): Promise<string> {
    try {
      return (await within(who, params, 'read')).workspace.id;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const workspaceId = await environments.placeOfOwn(who.account.id, params.namespace, params.name);
      if (workspaceId === null) throw error;
      return workspaceId;
    }
  }

  bind.on('listAllEnvironments', ({ who }) => environments.list(who.account.id));
  bind.on('listEnvironments', async ({ who, params }) => {
    const { workspace } = await within(who, params, 'read');
    return environments.listIn(who.account.id, workspace.id);
  });
  bind.on('getEnvironment', async ({ who, params }) =>
    environments.get(who.account.id, await placeOfOwn(who, params), params.environment),
  );
  bind.on('createEnvironment', async ({ who, params, body }) =>
    environments.create(who, await within(who, params, 'compute'), body),
  );
  bind.on('startEnvironment', async ({ who, params }) =>
    environments.start(who, await within(who, params, 'compute'), params.environment),
  );
  // What costs money can be stopped, even after losing the right to start it.
  bind.on('stopEnvironment', async ({ who, params }) =>
    environments.stop(who, await placeOfOwn(who, params), params.environment),
  );
  bind.on('deleteEnvironment', async ({ who, params, query }) =>
    environments.delete(who, await placeOfOwn(who, params), params.environment, query.deleteDisk === 'true'),
  );
}
