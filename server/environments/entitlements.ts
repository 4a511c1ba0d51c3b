import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import type { Access } from '../workspaces/access.ts';
import { environmentStore } from './store.ts';
import { wishToStop } from './wishes.ts';

const reason = 'You may not run environments in this workspace any more. Your disk is kept.';

/**
 * Looks after the right to run what runs. It compares what is with what may be, so that a right that was taken away while
 * nobody looked is found too.
 */
export function createEntitlements(options: {
  database: Database;
  access: Pick<Access, 'holders'>;
  events: EventBus;
  clock: Clock;
  log: Log;
  nudge: () => void;
}) {
  const { database, access, events, clock, log } = options;
  const store = environmentStore(database);

  return {
    /** Pauses every environment, of one workspace or of all, whose owner may not run it any more. */
    async pauseUnentitled(workspaceId: string | null = null): Promise<void> {
      const rows = await store.wantedRunning(workspaceId);
      const mayCompute = await access.holders(
        rows.map((row) => row.workspace_id),
        'compute',
      );
      for (const row of rows) {
        if (mayCompute.get(row.workspace_id)?.has(row.owner_id) === true) continue;
        const now = clock.now();
        const isWished = await database.transaction((inside) =>
          environmentStore(inside).wish(row, wishToStop(now, reason), now),
        );
        if (!isWished) continue;
        log.info({ environmentId: row.id, workspaceId: row.workspace_id }, 'pause: its owner may not run it any more');
        events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
        options.nudge();
      }
    },
  };
}
