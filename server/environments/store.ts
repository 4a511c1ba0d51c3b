import { sql, type Selectable, type Updateable } from 'kysely';
import { environmentActions, type EnvironmentStatus } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import { leasedRows, type LeaseColumns } from '../plumbing/reconciler/leased-rows.ts';
import type { Claim } from '../plumbing/reconciler/reconciler.ts';
import type { Desired } from './plan.ts';

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
  };
  environment_steps: {
    id: string;
    environment_id: string;
    step: string;
    started_at: number;
    ended_at: number | null;
    outcome: 'running' | 'done' | 'failed';
    log: string;
  };
}

export type EnvironmentRow = Selectable<Tables['environments']>;
export type EnvironmentChange = Updateable<Tables['environments']>;
export type StepRow = Selectable<Tables['environment_steps']>;

const stepsShown = 40;

export function environmentStore(database: Database) {
  const tables = database.tables<Tables>();
  const alive = () => tables.selectFrom('environments').selectAll().where('status', '!=', 'Deleted');
  return {
    leases: leasedRows(database, 'environments'),
    byId: (id: string) => tables.selectFrom('environments').selectAll().where('id', '=', id).executeTakeFirst(),
    listFor: (ownerId: string) => alive().where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    listIn: (workspaceId: string) => alive().where('workspace_id', '=', workspaceId).execute(),
    forgetIn: (workspaceId: string) =>
      tables
        .deleteFrom('environments')
        .where('workspace_id', '=', workspaceId)
        .where('status', '=', 'Deleted')
        .execute(),
    ofOwner: (workspaceId: string, ownerId: string) =>
      alive().where('workspace_id', '=', workspaceId).where('owner_id', '=', ownerId).orderBy('created_at').execute(),
    running: () => tables.selectFrom('environments').selectAll().where('status', '=', 'Running').execute(),
    /** Those that are wanted running and can be paused now, in one workspace or in all. */
    wantedRunning(workspaceId: string | null) {
      const wanted = tables
        .selectFrom('environments')
        .selectAll()
        .where('desired', '=', 'running')
        .where('status', 'in', [...environmentActions.stop]);
      return (workspaceId === null ? wanted : wanted.where('workspace_id', '=', workspaceId)).execute();
    },
    insert: (row: EnvironmentRow) => tables.insertInto('environments').values(row).execute(),
    /**
     * Records a wish: work under way for an older one notices that `intent` has risen.
     * @returns false when another wish has come since the row was read; nothing was written
     */
    async wish(row: { id: string; intent: number }, change: EnvironmentChange): Promise<boolean> {
      const result = await tables
        .updateTable('environments')
        .set({ ...change, intent: sql`intent + 1` })
        .where('id', '=', row.id)
        .where('intent', '=', row.intent)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
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

    insertStep: (row: StepRow) => tables.insertInto('environment_steps').values(row).execute(),
    endStep: (id: string, change: { ended_at: number; outcome: 'done' | 'failed'; log: string }) =>
      tables.updateTable('environment_steps').set(change).where('id', '=', id).execute(),
    /** Steps that a crash left open are closed: what they began is looked at afresh. */
    closeOpenSteps: (environmentId: string, now: number) =>
      tables
        .updateTable('environment_steps')
        .set({ ended_at: now, outcome: 'failed', log: 'Interrupted; continued in the next step.' })
        .where('environment_id', '=', environmentId)
        .where('ended_at', 'is', null)
        .execute(),
    async steps(environmentId: string): Promise<StepRow[]> {
      const newest = await tables
        .selectFrom('environment_steps')
        .selectAll()
        .where('environment_id', '=', environmentId)
        .orderBy('started_at', 'desc')
        .orderBy('id', 'desc')
        .limit(stepsShown)
        .execute();
      return newest.reverse();
    },
  };
}

export type EnvironmentStore = ReturnType<typeof environmentStore>;
