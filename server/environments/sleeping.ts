import { AgentKernel } from '@terrarium/contract/agent';
import * as z from 'zod';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import { agentClient, type AgentDoor } from './agent-client.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';
import { wishToWake } from './wishes.ts';

/** What a Jupyter client lists of an environment: answered from here while it sleeps, so that looking does not wake it. */
const SleepingLists = z.object({
  kernels: z.string(),
  sessions: z.string(),
  terminals: z.string(),
  /** What each kernel did and took. */
  kernelDetails: z.array(AgentKernel),
});
export type SleepingLists = z.infer<typeof SleepingLists>;

/** What the agent lists now, to be kept while it cannot answer. */
export async function listsOf(door: AgentDoor): Promise<SleepingLists> {
  const [kernels, sessions, terminals, kernelDetails] = await Promise.all([
    agentClient.list(door, 'kernels'),
    agentClient.list(door, 'sessions'),
    agentClient.list(door, 'terminals'),
    agentClient.kernels(door),
  ]);
  return { kernels, sessions, terminals, kernelDetails };
}

/** Knows which environments sleep, and wakes those that somebody uses. */
export interface Sleepers {
  /** Somebody uses the environment: it wakes if it sleeps or is falling asleep. */
  noteUse(environmentId: string): void;
  /** The same for the chosen environment of somebody in a workspace, which is on its way when this resolves. */
  wakeChosen(accountId: string, workspaceId: string): Promise<void>;
  /** What the caller's chosen environment listed before it fell asleep; null when it does not sleep. */
  listsFor(accountId: string, workspaceId: string): Promise<SleepingLists | null>;
  /** The kernels of all of somebody's environments in a workspace that sleep, as they were before. */
  kernelsIn(
    accountId: string,
    workspaceId: string,
  ): Promise<{ environment: { id: string; name: string }; kernel: AgentKernel }[]>;
  close(): void;
}

function listsIn(row: EnvironmentRow): SleepingLists | null {
  if (row.status !== 'Asleep' || row.asleep_lists === null) return null;
  return SleepingLists.parse(JSON.parse(row.asleep_lists));
}

export async function createSleepers(options: {
  database: Database;
  events: EventBus;
  clock: Clock;
  log: Log;
  nudge: () => void;
}): Promise<Sleepers> {
  const { database, events, clock, log } = options;
  const store = environmentStore(database);
  const asleep = new Set((await store.withStatus('Asleep')).map(({ id }) => id));
  const isAsleep = (row: EnvironmentRow): boolean => row.desired === 'asleep';

  const unsubscribe = events.subscribe(({ event }) => {
    if (event.kind !== 'environment') return;
    store.byId(event.id).then(
      (row) => {
        if (row !== undefined && isAsleep(row)) asleep.add(event.id);
        else asleep.delete(event.id);
      },
      (error: unknown) => {
        log.warn({ err: error, environmentId: event.id }, 'sleepers: could not look at an environment');
      },
    );
  });

  async function wake(environmentId: string): Promise<void> {
    const row = await store.byId(environmentId);
    if (row === undefined || !isAsleep(row)) return;
    const now = clock.now();
    const wish = wishToWake(now, 'Somebody used it.');
    if (!(await database.transaction((inside) => environmentStore(inside).wish(row, wish, now)))) return;
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    options.nudge();
  }

  return {
    noteUse(environmentId) {
      if (!asleep.delete(environmentId)) return;
      wake(environmentId).catch((error: unknown) => {
        log.warn({ err: error, environmentId }, 'sleepers: could not wake an environment');
      });
    },
    async wakeChosen(accountId, workspaceId) {
      if (asleep.size === 0) return;
      const row = await store.chosen(workspaceId, accountId);
      if (row !== undefined && isAsleep(row)) await wake(row.id);
    },
    async listsFor(accountId, workspaceId) {
      const row = await store.chosen(workspaceId, accountId);
      return row === undefined ? null : listsIn(row);
    },
    async kernelsIn(accountId, workspaceId) {
      const rows = await store.ofOwner(workspaceId, accountId);
      return rows.flatMap((row) =>
        (listsIn(row)?.kernelDetails ?? []).map((kernel) => ({ environment: { id: row.id, name: row.name }, kernel })),
      );
    },
    close: unsubscribe,
  };
}
