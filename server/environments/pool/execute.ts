import { AppError } from '@terrarium/contract';
import type { DiskDriver } from '../../disks/disk-driver.ts';
import { gib } from '../../disks/plan.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { beforeDeadline } from '../../plumbing/deadline.ts';
import type { Database } from '../../plumbing/db/database.ts';
import type { Log } from '../../plumbing/log.ts';
import type { Claim, Reconciled } from '../../plumbing/reconciler/reconciler.ts';
import { agentClient } from '../agent-client.ts';
import type { ComputeDriver } from '../compute-driver.ts';
import { doorTo } from '../doors.ts';
import { planPrepared, type PreparedStep } from './plan.ts';
import type { Pool } from './pool.ts';
import { preparedSpec, shapeIn } from './shape.ts';
import { preparedStore, type PreparedRow } from './store.ts';

const warmWithinMs = 60_000;
const lookMs = 100;
const stepWithinMs = 5 * 60_000;
/** Environments that are being started come first. */
const giveWayMs = 1_000;
const longestRetryMs = 10 * 60_000;

/**
 * Brings prepared machines to where they can be taken, and removes those that are not wanted.
 * INVARIANTS: a row exists before anything of its machine, and until all of it is gone; a machine whose row says `ready`
 * is only looked at, since it may be an environment's at any moment.
 */
export function reconcilePool(options: {
  database: Database;
  driver: ComputeDriver;
  diskDriver: DiskDriver;
  describe: () => Promise<{ canSleep: boolean }>;
  pool: Pick<Pool, 'isHostBusy'>;
  clock: Clock;
  log: Log;
}): Reconciled {
  const { database, driver, diskDriver, pool, clock, log } = options;
  const store = preparedStore(database);

  async function isWarm(row: PreparedRow): Promise<boolean> {
    const door = await doorTo(driver, row);
    if (door === null) return false;
    return agentClient.health(door, 1000).then(
      (health) => health.environmentId === row.id && health.isWarm,
      () => false,
    );
  }

  /** One that does not come up is removed, so that the next try begins anew. */
  async function awaitKernel(row: PreparedRow, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now();
    for (let look = 1; !signal.aborted; look++) {
      if (await isWarm(row)) return;
      if (look % 10 === 0) {
        if ((await store.byId(row.id))?.state !== 'making') return;
        const { state } = await driver.inspect(row.id);
        if (state !== 'running' || clock.now() - startedAt > warmWithinMs) {
          const printed = (await driver.logs(row.id)).trim().split('\n').slice(-8).join('\n');
          await driver.delete(row.id);
          throw new AppError('DriverUnavailable', `A prepared machine did not come up. It printed: ${printed}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  async function take(step: PreparedStep, row: PreparedRow, signal: AbortSignal): Promise<void> {
    switch (step) {
      case 'create-disk':
        return diskDriver.create({ id: row.disk_id, sizeBytes: shapeIn(row).diskGiB * gib });
      case 'create-machine':
        return driver.create(preparedSpec(row));
      case 'start-machine':
        return driver.start(preparedSpec(row));
      case 'await-kernel':
        return awaitKernel(row, signal);
      case 'sleep-machine':
        return driver.sleep(row.id);
      case 'delete-machine':
        return driver.delete(row.id);
      case 'delete-disk':
        return diskDriver.delete(row.disk_id);
    }
  }

  async function observe(row: PreparedRow) {
    const [machine, disk, { canSleep }] = await Promise.all([
      driver.inspect(row.id),
      diskDriver.inspect(row.disk_id),
      options.describe(),
    ]);
    const isUp = row.state === 'making' && machine.state === 'running';
    return { machine, disk, canSleep, isWarm: isUp && (await isWarm(row)) };
  }

  return {
    kind: 'prepared machine',
    claim: store.leases.claim,
    renew: store.leases.renew,
    nextRunAt: store.leases.nextRunAt,

    async reconcile(claim, signal) {
      while (!signal.aborted) {
        const row = await store.byId(claim.id);
        if (row === undefined || row.fence !== claim.fence) return;
        const decision = planPrepared(row.state, await observe(row));
        switch (decision.kind) {
          case 'ready': {
            const rest = { run_at: null, lease_until: null, attempts: 0 };
            if (!(await store.updateClaimed(claim, row.state, { ...rest, state: 'ready' }))) continue;
            if (row.state === 'making') log.info({ environmentId: row.id }, 'pool: prepared a machine');
            return;
          }
          case 'lost':
            if (await store.updateClaimed(claim, row.state, { state: 'removing' }))
              log.warn({ environmentId: row.id }, 'pool: a prepared machine ended and is replaced');
            continue;
          case 'forget':
            await store.forget(claim);
            return;
          case 'step':
            if (row.state === 'making' && (await pool.isHostBusy())) {
              const later = { run_at: clock.now() + giveWayMs, lease_until: null };
              if (await store.updateClaimed(claim, row.state, later)) return;
              continue;
            }
            await beforeDeadline(take(decision.step, row, signal), stepWithinMs, () => {
              throw new AppError('DriverUnavailable', `Step ${decision.step} of a prepared machine took too long.`);
            });
        }
      }
    },

    async failed(claim: Claim) {
      const row = await store.byId(claim.id);
      if (row === undefined) return;
      const delayMs = Math.min(longestRetryMs, 1000 * 2 ** Math.min(row.attempts, 10));
      const retry = { run_at: clock.now() + delayMs, attempts: row.attempts + 1, lease_until: null };
      await store.updateClaimed(claim, row.state, retry);
    },
  };
}
