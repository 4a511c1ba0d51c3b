import type { Environment } from '@terrarium/contract';
import type { Disks } from '../disks/disks.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import { agentClient, type AgentDoor } from './agent-client.ts';
import { decideAutopause } from './autopause.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { specIn } from './execute.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';
import { wishToStop } from './wishes.ts';

export interface Reading {
  readonly usage: NonNullable<Environment['usage']>;
  readonly lastActivityAt: number | null;
  readonly pausesAt: number | null;
}

/** Looks at running environments: what they use, whether they are at work, and whether it is time to pause them. */
export interface Meter {
  /** The latest reading, kept in memory only; null before the first. */
  reading(environmentId: string): Reading | null;
  /** One round over all that run. Returns how many were looked at and how many paused. */
  sweep(): Promise<{ looked: number; paused: number }>;
}

const flushActivityMs = 60_000;

export function createMeter(options: {
  database: Database;
  driver: ComputeDriver;
  recordDiskUse: Disks['recordUse'];
  events: EventBus;
  clock: Clock;
  log: Log;
  nudge: () => void;
}): Meter {
  const { database, driver, events, clock, log } = options;
  const store = environmentStore(database);
  const readings = new Map<string, Reading>();
  const busySince = new Map<string, number>();

  async function look(row: EnvironmentRow): Promise<boolean> {
    const address = await driver.address(row.id);
    const door: AgentDoor | null =
      address === null ? null : { environmentId: row.id, address, secret: row.agent_secret };
    const [activity, usage] =
      door === null
        ? [null, null]
        : await Promise.all([agentClient.activity(door).catch(() => null), agentClient.usage(door).catch(() => null)]);
    const now = clock.now();
    if (activity !== null && activity.busyReasons.length > 0) busySince.set(row.id, busySince.get(row.id) ?? now);
    else if (activity !== null) busySince.delete(row.id);

    const spec = specIn(row);
    const decision = decideAutopause({
      now,
      autopauseMinutes: spec.autopauseMinutes,
      // A resume counts as activity: what went on before the pause must not pause it again at once.
      startedAt: Math.max(row.started_at ?? now, row.last_activity_at ?? 0),
      activity,
      busySince: busySince.get(row.id) ?? null,
    });
    if (decision.kind === 'pause') {
      // Someone may have asked for something else while the agent was asked.
      if (!(await store.wish(row, wishToStop(now, decision.reason)))) return false;
      log.info({ environmentId: row.id, workspaceId: row.workspace_id }, `pause: ${decision.reason}`);
      events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
      options.nudge();
      return true;
    }

    const lastActivityAt =
      activity === null ? row.last_activity_at : Math.max(activity.lastActivityAt, row.last_activity_at ?? 0);
    if (lastActivityAt !== null && lastActivityAt - (row.last_activity_at ?? 0) > flushActivityMs) {
      await store.update(row.id, { last_activity_at: lastActivityAt });
    }
    if (usage !== null) {
      const cpuPercent = usage.cpuCores === null ? null : Math.round((usage.cpuCores / spec.cpus) * 1000) / 10;
      const { cpuCores: _, ...rest } = usage;
      readings.set(row.id, {
        usage: { ...rest, cpuPercent, measuredAt: isoMoment(now) },
        lastActivityAt,
        pausesAt: decision.pausesAt,
      });
      if (usage.diskUsedBytes !== null) await options.recordDiskUse(row.disk_id, usage.diskUsedBytes);
      events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    }
    return false;
  }

  return {
    reading: (environmentId) => readings.get(environmentId) ?? null,
    async sweep() {
      const rows = await store.running();
      const alive = new Set(rows.map((row) => row.id));
      for (const known of [...readings.keys(), ...busySince.keys()]) {
        if (!alive.has(known)) {
          readings.delete(known);
          busySince.delete(known);
        }
      }
      const outcomes = await Promise.all(
        rows.map((row) =>
          look(row).catch((error: unknown) => {
            log.warn({ err: error, environmentId: row.id }, 'meter: could not look at an environment');
            return false;
          }),
        ),
      );
      return { looked: rows.length, paused: outcomes.filter(Boolean).length };
    },
  };
}
