import { AppError } from '@terrarium/contract';
import type { Ledger } from '../billing/ledger.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { retryDelayMs } from '../plumbing/reconciler/backoff.ts';
import type { Claim, Reconciled } from '../plumbing/reconciler/reconciler.ts';
import type { DiskDriver } from './disk-driver.ts';
import { gib } from './disks.ts';
import { planDisk } from './plan.ts';
import { diskStore } from './store.ts';

/** Brings disks to what is wanted of them. The only place that calls a disk driver's create and delete. */
export function reconcileDisks(options: {
  database: Database;
  driver: DiskDriver;
  ledger: Ledger;
  events: EventBus;
  clock: Clock;
  /** Told when a disk settled, so that an environment that waits for it goes on. */
  onSettled: (environmentId: string) => Promise<void>;
}): Reconciled {
  const { database, driver, ledger, events, clock } = options;
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
        const decision = planDisk(row, await driver.inspect(row.id));
        switch (decision.kind) {
          case 'create':
            await driver.create({ id: row.id, sizeBytes: row.size_gib * gib });
            continue;
          case 'delete':
            await driver.delete(row.id);
            continue;
          case 'settle': {
            const now = clock.now();
            const isDone = await database.transaction(async (inside) => {
              const current = await diskStore(inside).byId(claim.id);
              if (current?.desired !== row.desired) return false;
              const kept = await diskStore(inside).updateClaimed(claim, {
                status: decision.status,
                reason: decision.reason,
                run_at: null,
                lease_until: null,
                deadline_at: null,
                attempts: 0,
                ...(decision.status === 'Deleted' ? { deleted_at: now } : {}),
              });
              if (kept && decision.status === 'Deleted') {
                await ledger.set(
                  inside,
                  { id: row.id, workspaceId: row.workspace_id, accountId: row.owner_id },
                  [],
                  now,
                );
              }
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
        (error instanceof AppError && error.code === 'InvalidInput') ||
        (row.deadline_at !== null && now > row.deadline_at);
      const reason = error instanceof AppError ? error.message : 'The disk driver failed. The log has the details.';
      await store.updateClaimed(claim, {
        reason,
        attempts: row.attempts + 1,
        lease_until: null,
        ...(isFinal ? { status: 'Failed', run_at: null } : { run_at: now + retryDelayMs(row.attempts) }),
      });
      events.publish({ kind: 'disk', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
      if (isFinal && row.environment_id !== null) await options.onSettled(row.environment_id);
    },
  };
}
