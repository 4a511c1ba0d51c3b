import { AppError } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Access } from '../workspaces/access.ts';
import type { Environments } from './environments.ts';
import type { Reach } from './reaching.ts';

interface EnvironmentParams {
  readonly namespace: string;
  readonly name: string;
  readonly environment: string;
}

export function environmentRoutes(bind: Binder<Principal>, environments: Environments, access: Access): void {
  const within = (who: Principal, params: { namespace: string; name: string }, permission: 'read' | 'compute') =>
    access.workspace(who.account.id, params.namespace, params.name, permission);

  /**
   * An environment stays its owner's to look at, pause and delete when he sees nothing else of the workspace any more;
   * and it can be looked at from outside, paused and deleted by those who pay for it.
   */
  async function reach(who: Principal, params: EnvironmentParams): Promise<Reach> {
    const accountId = who.account.id;
    const payersPlace = await environments.placeOfPayer(accountId, params.namespace, params.name);
    const found = { accountId, nameOrId: params.environment, isPayer: payersPlace !== null };
    try {
      return { ...found, workspaceId: (await within(who, params, 'read')).workspace.id };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const workspaceId = (await environments.placeOfOwn(accountId, params.namespace, params.name)) ?? payersPlace;
      if (workspaceId === null) throw error;
      return { ...found, workspaceId };
    }
  }

  /** For what only its owner does to it. */
  const ownReach = async (who: Principal, params: EnvironmentParams): Promise<Reach> => ({
    ...(await reach(who, params)),
    isPayer: false,
  });

  bind.on('getComputeOffer', () => environments.offer());
  bind.on('listAllEnvironments', ({ who }) => environments.list(who.account.id));
  bind.on('stopAllEnvironments', ({ who }) => environments.stopAll(who));
  bind.on('listProjectEnvironments', ({ who, params }) => environments.listOfProject(who.account.id, params.name));
  bind.on('listEnvironments', async ({ who, params }) => {
    const { workspace } = await within(who, params, 'read');
    return environments.listIn(who.account.id, workspace.id);
  });
  bind.on('getEnvironment', async ({ who, params }) => environments.get(await reach(who, params)));
  bind.on('createEnvironment', async ({ who, params, body }) =>
    environments.create(who, await within(who, params, 'compute'), body),
  );
  bind.on('updateEnvironment', async ({ who, params, query, body }) => {
    const right = await within(who, params, 'compute');
    return environments.update(await ownReach(who, params), right, body, { isDryRun: query.dryRun === 'true' });
  });
  bind.on('startEnvironment', async ({ who, params }) =>
    environments.start(who, await within(who, params, 'compute'), params.environment),
  );
  bind.on('wakeEnvironment', async ({ who, params }) =>
    environments.wake(who, await within(who, params, 'compute'), params.environment),
  );
  bind.on('sleepEnvironment', async ({ who, params }) => environments.sleep(await ownReach(who, params)));
  // What costs money can be stopped, even after losing the right to start it.
  bind.on('stopEnvironment', async ({ who, params, query }) =>
    query.when === 'idle'
      ? environments.stopWhenIdle(await ownReach(who, params))
      : environments.stop(who, await reach(who, params)),
  );
  bind.on('keepEnvironmentRunning', async ({ who, params, body }) => {
    await within(who, params, 'compute');
    const until = typeof body.until === 'string' ? Date.parse(body.until) : body.until;
    return environments.keepRunning(await ownReach(who, params), until);
  });
  bind.on('chooseEnvironment', async ({ who, params }) => environments.choose(await ownReach(who, params)));
  bind.on('getDiskFolders', async ({ who, params }) => environments.folders(await ownReach(who, params)));
  bind.on('deleteEnvironment', async ({ who, params, query }) =>
    environments.delete(who, await reach(who, params), query.deleteDisk === 'true'),
  );
}
