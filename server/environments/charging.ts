import { environmentPrice, type PriceTable } from '@terrarium/contract';
import type { Charge, Ledger } from '../billing/ledger.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { MachineFact } from './compute-driver.ts';
import { appliedIn, specIn } from './spec.ts';
import type { EnvironmentRow } from './store.ts';

/** What a machine costs as it is, and since when it is so by the driver's clock. */
export interface Charged {
  readonly charges: Charge[];
  readonly since: number;
}

/**
 * What is there is charged as it is there, whatever was asked for and whatever went wrong, and from when somebody asked
 * for it: what was made ahead of need is nobody's expense until then.
 */
export function chargesOf(row: EnvironmentRow, machine: MachineFact, prices: PriceTable, now: number): Charged {
  const price = environmentPrice(appliedIn(row) ?? specIn(row), prices);
  const compute = (perHour: number, since: Date): Charged => ({
    charges: [{ category: 'Compute', perHour }],
    since: Math.max(since.getTime(), row.created_at),
  });
  switch (machine.state) {
    case 'absent':
      return { charges: [], since: now };
    case 'stopped':
      return compute(price.perHourPaused, machine.endedAt ?? machine.createdAt);
    case 'asleep':
      return compute(price.perHourAsleep, machine.asleepSince);
    case 'running':
      return compute(price.perHourRunning, machine.startedAt);
  }
}

/** Brings the ledger in line with what was observed, in the caller's transaction. */
export async function charge(
  inside: Database,
  ledger: Ledger,
  row: EnvironmentRow,
  { charges, since }: Charged,
  now: number,
): Promise<void> {
  const resource = { id: row.id, workspaceId: row.workspace_id, accountId: row.owner_id };
  await ledger.set(inside, resource, charges, { since, now });
}
