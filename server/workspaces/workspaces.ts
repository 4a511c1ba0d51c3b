import { AppError, type Workspace } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { BillingProjects } from '../billing/projects.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import { isUniqueViolation } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import { toAccess, type Access, type WorkspaceAccess } from './access.ts';
import type { WorkspaceRow, WorkspaceStore } from './store.ts';

export type Workspaces = ReturnType<typeof createWorkspaces>;

/** What later nouns do when a workspace comes and goes. */
export interface WorkspaceLifecycle {
  /** Makes the bucket, with example notebooks where asked. */
  provision(bucket: string, withExamples: boolean): Promise<void>;
  /** Why the workspace cannot go now, as a sentence, or null. */
  deleteProblem(workspaceId: string): Promise<string | null>;
  /** Drops the accounts of people who were invited here, and nowhere else, and never signed in. */
  forgetInvited(accountIds: readonly string[]): Promise<void>;
  /** Removes what is left of deleted environments and disks. */
  forget(workspaceId: string): Promise<void>;
  /** Removes the bucket with everything in it. */
  deprovision(workspace: { id: string; bucket: string }): Promise<void>;
}

export function createWorkspaces(options: {
  store: WorkspaceStore;
  accounts: Accounts;
  billing: BillingProjects;
  access: Access;
  lifecycle: WorkspaceLifecycle;
  events: EventBus;
  clock: Clock;
}) {
  const { store, accounts, billing, access, lifecycle, events, clock } = options;

  async function toResource(entry: WorkspaceAccess): Promise<Workspace> {
    const { workspace } = entry;
    return {
      id: workspace.id,
      namespace: workspace.namespace,
      name: workspace.name,
      description: workspace.description,
      bucket: workspace.bucket,
      owner: (await accounts.get(workspace.ownerId))?.email ?? '',
      role: entry.role,
      canShare: entry.canShare,
      canCompute: entry.canCompute,
      createdAt: isoMoment(workspace.createdAt),
      updatedAt: isoMoment(workspace.updatedAt),
    };
  }

  return {
    async list(accountId: string): Promise<Workspace[]> {
      return Promise.all((await store.listFor(accountId)).map((row) => toResource(toAccess(row))));
    },

    get: async (accountId: string, namespace: string, name: string): Promise<Workspace> =>
      toResource(await access.workspace(accountId, namespace, name, 'read')),

    async create(
      accountId: string,
      request: { namespace: string; name: string; description: string; withExamples: boolean },
    ): Promise<Workspace> {
      if ((await billing.roleOf(accountId, request.namespace)) === null) {
        const message = `There is no billing project "${request.namespace}" that you can use.`;
        throw new AppError('NotFound', message, { fields: { namespace: message } });
      }
      const now = clock.now();
      const id = newId();
      const row: WorkspaceRow = {
        id,
        namespace: request.namespace,
        name: request.name,
        description: request.description,
        bucket: `terrarium-${id}`,
        owner_id: accountId,
        created_at: now,
        updated_at: now,
      };
      // The bucket comes first: a workspace that can be seen has one. A bucket left by a crash here holds nothing.
      await lifecycle.provision(row.bucket, request.withExamples);
      try {
        await store.insert(row);
      } catch (error) {
        await lifecycle.deprovision(row);
        if (!isUniqueViolation(error)) throw error;
        const message = `Billing project "${request.namespace}" has a workspace "${request.name}" already. Choose another name.`;
        throw new AppError('AlreadyExists', message, { fields: { name: message } });
      }
      events.publish({ kind: 'workspace', id, workspaceId: id }, accountId);
      return toResource(await access.workspaceById(accountId, id, 'read'));
    },

    async setDescription(accountId: string, namespace: string, name: string, description: string): Promise<Workspace> {
      const { workspace } = await access.workspace(accountId, namespace, name, 'write');
      await store.setDescription(workspace.id, description, clock.now());
      events.publish({ kind: 'workspace', id: workspace.id, workspaceId: workspace.id });
      return toResource(await access.workspaceById(accountId, workspace.id, 'read'));
    },

    async delete(accountId: string, namespace: string, name: string): Promise<void> {
      const { workspace } = await access.workspace(accountId, namespace, name, 'own');
      const problem = await lifecycle.deleteProblem(workspace.id);
      if (problem !== null) throw new AppError('NotPossibleNow', problem);
      // The row goes first: what cannot be deleted after all still has its bucket.
      await lifecycle.forget(workspace.id);
      const members = await store.members(workspace.id);
      await store.delete(workspace);
      await lifecycle.forgetInvited(members.filter((row) => row.is_pending === 1).map((row) => row.account_id));
      await lifecycle.deprovision(workspace);
      events.publish({ kind: 'workspace', id: workspace.id, workspaceId: workspace.id }, accountId);
    },
  };
}
