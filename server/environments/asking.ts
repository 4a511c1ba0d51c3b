import { AppError, environmentActionProblem, type Environment, type EnvironmentAction } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { Disks } from '../disks/disks.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { ownReach, type Reach, type Reaching } from './reaching.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';
import { wishToDelete, wishToSleep, wishToStart, wishToStop, wishToWake, type Wish } from './wishes.ts';

/** Whose environment it is; how they proved it does not matter here. */
type Who = Pick<Principal, 'account'>;

const longestKeepMs = 7 * 24 * 3_600_000;
const usualKeepMs = 3_600_000;

/** What people ask of an environment that is there: to start, sleep, wake, pause, go on running, or be deleted. */
export function createAsking(options: {
  database: Database;
  describe: () => Promise<{ canSleep: boolean }>;
  workspaces: WorkspaceStore;
  disks: Disks;
  reaching: Reaching;
  clock: Clock;
  /** Says that it changed, and shows it. */
  told: (row: EnvironmentRow, accountId: string) => Promise<Environment>;
}) {
  const { database, disks, reaching, clock, told } = options;
  const { required } = reaching;
  const store = environmentStore(database);

  /**
   * Does it where the table of statuses allows `action`. Check and write see the same row: of two opposite requests at
   * once the second finds what the first has made of it.
   */
  async function change(
    reach: Reach,
    action: EnvironmentAction,
    write: (row: EnvironmentRow, inside: Database) => Promise<unknown>,
  ): Promise<Environment> {
    const row = await database.transaction(async (inside) => {
      const found = await required(reach, environmentStore(inside));
      const problem = environmentActionProblem(found.status, action);
      if (problem !== undefined) throw new AppError('NotPossibleNow', problem);
      await write(found, inside);
      return found;
    });
    return told(row, reach.accountId);
  }

  const wish = (reach: Reach, action: EnvironmentAction, of: (row: EnvironmentRow) => Wish): Promise<Environment> =>
    change(reach, action, async (row, inside) => {
      if (action === 'start') await disks.retry(inside, row.disk_id);
      await environmentStore(inside).wish(row, of(row), clock.now());
    });

  /** Why somebody else's environment was paused or deleted; null for one's own. */
  async function onWhoseBehalf(who: Who, row: EnvironmentRow): Promise<string | null> {
    if (row.owner_id === who.account.id) return null;
    const workspace = await options.workspaces.byId(row.workspace_id);
    return `By ${who.account.email}, who owns billing project "${workspace?.namespace ?? ''}".`;
  }

  return {
    start: (who: Who, access: WorkspaceAccess, nameOrId: string) =>
      wish(ownReach(who.account.id, access.workspace.id, nameOrId), 'start', ({ status }) =>
        status === 'Asleep' ? wishToWake(clock.now(), null) : wishToStart(clock.now()),
      ),

    wake: (who: Who, access: WorkspaceAccess, nameOrId: string) =>
      wish(ownReach(who.account.id, access.workspace.id, nameOrId), 'wake', () => wishToWake(clock.now(), null)),

    /** @throws AppError NotPossibleNow  it does not run, or processes cannot be frozen here */
    async sleep(reach: Reach): Promise<Environment> {
      if (!(await options.describe()).canSleep) {
        throw new AppError(
          'NotPossibleNow',
          'Processes cannot be frozen on this machine. Pause the environment instead.',
        );
      }
      return wish(reach, 'sleep', () => wishToSleep(clock.now(), null));
    },

    async stop(who: Who, reach: Reach): Promise<Environment> {
      const reason = await onWhoseBehalf(who, await required(reach));
      return wish(reach, 'stop', () => wishToStop(clock.now(), reason));
    },

    /** Paused as soon as what runs now has ended; the meter sees to it. */
    stopWhenIdle: (reach: Reach) =>
      change(reach, 'keepRunning', (row, inside) =>
        environmentStore(inside).update(row.id, { pauses_when_idle: 1, keep_until: null }),
      ),

    /** Neither sleeps nor pauses by itself before `until`; null takes that back, and a wish to be paused when idle. */
    async keepRunning(reach: Reach, until: number | null | undefined): Promise<Environment> {
      const now = clock.now();
      const problem = keepProblem(until ?? null, now);
      if (problem !== undefined) throw new AppError('InvalidInput', problem, { fields: { until: problem } });
      const keepUntil = until === undefined ? now + usualKeepMs : until;
      return change(reach, 'keepRunning', (row, inside) =>
        environmentStore(inside).update(row.id, { keep_until: keepUntil, pauses_when_idle: 0 }),
      );
    },

    async stopAll(who: Who): Promise<Environment[]> {
      const rows = (await store.listFor(who.account.id)).filter(
        ({ status }) => environmentActionProblem(status, 'stop') === undefined && status !== 'Error',
      );
      return Promise.all(
        rows.map((row) =>
          wish(ownReach(row.owner_id, row.workspace_id, row.id), 'stop', () => wishToStop(clock.now(), null)),
        ),
      );
    },

    async delete(who: Who, reach: Reach, deleteDisk: boolean): Promise<Environment> {
      const row = await required(reach);
      const reason = await onWhoseBehalf(who, row);
      if (deleteDisk && reason !== null) {
        throw new AppError('NotAllowed', "Somebody else's disk is theirs to delete. Delete the environment alone.");
      }
      return wish(reach, 'delete', () => wishToDelete(clock.now(), deleteDisk, reason));
    },

    /** From now on notebooks of the workspace run here. */
    choose: (reach: Reach) =>
      change(reach, 'open', (row, inside) => environmentStore(inside).update(row.id, { chosen_at: clock.now() })),
  };
}

/** Why it cannot be kept running until then, as a sentence, or undefined when it can. */
function keepProblem(until: number | null, now: number): string | undefined {
  if (until === null) return undefined;
  if (until <= now) return 'That moment is over. Give one to come.';
  if (until <= now + longestKeepMs) return undefined;
  return 'An environment can be kept running for a week at most. Turn autopause off for longer.';
}
