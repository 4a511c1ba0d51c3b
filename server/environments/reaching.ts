import { AppError } from '@terrarium/contract';
import type { BillingProjects } from '../billing/projects.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import type { Viewer } from './resource.ts';
import { environmentStore, type EnvironmentRow, type EnvironmentStore } from './store.ts';

/** An environment as somebody may reach it: their own, by name or id, or by id alone one that they pay for. */
export interface Reach {
  readonly accountId: string;
  readonly workspaceId: string;
  readonly nameOrId: string;
  readonly isPayer: boolean;
}

/** One's own environment in a workspace. */
export function ownReach(accountId: string, workspaceId: string, nameOrId: string): Reach {
  return { accountId, workspaceId, nameOrId, isPayer: false };
}

export function viewerOf(row: EnvironmentRow, accountId: string): Viewer {
  return row.owner_id === accountId ? 'owner' : 'payer';
}

/** Who reaches which environment, and in which workspaces somebody has a say who sees nothing else of them. */
export function createReaching(options: {
  database: Database;
  billing: Pick<BillingProjects, 'roleOf'>;
  workspaces: WorkspaceStore;
}) {
  const { billing, workspaces } = options;
  const store = environmentStore(options.database);

  return {
    /** What does not exist for somebody and what is not theirs is the same to them. @throws AppError NotFound */
    async required(reach: Reach, from: EnvironmentStore = store): Promise<EnvironmentRow> {
      const { accountId, workspaceId, nameOrId } = reach;
      const mine = await from.ofOwner(workspaceId, accountId);
      const own = mine.find(({ id }) => id === nameOrId) ?? mine.find(({ name }) => name === nameOrId);
      if (own !== undefined) return own;
      const other = reach.isPayer ? await from.byId(nameOrId) : undefined;
      if (other !== undefined && other.workspace_id === workspaceId && other.status !== 'Deleted') return other;
      throw new AppError('NotFound', `There is no environment "${nameOrId.slice(0, 80)}" of yours in this workspace.`);
    },

    /** The workspace of that name, if the account has an environment in it, whether or not it can be seen; else null. */
    async placeOfOwn(accountId: string, namespace: string, name: string): Promise<string | null> {
      const workspace = await workspaces.byName(namespace, name);
      if (workspace === undefined) return null;
      return (await store.ofOwner(workspace.id, accountId)).length === 0 ? null : workspace.id;
    },

    /** The same for somebody who owns the billing project that pays for the workspace. */
    async placeOfPayer(accountId: string, namespace: string, name: string): Promise<string | null> {
      if ((await billing.roleOf(accountId, namespace)) !== 'owner') return null;
      return (await workspaces.byName(namespace, name))?.id ?? null;
    },

    /** Whether the account owns the billing project that pays for what runs in the workspace. */
    async isPaidBy(accountId: string, workspaceId: string | null): Promise<boolean> {
      const workspace = workspaceId === null ? undefined : await workspaces.byId(workspaceId);
      return workspace !== undefined && (await billing.roleOf(accountId, workspace.namespace)) === 'owner';
    },
  };
}

export type Reaching = ReturnType<typeof createReaching>;
