import { AppError, shareProblem, type WorkspaceRole } from '@terrarium/contract';
import type { MemberRow, WorkspaceStore, WorkspaceWithMember } from './store.ts';

export type Permission = 'read' | 'write' | 'compute' | 'share' | 'own';

/** One workspace as one account may use it. */
export interface WorkspaceAccess {
  readonly workspace: {
    readonly id: string;
    readonly namespace: string;
    readonly name: string;
    readonly description: string;
    readonly bucket: string;
    readonly ownerId: string;
    readonly createdAt: number;
    readonly updatedAt: number;
  };
  readonly role: WorkspaceRole;
  readonly canShare: boolean;
  readonly canCompute: boolean;
}

export interface Access {
  /** @throws AppError NotFound  unknown, or not to be seen; NotAllowed  seen, but without that permission */
  workspace(accountId: string, namespace: string, name: string, permission: Permission): Promise<WorkspaceAccess>;
  /** The same by id. */
  workspaceById(accountId: string, workspaceId: string, permission: Permission): Promise<WorkspaceAccess>;
  /** The accounts that have the permission in each of these workspaces, by workspace. */
  holders(workspaceIds: readonly string[], permission: Permission): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
}

const rank: Record<WorkspaceRole, number> = { READER: 1, WRITER: 2, OWNER: 3 };

/** May someone with this role and these flags do that? The one place that answers. */
export function isAllowed(
  access: Pick<WorkspaceAccess, 'role' | 'canShare' | 'canCompute'>,
  permission: Permission,
): boolean {
  switch (permission) {
    case 'read':
      return true;
    case 'write':
      return rank[access.role] >= rank.WRITER;
    case 'compute':
      return rank[access.role] >= rank.WRITER && access.canCompute;
    case 'share':
      return shareProblem(access) === undefined;
    case 'own':
      return access.role === 'OWNER';
  }
}

const refusal: Record<Permission, string> = {
  read: 'You cannot see this workspace.',
  write: 'You can read this workspace, and not change it. Ask its owner for the role WRITER.',
  compute: 'You cannot run an environment in this workspace. Ask its owner for "can compute".',
  share: 'You cannot share this workspace. Ask its owner for "can share".',
  own: 'Only an owner of this workspace can do that.',
};

export function createAccess(store: WorkspaceStore): Access {
  function decide(row: WorkspaceWithMember | undefined, permission: Permission, label: string): WorkspaceAccess {
    // What must not be seen does not exist: both are NotFound, so that names cannot be probed.
    if (row === undefined) throw new AppError('NotFound', `There is no workspace "${label}" that you can see.`);
    const access = toAccess(row);
    if (!isAllowed(access, permission)) throw new AppError('NotAllowed', refusal[permission]);
    return access;
  }
  return {
    workspace: async (accountId, namespace, name, permission) =>
      decide(await store.findByName(accountId, namespace, name), permission, `${namespace}/${name}`.slice(0, 120)),
    workspaceById: async (accountId, workspaceId, permission) =>
      decide(await store.findById(accountId, workspaceId), permission, workspaceId.slice(0, 60)),
    async holders(workspaceIds, permission) {
      const holders = new Map<string, Set<string>>();
      for (const row of await store.membersOf(workspaceIds)) {
        if (row.is_pending === 1 || !isAllowed(rightsOf(row), permission)) continue;
        const known = holders.get(row.workspace_id);
        if (known === undefined) holders.set(row.workspace_id, new Set([row.account_id]));
        else known.add(row.account_id);
      }
      return holders;
    },
  };
}

export function toAccess(row: WorkspaceWithMember): WorkspaceAccess {
  return {
    workspace: {
      id: row.id,
      namespace: row.namespace,
      name: row.name,
      description: row.description,
      bucket: row.bucket,
      ownerId: row.owner_id,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    },
    ...rightsOf(row),
  };
}

function rightsOf(row: MemberRow): Pick<WorkspaceAccess, 'role' | 'canShare' | 'canCompute'> {
  return { role: row.role, canShare: row.can_share === 1, canCompute: row.can_compute === 1 };
}
