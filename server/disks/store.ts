import type { Selectable, Updateable } from 'kysely';
import type { DiskStatus } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import { inChunks } from '../plumbing/db/in-chunks.ts';
import { leasedRows, type LeaseColumns } from '../plumbing/reconciler/leased-rows.ts';
import type { Claim } from '../plumbing/reconciler/reconciler.ts';

interface Tables {
  disks: LeaseColumns & {
    workspace_id: string;
    owner_id: string;
    name: string;
    kind: 'disk' | 'snapshot';
    /** Id of the disk or snapshot that it is made as a copy of; it may be gone by now. */
    copy_of: string | null;
    size_gib: number;
    /** The size asked for, until the disk has it. */
    grows_to_gib: number | null;
    used_bytes: number | null;
    desired: 'present' | 'deleted';
    status: DiskStatus;
    reason: string | null;
    environment_id: string | null;
    last_attached_at: number | null;
    created_at: number;
    deleted_at: number | null;
    deadline_at: number | null;
  };
}

export type DiskRow = Selectable<Tables['disks']>;
export type DiskChange = Updateable<Tables['disks']>;

export function diskStore(database: Database) {
  const tables = database.tables<Tables>();
  const alive = () => tables.selectFrom('disks').selectAll().where('status', '!=', 'Deleted');
  return {
    leases: leasedRows(database, 'disks'),
    byIds: (ids: readonly string[]): Promise<DiskRow[]> =>
      inChunks(ids, (some) => tables.selectFrom('disks').selectAll().where('id', 'in', some).execute()),
    byId: (id: string) => tables.selectFrom('disks').selectAll().where('id', '=', id).executeTakeFirst(),
    listFor: (ownerId: string) => alive().where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    listIn: (workspaceId: string) => alive().where('workspace_id', '=', workspaceId).execute(),
    ofOwner: (workspaceId: string, ownerId: string) =>
      alive().where('workspace_id', '=', workspaceId).where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    forgetIn: (workspaceId: string) =>
      tables.deleteFrom('disks').where('workspace_id', '=', workspaceId).where('status', '=', 'Deleted').execute(),
    insert: (row: DiskRow) => tables.insertInto('disks').values(row).execute(),
    update: (id: string, change: DiskChange) => tables.updateTable('disks').set(change).where('id', '=', id).execute(),
    /** Writes nothing where nothing has changed. */
    recordUse: (id: string, usedBytes: number) =>
      tables
        .updateTable('disks')
        .set({ used_bytes: usedBytes })
        .where('id', '=', id)
        .where((where) => where.or([where('used_bytes', 'is', null), where('used_bytes', '!=', usedBytes)]))
        .execute(),
    /** Attaches a disk that nothing is attached to; false when something is. */
    async attach(id: string, environmentId: string, now: number): Promise<boolean> {
      const result = await tables
        .updateTable('disks')
        .set({ environment_id: environmentId, last_attached_at: now })
        .where('id', '=', id)
        .where('desired', '=', 'present')
        .where('kind', '=', 'disk')
        .where((where) => where.or([where('environment_id', 'is', null), where('environment_id', '=', environmentId)]))
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    detach: (id: string, environmentId: string) =>
      tables
        .updateTable('disks')
        .set({ environment_id: null })
        .where('id', '=', id)
        .where('environment_id', '=', environmentId)
        .execute(),
    /** Detaches what else is attached to the environment. @returns the ids of those disks */
    async detachOthers(environmentId: string, keptId: string): Promise<string[]> {
      const rows = await tables
        .updateTable('disks')
        .set({ environment_id: null })
        .where('environment_id', '=', environmentId)
        .where('id', '!=', keptId)
        .returning('id')
        .execute();
      return rows.map(({ id }) => id);
    },
    /** A write under a lease; false when the lease was lost. */
    async updateClaimed(claim: Claim, change: DiskChange): Promise<boolean> {
      const result = await tables
        .updateTable('disks')
        .set(change)
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
  };
}

export type DiskStore = ReturnType<typeof diskStore>;
