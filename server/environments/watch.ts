import type { PriceTable } from '@terrarium/contract';
import type { Ledger } from '../billing/ledger.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { Log } from '../plumbing/log.ts';
import { charge, chargesOf } from './charging.ts';
import type { ComputeDriver, MachineFact } from './compute-driver.ts';
import { isAlive } from './plan.ts';
import { preparedStore } from './pool/store.ts';
import { removeStray } from './steps.ts';
import { environmentStore, type EnvironmentStore } from './store.ts';

type Watched = Awaited<ReturnType<EnvironmentStore['watched']>>[number];

/**
 * Compares what all machines are with what their environments are said to be, in one look at the driver and one at the
 * database, and so those that are prepared. What disagrees is handed to the reconciler; machines of nobody are removed.
 */
export function createWatch(options: {
  database: Database;
  driver: ComputeDriver;
  ledger: Ledger;
  prices: PriceTable;
  clock: Clock;
  log: Log;
  nudge: () => void;
}) {
  const { database, driver, ledger, prices, clock, log } = options;
  const store = environmentStore(database);
  const prepared = preparedStore(database);
  /** Seen without an environment in the look before. */
  let strays = new Set<string>();

  /** What is left of an environment in Error is charged as it is, also when it changes by itself. */
  async function recharge(id: string, machine: MachineFact): Promise<void> {
    const row = await store.byId(id);
    if (row?.status !== 'Error') return;
    const now = clock.now();
    await database.transaction((inside) => charge(inside, ledger, row, chargesOf(row, machine, prices, now), now));
  }

  /**
   * A machine whose environment is deleted or unknown is one that a deletion has missed. Only one that was a stray in
   * the look before as well is removed: an environment that is being made has its row before its machine.
   */
  async function removeStrays(facts: readonly MachineFact[], known: ReadonlySet<string>): Promise<number> {
    const found = facts.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    const certain = found.filter((id) => strays.has(id));
    strays = new Set(found);
    for (const id of certain) {
      log.warn({ environmentId: id }, 'watch: removed a machine that belongs to no environment');
      await removeStray(driver, id);
    }
    return certain.length;
  }

  return {
    /** One round. @returns how many environments there are, were handed on, and how many strays were removed */
    async sweep(): Promise<{ looked: number; disagreed: number; removed: number }> {
      const facts = await driver.list();
      // In this order, as an environment that takes a prepared machine is then in one of them or in both.
      const preparedRows = await prepared.all();
      const rows = await store.watched();
      const machines = new Map(facts.map((fact) => [fact.id, fact]));
      const now = clock.now();
      let disagreed = 0;
      for (const row of rows) {
        const machine = machines.get(row.id) ?? { id: row.id, state: 'absent' };
        if (row.status === 'Error') await recharge(row.id, machine);
        if (row.run_at !== null || agrees(row, machine)) continue;
        disagreed++;
        await store.update(row.id, { run_at: now });
      }
      for (const { id, state } of preparedRows) {
        const machine = machines.get(id);
        if (state !== 'ready' || (machine !== undefined && isAlive(machine))) continue;
        disagreed++;
        await prepared.lookAt(id, now);
      }
      if (disagreed > 0) options.nudge();
      const known = new Set([...rows, ...preparedRows].map(({ id }) => id));
      return { looked: rows.length, disagreed, removed: await removeStrays(facts, known) };
    },
  };
}

function agrees({ status }: Watched, machine: MachineFact): boolean {
  if (status === 'Running') return machine.state === 'running';
  if (status === 'Asleep') return machine.state === 'asleep';
  return status !== 'Stopped' || !isAlive(machine);
}

export type Watch = ReturnType<typeof createWatch>;
