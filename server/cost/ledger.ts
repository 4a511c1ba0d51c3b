import type { Ledger } from '../billing/ledger.ts';
import type { Database } from '../plumbing/db/database.ts';
import { newId } from '../plumbing/ids.ts';
import { chargeStore, type ChargeRow } from './store.ts';

const hourMs = 3_600_000;

/** The ledger over the charges table: intervals with a price, never rewritten once they have ended. */
export function createLedger(database: Database): Ledger {
  return {
    async set(inside, resource, charges, { since, now }) {
      const write = chargeStore(inside);
      const open = await write.open(resource.id);
      const isKept = (row: ChargeRow) =>
        charges.some((charge) => charge.category === row.category && charge.perHour === row.per_hour);
      const ending = open.filter((row) => !isKept(row));
      const at = ending.some((row) => row.started_at >= since) ? now : since;
      for (const row of ending) await write.end(row.id, Math.max(at, row.started_at));
      const kept = open.filter(isKept);
      for (const charge of charges) {
        if (kept.some((row) => row.category === charge.category)) continue;
        await write.insert({
          id: newId(),
          resource_id: resource.id,
          workspace_id: resource.workspaceId,
          account_id: resource.accountId,
          category: charge.category,
          per_hour: charge.perHour,
          started_at: at,
          ended_at: null,
        });
      }
    },
    async costsOf(resourceIds, now) {
      const sums = await chargeStore(database).sumsOf(resourceIds, now);
      return new Map(
        sums.map(({ resource_id, per_hour_ms, per_hour }) => [
          resource_id,
          { soFar: per_hour_ms / hourMs, perHour: per_hour },
        ]),
      );
    },
  };
}

/** What one charge comes to within [from, to). */
export function costBetween(
  row: Pick<ChargeRow, 'per_hour' | 'started_at' | 'ended_at'>,
  from: number,
  to: number,
): number {
  const start = Math.max(row.started_at, from);
  const end = Math.min(row.ended_at ?? to, to);
  return end <= start ? 0 : (row.per_hour * (end - start)) / hourMs;
}
