import { AppError, diskPricePerHour, type PriceTable } from '@terrarium/contract';
import type { Ledger } from '../billing/ledger.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { retryDelayMs } from '../plumbing/reconciler/backoff.ts';
import type { Claim, Reconciled } from '../plumbing/reconciler/reconciler.ts';
import type { DiskDriver } from './disk-driver.ts';
import { gib, planDisk } from './plan.ts';
import { diskStore, type DiskChange, type DiskRow } from './store.ts';

/** Brings disks to what is wanted of them. The only place that calls a disk driver's create and delete. */
export function reconcileDisks(options: {
  database: Database;
  driver: DiskDriver;
  ledger: Ledger;
  prices: PriceTable;
  events: EventBus;
  clock: Clock;
  /** Told when a disk settled, so that an environment that waits for it goes on. */
  onSettled: (environmentId: string) => Promise<void>;
}): Reconciled {
  const { database, driver, ledger, prices, events, clock } = options;
  const store = diskStore(database);

  return {
    kind: 'disk',
    claim: store.leases.claim,
    renew: store.leases.renew,
    nextRunAt: store.leases.nextRunAt,

    async reconcile(claim, signal) {
      for (;;) {
        const row = await store.byId(claim.id);
        if (row === undefined || signal.aborted) return;
        const decision = planDisk({ ...row, growsToGiB: row.grows_to_gib }, await driver.inspect(row.id));
        switch (decision.kind) {
          case 'create':
            await driver.create({
              id: row.id,
              sizeBytes: row.size_gib * gib,
              ...(row.copy_of === null ? {} : { copyOf: row.copy_of }),
            });
            continue;
          case 'grow':
            await driver.resize(row.id, decision.sizeGiB * gib);
            continue;
          case 'delete':
            await driver.delete(row.id);
            continue;
          case 'settle': {
            const now = clock.now();
            const sizeGiB = row.grows_to_gib ?? row.size_gib;
            const isDone = await database.transaction(async (inside) => {
              const current = await diskStore(inside).byId(claim.id);
              if (current?.desired !== row.desired || current.grows_to_gib !== row.grows_to_gib) return false;
              const kept = await diskStore(inside).updateClaimed(claim, {
                status: decision.status,
                reason: decision.reason,
                size_gib: sizeGiB,
                grows_to_gib: null,
                run_at: null,
                lease_until: null,
                deadline_at: null,
                attempts: 0,
                ...(decision.status === 'Deleted' ? { deleted_at: now } : {}),
              });
              if (!kept) return true;
              const resource = { id: row.id, workspaceId: row.workspace_id, accountId: row.owner_id };
              const perHour = diskPricePerHour(sizeGiB, prices);
              const charges = decision.status === 'Deleted' ? [] : [{ category: 'Storage' as const, perHour }];
              await ledger.set(inside, resource, charges, { since: now, now });
              return true;
            });
            if (!isDone) continue;
            events.publish({ kind: 'disk', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
            if (row.environment_id !== null) await options.onSettled(row.environment_id);
            return;
          }
        }
      }
    },

    async failed(claim: Claim, error: unknown) {
      const row = await store.byId(claim.id);
      if (row === undefined) return;
      const now = clock.now();
      const isFinal =
        (error instanceof AppError && (error.code === 'InvalidInput' || error.code === 'NotFound')) ||
        (row.deadline_at !== null && now > row.deadline_at);
      await store.updateClaimed(claim, { ...afterFailure(row, error, isFinal, now), lease_until: null });
      events.publish({ kind: 'disk', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
      if (isFinal && row.environment_id !== null) await options.onSettled(row.environment_id);
    },
  };
}

function afterFailure(row: DiskRow, error: unknown, isFinal: boolean, now: number): DiskChange {
  const reason = error instanceof AppError ? error.message : 'The disk driver failed. The log has the details.';
  const isGrowing = row.desired === 'present' && row.status === 'Ready';
  // It goes on when its environment is paused.
  if (isGrowing && error instanceof AppError && error.code === 'NotPossibleNow') {
    return { reason, run_at: null, attempts: 0, deadline_at: null };
  }
  if (!isFinal) return { reason, run_at: now + retryDelayMs(row.attempts), attempts: row.attempts + 1 };
  // One that is there and cannot grow is as good as before.
  return isGrowing
    ? { reason: `It could not grow. ${reason}`, grows_to_gib: null, run_at: null, attempts: 0, deadline_at: null }
    : { status: 'Failed', reason, run_at: null, attempts: row.attempts + 1 };
}
