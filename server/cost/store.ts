import type { Selectable } from 'kysely';
import type { ChargeCategory } from '../billing/ledger.ts';
import type { Database } from '../plumbing/db/database.ts';

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
