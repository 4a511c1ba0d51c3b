import { AppError, type SpendReport, type Workspace } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { BillingProjects } from '../billing/projects.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import { costBetween } from './ledger.ts';
import { chargeStore, type ChargeRow } from './store.ts';

const dayMs = 24 * 3_600_000;
const longestDays = 400;

export interface SpendQuery {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly by: 'workspace' | 'user' | 'day';
}

/** Spend is a query over the ledger, so it always agrees with it. */
export function createSpend(options: {
  database: Database;
  billing: BillingProjects;
  accounts: Accounts;
  workspacesIn: (namespace: string) => Promise<Pick<Workspace, 'id' | 'name'>[]>;
  currency: string;
  clock: Clock;
}) {
  const { database, billing, accounts, clock } = options;
  const store = chargeStore(database);

  return {
    async report(accountId: string, project: string, query: SpendQuery): Promise<SpendReport> {
      await billing.get(accountId, project);
      // What runs now has cost nothing yet for the time to come.
      const to = Math.min(clock.now(), query.to === undefined ? Infinity : Date.parse(query.to));
      const from = query.from === undefined ? to - 30 * dayMs : Date.parse(query.from);
      if (from >= to)
        throw new AppError('InvalidInput', 'The period must start before it ends.', {
          fields: { from: 'Must be before "to".' },
        });
      if (to - from > longestDays * dayMs)
        throw new AppError('InvalidInput', `A period has at most ${String(longestDays)} days.`);
      const workspaces = await options.workspacesIn(project);
      const names = new Map(workspaces.map((workspace) => [workspace.id, workspace.name]));
      const charges = await store.between([...names.keys()], from, to);
      const groups = new Map<string, { compute: number; storage: number }>();
      const add = (group: string, row: ChargeRow, cost: number) => {
        const sums = groups.get(group) ?? { compute: 0, storage: 0 };
        if (row.category === 'Compute') sums.compute += cost;
        else sums.storage += cost;
        groups.set(group, sums);
      };
      for (const row of charges) {
        if (query.by === 'day') {
          for (
            let day = Math.floor(Math.max(from, row.started_at) / dayMs) * dayMs;
            day < Math.min(to, row.ended_at ?? to);
            day += dayMs
          ) {
            add(isoMoment(day).slice(0, 10), row, costBetween(row, Math.max(day, from), Math.min(day + dayMs, to)));
          }
        } else {
          const group =
            query.by === 'workspace'
              ? (names.get(row.workspace_id) ?? '')
              : ((await accounts.get(row.account_id))?.email ?? '');
          add(group, row, costBetween(row, from, to));
        }
      }
      const rows = [...groups]
        .map(([group, sums]) => ({ group, ...sums, total: sums.compute + sums.storage }))
        .sort((a, b) => (query.by === 'day' ? a.group.localeCompare(b.group) : b.total - a.total));
      return {
        currency: options.currency,
        from: isoMoment(from),
        to: isoMoment(to),
        rows,
        total: rows.reduce((sum, row) => sum + row.total, 0),
      };
    },
  };
}

export type Spend = ReturnType<typeof createSpend>;
