import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Claim } from './reconciler.ts';

/** The columns that a table needs for its rows to be reconciled. */
export interface LeaseColumns {
  id: string;
  run_at: number | null;
  attempts: number;
  lease_until: number | null;
  fence: number;
}

/**
 * Leases over the rows of one table.
 * INVARIANT: the fence number rises with each claim, and `mine` matches only the row of the newest claim.
 */
export function leasedRows(database: Database, name: string) {
  const tables = database.tables<{ rows: LeaseColumns }>();
  // Only the columns matter here; the table's real name stands in for the type's.
  const table = name as 'rows';
  return {
    async claim(now: number, leaseUntil: number): Promise<Claim | null> {
      const due = tables
        .selectFrom(table)
        .select('id')
        .where('run_at', '<=', now)
        .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', now)]))
        .orderBy('run_at')
        .limit(1);
      const row = await tables
        .updateTable(table)
        .set({ lease_until: leaseUntil, fence: sql`fence + 1` })
        .where('id', '=', due)
        .returning(['id', 'fence'])
        .executeTakeFirst();
      return row ?? null;
    },
    async renew(claim: Claim, leaseUntil: number): Promise<boolean> {
      const result = await tables
        .updateTable(table)
        .set({ lease_until: leaseUntil })
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async nextRunAt(): Promise<number | null> {
      const row = await tables
        .selectFrom(table)
        .select((select) => select.fn.min('run_at').as('next'))
        .where('lease_until', 'is', null)
        .executeTakeFirst();
      return row?.next ?? null;
    },
    /** Gives back every lease: only right where this process is known to be alone on the database. */
    releaseAll: () =>
      tables.updateTable(table).set({ lease_until: null }).where('lease_until', 'is not', null).execute(),
  };
}
