import { sql, type Selectable } from 'kysely';
import type { ChargeCategory } from '../billing/ledger.ts';
import type { Database } from '../plumbing/db/database.ts';
import { inChunks } from '../plumbing/db/in-chunks.ts';

interface Tables {
  charges: {
    id: string;
    resource_id: string;
    workspace_id: string;
    account_id: string;
    category: ChargeCategory;
    per_hour: number;
    started_at: number;
    ended_at: number | null;
  };
}

export type ChargeRow = Selectable<Tables['charges']>;

export function chargeStore(database: Database) {
  const tables = database.tables<Tables>();
  return {
    open: (resourceId: string) =>
      tables
        .selectFrom('charges')
        .selectAll()
        .where('resource_id', '=', resourceId)
        .where('ended_at', 'is', null)
        .execute(),
    of: (resourceId: string) =>
      tables.selectFrom('charges').selectAll().where('resource_id', '=', resourceId).execute(),
    /** For each resource its prices times the ms for which they held until `now`, and its price at that moment. */
    sumsOf: (resourceIds: readonly string[], now: number) =>
      inChunks(resourceIds, (some) => {
        const until = sql<number>`CASE WHEN ended_at IS NULL OR ended_at > ${now} THEN ${now} ELSE ended_at END`;
        const ms = sql<number>`CASE WHEN ${until} > started_at THEN ${until} - started_at ELSE 0 END`;
        return tables
          .selectFrom('charges')
          .select([
            'resource_id',
            sql<number>`SUM(per_hour * (${ms}))`.as('per_hour_ms'),
            sql<number>`SUM(CASE WHEN ended_at IS NULL THEN per_hour ELSE 0 END)`.as('per_hour'),
          ])
          .where('resource_id', 'in', some)
          .groupBy('resource_id')
          .execute();
      }),
    insert: (row: ChargeRow) => tables.insertInto('charges').values(row).execute(),
    end: (id: string, at: number) => tables.updateTable('charges').set({ ended_at: at }).where('id', '=', id).execute(),
    /** Charges of these workspaces that overlap [from, to). */
    between: (workspaceIds: string[], from: number, to: number) =>
      workspaceIds.length === 0
        ? Promise.resolve([])
        : tables
            .selectFrom('charges')
            .selectAll()
            .where('workspace_id', 'in', workspaceIds)
            .where('started_at', '<', to)
            .where((where) => where.or([where('ended_at', 'is', null), where('ended_at', '>', from)]))
            .execute(),
  };
}
