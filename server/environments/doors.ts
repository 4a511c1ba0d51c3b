import { AppError } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { AgentDoor } from './agent-client.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';

/** Where the agent of one machine answers; null when the machine does not run. */
export async function doorTo(
  driver: ComputeDriver,
  row: { readonly id: string; readonly agent_secret: string },
): Promise<AgentDoor | null> {
  const address = await driver.address(row.id);
  return address === null ? null : { environmentId: row.id, address, secret: row.agent_secret };
}

/** Where the agents of environments answer. */
export function createDoors(options: { database: Database; driver: ComputeDriver; events: EventBus }) {
  const { driver, events } = options;
  const store = environmentStore(options.database);

  const doorOf = (row: EnvironmentRow): Promise<AgentDoor | null> => doorTo(driver, row);

  return {
    /** Where the caller's chosen environment in a workspace answers, or null when that does not run. */
    async agentFor(accountId: string, workspaceId: string): Promise<AgentDoor | null> {
      const row = await store.chosen(workspaceId, accountId);
      return row?.status === 'Running' ? doorOf(row) : null;
    },

    /** The caller's running environments in a workspace, oldest first, and where each answers. */
    async runningIn(accountId: string, workspaceId: string): Promise<{ id: string; name: string; door: AgentDoor }[]> {
      const rows = (await store.ofOwner(workspaceId, accountId)).filter(({ status }) => status === 'Running');
      const found = await Promise.all(
        rows.map(async (row) => {
          const door = await doorOf(row);
          return door === null ? [] : [{ id: row.id, name: row.name, door }];
        }),
      );
      return found.flat();
    },

    /** Where a running environment answers. @throws AppError EnvironmentPaused */
    async required(row: EnvironmentRow): Promise<AgentDoor> {
      const door = row.status === 'Running' ? await doorOf(row) : null;
      if (door === null) throw new AppError('EnvironmentPaused', 'The environment does not run. Start it first.');
      return door;
    },

    /**
     * Resolves when the environment runs, to where it answers; waits through sleep.
     * @throws AppError EnvironmentNotReady  it ended otherwise, with the reason; or `signal` was aborted
     */
    async untilRunning(environmentId: string, signal: AbortSignal): Promise<AgentDoor> {
      return new Promise((resolve, reject) => {
        const finish = (outcome: AgentDoor | AppError) => {
          stopListening();
          signal.removeEventListener('abort', onAbort);
          if (outcome instanceof AppError) reject(outcome);
          else resolve(outcome);
        };
        const onAbort = () => {
          finish(new AppError('EnvironmentNotReady', 'The environment is still starting. Try again in a moment.'));
        };
        const look = async () => {
          const row = await store.byId(environmentId);
          const door = row?.status === 'Running' ? await doorOf(row) : null;
          if (door !== null) finish(door);
          else if (row === undefined || isNotComing(row)) {
            finish(new AppError('EnvironmentNotReady', row?.reason ?? endingOf(row)));
          }
        };
        const stopListening = events.subscribe(({ event }) => {
          if (event.kind === 'environment' && event.id === environmentId) look().catch(reject);
        });
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) onAbort();
        else look().catch(reject);
      });
    },
  };
}

export type Doors = ReturnType<typeof createDoors>;

function isNotComing(row: EnvironmentRow): boolean {
  return row.status === 'Error' || row.desired === 'stopped' || row.desired === 'deleted';
}

/** Why nobody waits for it any more, where nothing else says so. */
function endingOf(row: EnvironmentRow | undefined): string {
  return row?.desired === 'stopped'
    ? 'The Cloud Environment was paused before it had started.'
    : 'The Cloud Environment was deleted before it had started.';
}
