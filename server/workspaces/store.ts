import type { Generated, Selectable } from 'kysely';
import type { WorkspaceRole } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import { inChunks } from '../plumbing/db/in-chunks.ts';

interface Tables {
  workspaces: {
    id: string;
    namespace: string;
    name: string;
    description: string;
    bucket: string;
    owner_id: string;
    created_at: number;
    updated_at: number;
  };
  workspace_members: {
    workspace_id: string;
    account_id: string;
    role: WorkspaceRole;
    can_share: number;
    can_compute: number;
    /** Counts for nothing until the invitation is accepted. */
    is_pending: Generated<number>;
  };
  former_workspaces: {
    id: string;
    namespace: string;
    name: string;
  };
}

export type WorkspaceRow = Selectable<Tables['workspaces']>;
export type MemberRow = Selectable<Tables['workspace_members']>;
export type WorkspaceWithMember = WorkspaceRow & MemberRow;

export function workspaceStore(database: Database) {
  const tables = database.tables<Tables>();
  const mine = (accountId: string) =>
    tables
      .selectFrom('workspaces')
      .innerJoin('workspace_members', 'workspace_members.workspace_id', 'workspaces.id')
      .where('workspace_members.account_id', '=', accountId)
      .where('workspace_members.is_pending', '=', 0)
      .selectAll();
  return {
    listFor: (accountId: string): Promise<WorkspaceWithMember[]> =>
      mine(accountId).orderBy('namespace').orderBy('name').execute(),
    findByName: (accountId: string, namespace: string, name: string): Promise<WorkspaceWithMember | undefined> =>
      mine(accountId).where('namespace', '=', namespace).where('name', '=', name).executeTakeFirst(),
    findById: (accountId: string, id: string): Promise<WorkspaceWithMember | undefined> =>
      mine(accountId).where('workspaces.id', '=', id).executeTakeFirst(),
    /** Those there are and those that are deleted: what a billing project's spend is told by. */
    everIn: (namespace: string) =>
      tables
        .selectFrom('workspaces')
        .select(['id', 'name'])
        .where('namespace', '=', namespace)
        .unionAll(
          tables
            .selectFrom('former_workspaces')
            .select((select) => ['id', select.fn<string>('concat', ['name', select.val(' (deleted)')]).as('name')])
            .where('namespace', '=', namespace),
        )
        .execute(),
    everyBucket: () => tables.selectFrom('workspaces').select(['id', 'bucket']).execute(),
    byIds: (ids: readonly string[]): Promise<WorkspaceRow[]> =>
      inChunks(ids, (some) => tables.selectFrom('workspaces').selectAll().where('id', 'in', some).execute()),
    byId: (id: string) => tables.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirst(),
    byName: (namespace: string, name: string) =>
      tables
        .selectFrom('workspaces')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('name', '=', name)
        .executeTakeFirst(),
    async countIn(namespace: string): Promise<number> {
      const row = await tables
        .selectFrom('workspaces')
        .select((select) => select.fn.countAll<number>().as('count'))
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row?.count ?? 0;
    },
    async insert(row: WorkspaceRow) {
      await database.transaction(async (inside) => {
        const write = inside.tables<Tables>();
        await write.insertInto('workspaces').values(row).execute();
        await write
          .insertInto('workspace_members')
          .values({ workspace_id: row.id, account_id: row.owner_id, role: 'OWNER', can_share: 1, can_compute: 1 })
          .execute();
      });
    },
    /** Everyone who is in, or invited. */
    members: (workspaceId: string): Promise<MemberRow[]> =>
      tables.selectFrom('workspace_members').selectAll().where('workspace_id', '=', workspaceId).execute(),
    membersOf: (workspaceIds: readonly string[]): Promise<MemberRow[]> =>
      inChunks(workspaceIds, (some) =>
        tables.selectFrom('workspace_members').selectAll().where('workspace_id', 'in', some).execute(),
      ),
    membershipsOf: (accountId: string): Promise<MemberRow[]> =>
      tables.selectFrom('workspace_members').selectAll().where('account_id', '=', accountId).execute(),
    putMember: (row: MemberRow) =>
      tables
        .insertInto('workspace_members')
        .values(row)
        .onConflict((conflict) => conflict.columns(['workspace_id', 'account_id']).doUpdateSet(row))
        .execute(),
    removeMember: (workspaceId: string, accountId: string) =>
      tables
        .deleteFrom('workspace_members')
        .where('workspace_id', '=', workspaceId)
        .where('account_id', '=', accountId)
        .execute(),
    setDescription: (id: string, description: string, now: number) =>
      tables.updateTable('workspaces').set({ description, updated_at: now }).where('id', '=', id).execute(),
    async delete({ id, namespace, name }: Pick<WorkspaceRow, 'id' | 'namespace' | 'name'>) {
      await database.transaction(async (inside) => {
        const write = inside.tables<Tables>();
        await write.insertInto('former_workspaces').values({ id, namespace, name }).execute();
        await write.deleteFrom('workspaces').where('id', '=', id).execute();
      });
    },
  };
}

export type WorkspaceStore = ReturnType<typeof workspaceStore>;
