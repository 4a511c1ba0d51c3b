import { sql, type Selectable, type Updateable } from 'kysely';
import { statusesThatAllow, type EnvironmentStatus } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import { inChunks } from '../plumbing/db/in-chunks.ts';
import { leasedRows, type LeaseColumns } from '../plumbing/reconciler/leased-rows.ts';
import type { Claim } from '../plumbing/reconciler/reconciler.ts';
import { operationStore } from './timeline/store.ts';
import type { Desired } from './plan.ts';
import type { Wish } from './wishes.ts';

interface Tables {
  environments: LeaseColumns & {
    workspace_id: string;
    owner_id: string;
    name: string;
    /** EnvironmentSpec as JSON. */
    spec: string;
    disk_id: string;
    agent_secret: string;
    desired: Desired;
    delete_disk: number;
    /** Rises with every request of a person, so that work done for an older wish is not taken for this one's. */
    intent: number;
    status: EnvironmentStatus;
    reason: string | null;
    created_at: number;
    started_at: number | null;
    last_activity_at: number | null;
    deleted_at: number | null;
    deadline_at: number | null;
    /** Applied as JSON: what the machine and its agent were given last; null before the first machine. */
    applied: string | null;
    /** What became of the startup script since the last start: null before it ran, '' when it went well, or a sentence. */
    script_outcome: string | null;
    /** Until then it neither sleeps nor pauses by itself. */
    keep_until: number | null;
    pauses_when_idle: number;
    /** The one chosen last, of its owner's in a workspace, is where notebooks run. */
    chosen_at: number;
    /** SleepingLists as JSON: what its agent listed before it was frozen. */
    asleep_lists: string | null;
  };
}

export type EnvironmentRow = Selectable<Tables['environments']>;
export type EnvironmentChange = Updateable<Tables['environments']>;

export function environmentStore(database: Database) {
  const tables = database.tables<Tables>();
  const alive = () => tables.selectFrom('environments').selectAll().where('status', '!=', 'Deleted');
  return {
    leases: leasedRows(database, 'environments'),
    byId: (id: string) => tables.selectFrom('environments').selectAll().where('id', '=', id).executeTakeFirst(),
    listFor: (ownerId: string) => alive().where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    listIn: (...workspaceIds: string[]) =>
      workspaceIds.length === 0
        ? Promise.resolve([])
        : alive().where('workspace_id', 'in', workspaceIds).orderBy('created_at').execute(),
    forgetIn: (workspaceId: string) =>
      tables
        .deleteFrom('environments')
        .where('workspace_id', '=', workspaceId)
        .where('status', '=', 'Deleted')
        .execute(),
    ofOwner: (workspaceId: string, ownerId: string) =>
      alive().where('workspace_id', '=', workspaceId).where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    /** The one that notebooks run in. */
    chosen: (workspaceId: string, ownerId: string) =>
      alive()
        .where('workspace_id', '=', workspaceId)
        .where('owner_id', '=', ownerId)
        .orderBy('chosen_at', 'desc')
        .orderBy('created_at', 'desc')
        .limit(1)
        .executeTakeFirst(),
    /** Which environments of these owners notebooks run in. */
    async chosenOf(ownerIds: readonly string[]): Promise<Set<string>> {
      const rows = await inChunks(ownerIds, (some) =>
        alive()
          .clearSelect()
          .select(['id', 'workspace_id', 'owner_id'])
          .where('owner_id', 'in', some)
          .orderBy('chosen_at')
          .orderBy('created_at')
          .execute(),
      );
      // Of each person's in a workspace the last one stays.
      return new Set(new Map(rows.map((row) => [`${row.workspace_id} ${row.owner_id}`, row.id])).values());
    },
    byIds: (ids: readonly string[]): Promise<EnvironmentRow[]> =>
      inChunks(ids, (some) => tables.selectFrom('environments').selectAll().where('id', 'in', some).execute()),
    withStatus: (...statuses: EnvironmentStatus[]) =>
      tables
        .selectFrom('environments')
        .select(['id', 'workspace_id', 'owner_id', 'status', 'run_at'])
        .where('status', 'in', statuses)
        .execute(),
    /** Of every environment that is not deleted, what a look at the machines is compared with. */
    watched: () =>
      tables.selectFrom('environments').select(['id', 'status', 'run_at']).where('status', '!=', 'Deleted').execute(),
    /** Those that are wanted running and can be paused now, in one workspace or in all. */
    wantedRunning(workspaceId: string | null) {
      const wanted = tables
        .selectFrom('environments')
        .select(['id', 'workspace_id', 'owner_id', 'intent'])
        .where('desired', 'in', ['running', 'asleep'])
        .where('status', 'in', statusesThatAllow('stop'));
      return (workspaceId === null ? wanted : wanted.where('workspace_id', '=', workspaceId)).execute();
    },
    insert: (row: EnvironmentRow) => tables.insertInto('environments').values(row).execute(),
    /**
     * Records a wish in the caller's transaction, with the operation that it begins. Work under way for an older one
     * notices that `intent` has risen.
     * @returns false when another wish has come since the row was read; nothing was written
     */
    async wish(row: { id: string; intent: number }, { change, operation }: Wish, now: number): Promise<boolean> {
      const result = await tables
        .updateTable('environments')
        .set({ ...change, intent: sql`intent + 1` })
        .where('id', '=', row.id)
        .where('intent', '=', row.intent)
        .executeTakeFirst();
      if (result.numUpdatedRows === 0n) return false;
      await operationStore(database).begin(row.id, operation, now);
      return true;
    },
    update: (id: string, change: EnvironmentChange) =>
      tables.updateTable('environments').set(change).where('id', '=', id).execute(),
    /** A write under a lease and for a wish; false when either is no longer the newest. */
    async updateClaimed(claim: Claim, intent: number, change: EnvironmentChange): Promise<boolean> {
      const result = await tables
        .updateTable('environments')
        .set(change)
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .where('intent', '=', intent)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    /** A fact under a lease, whatever the wish is by now; false when the lease was lost. */
    async noteClaimed(claim: Claim, change: EnvironmentChange): Promise<boolean> {
      const result = await tables
        .updateTable('environments')
        .set(change)
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
  };
}

export type EnvironmentStore = ReturnType<typeof environmentStore>;
