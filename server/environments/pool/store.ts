import type { Selectable, Updateable } from 'kysely';
import type { Database } from '../../plumbing/db/database.ts';
import { leasedRows, type LeaseColumns } from '../../plumbing/reconciler/leased-rows.ts';
import type { Claim } from '../../plumbing/reconciler/reconciler.ts';
import type { PreparedState } from './plan.ts';

interface Tables {
  prepared_machines: LeaseColumns & {
    /** `id` is that of the environment to come, this that of its disk. */
    disk_id: string;
    agent_secret: string;
    /** PreparedShape as JSON. */
    spec: string;
    state: PreparedState;
    created_at: number;
  };
}

export type PreparedRow = Selectable<Tables['prepared_machines']>;
type PreparedChange = Updateable<Tables['prepared_machines']>;

/** INVARIANT: nothing of a machine that is `ready` is taken away before its row has another state, so whoever takes its row has it whole. */
export function preparedStore(database: Database) {
  const tables = database.tables<Tables>();
  return {
    leases: leasedRows(database, 'prepared_machines'),
    all: () => tables.selectFrom('prepared_machines').selectAll().orderBy('created_at').execute(),
    byId: (id: string) => tables.selectFrom('prepared_machines').selectAll().where('id', '=', id).executeTakeFirst(),
    insert: (row: PreparedRow) => tables.insertInto('prepared_machines').values(row).execute(),
    /** One that is ready and of that shape, which is nobody else's from now on. */
    take: (spec: string) =>
      tables
        .deleteFrom('prepared_machines')
        .where('id', '=', (select) =>
          select
            .selectFrom('prepared_machines')
            .select('id')
            .where('state', '=', 'ready')
            .where('spec', '=', spec)
            .orderBy('created_at')
            .limit(1),
        )
        .returningAll()
        .executeTakeFirst(),
    /** One that was taken meanwhile is left alone. */
    remove: (id: string, now: number) =>
      tables
        .updateTable('prepared_machines')
        .set({ state: 'removing', run_at: now, attempts: 0 })
        .where('id', '=', id)
        .execute(),
    lookAt: (id: string, now: number) =>
      tables
        .updateTable('prepared_machines')
        .set({ run_at: now })
        .where('id', '=', id)
        .where('run_at', 'is', null)
        .execute(),
    /** A write under a lease while the row has that state; false when either is over. */
    async updateClaimed(claim: Claim, state: PreparedState, change: PreparedChange): Promise<boolean> {
      const result = await tables
        .updateTable('prepared_machines')
        .set(change)
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .where('state', '=', state)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    forget: (claim: Claim) =>
      tables.deleteFrom('prepared_machines').where('id', '=', claim.id).where('fence', '=', claim.fence).execute(),
  };
}
