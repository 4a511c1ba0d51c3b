import { hasProcesses, type Environment } from '@terrarium/contract';
import type { AgentActivity, AgentUsage } from '@terrarium/contract/agent';
import type { Disks } from '../disks/disks.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import { agentClient } from './agent-client.ts';
import { decideAutopause, type AutopauseDecision } from './autopause.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { doorTo } from './doors.ts';
import { specIn } from './spec.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';
import { wishToSleep, wishToStop } from './wishes.ts';

export interface Reading {
  readonly usage: Environment['usage'];
  readonly lastActivityAt: number | null;
  readonly busyReasons: readonly string[];
  readonly sleepsAt: number | null;
  readonly pausesAt: number | null;
}

/** Looks at running environments: what they use, whether they are at work, and whether it is time to pause them. */
export interface Meter {
  /** The latest reading, kept in memory only; null before the first. */
  reading(environmentId: string): Reading | null;
  /** Somebody edits a notebook in a workspace where he has an environment: that is activity of his. */
  noteEdit(accountId: string, workspaceId: string): void;
  /** One round over all that run or sleep. Returns how many were looked at, paused and put to sleep. */
  sweep(): Promise<{ looked: number; paused: number; asleep: number }>;
}

const flushActivityMs = 60_000;
/** Agents that are asked at once: more would only keep what people ask for waiting. */
const asksAtOnce = 8;
/** Of those that did not answer the last time. Waiting for them takes nothing but sockets. */
const asksInVainAtOnce = 64;
const rowsAtOnce = 100;
/** The reconciler waits long for an agent that is lost, and what people ask for must not wait behind many of these. */
const handedOnAtOnce = 8;
const answerWithinMs = 5_000;
/** For one that did not answer the last time. */
const answerAgainWithinMs = 1_000;
/** After so many looks in vain the reconciler finds out what is wrong. */
const looksInVain = 3;
/** One that could not be put to sleep is left alone for a while. */
const sleepAgainMs = 10 * 60_000;

/** What is known of one environment from one look to the next. */
interface Watched {
  reading: Reading | null;
  busySince: number | null;
  looksInVain: number;
  sleepAskedAt: number;
}

/** What all looks of one sweep share. */
interface Round {
  readonly canSleep: boolean;
  /** Running environments that the reconciler looks into. */
  handedOn: number;
}

export function createMeter(options: {
  database: Database;
  driver: ComputeDriver;
  describe: () => Promise<{ canSleep: boolean }>;
  recordDiskUse: Disks['recordUse'];
  events: EventBus;
  clock: Clock;
  log: Log;
  nudge: () => void;
}): Meter {
  const { database, driver, events, clock, log } = options;
  const store = environmentStore(database);
  const watched = new Map<string, Watched>();
  const edits = new Map<string, number>();
  const editKey = (accountId: string, workspaceId: string): string => `${workspaceId} ${accountId}`;

  async function ask(
    row: EnvironmentRow,
    timeoutMs: number,
  ): Promise<{ activity: AgentActivity | null; usage: AgentUsage | null }> {
    const door = await doorTo(driver, row);
    if (door === null) return { activity: null, usage: null };
    const [activity, usage] = await Promise.all([
      agentClient.activity(door, timeoutMs).catch(() => null),
      agentClient.usage(door, timeoutMs).catch(() => null),
    ]);
    return { activity, usage };
  }

  function watchedOf(id: string): Watched {
    let known = watched.get(id);
    if (known === undefined) {
      known = { reading: null, busySince: null, looksInVain: 0, sleepAskedAt: -Infinity };
      watched.set(id, known);
    }
    return known;
  }

  async function act(
    row: EnvironmentRow,
    decision: Exclude<AutopauseDecision, { kind: 'keep' }>,
    now: number,
  ): Promise<boolean> {
    const wish = decision.kind === 'pause' ? wishToStop(now, decision.reason) : wishToSleep(now, decision.reason);
    // Someone may have asked for something else while the agent was asked.
    if (!(await database.transaction((inside) => environmentStore(inside).wish(row, wish, now)))) return false;
    log.info({ environmentId: row.id, workspaceId: row.workspace_id }, `${decision.kind}: ${decision.reason}`);
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    options.nudge();
    return true;
  }

  /** Has the reconciler find out what is wrong with one that does not answer, unless it is at enough of them already. */
  async function handOn(row: EnvironmentRow, known: Watched, round: Round, now: number): Promise<void> {
    if (row.run_at !== null || round.handedOn >= handedOnAtOnce) return;
    round.handedOn++;
    known.looksInVain = 1;
    await store.update(row.id, { run_at: now });
    options.nudge();
  }

  async function look(row: EnvironmentRow, round: Round): Promise<'kept' | 'paused' | 'asleep'> {
    const { canSleep } = round;
    const known = watchedOf(row.id);
    const isAsleep = row.status === 'Asleep';
    const timeoutMs = known.looksInVain === 0 ? answerWithinMs : answerAgainWithinMs;
    const { activity, usage } = isAsleep ? { activity: null, usage: null } : await ask(row, timeoutMs);
    const now = clock.now();
    if (isAsleep || activity !== null) known.looksInVain = 0;
    else if (++known.looksInVain >= looksInVain) await handOn(row, known, round, now);
    if (activity === null) known.busySince = isAsleep ? null : known.busySince;
    else known.busySince = activity.busyReasons.length === 0 ? null : (known.busySince ?? now);

    const editedAt = edits.get(editKey(row.owner_id, row.workspace_id)) ?? 0;
    // Work that was seen at two looks in a row is activity now, by our clock; a single flicker is the agent's to judge.
    const workedAt = known.busySince !== null && known.busySince < now ? now : 0;
    const lastActivityAt = Math.max(activity?.lastActivityAt ?? 0, row.last_activity_at ?? 0, editedAt, workedAt);
    const spec = specIn(row);
    const decision = decideAutopause({
      now,
      autopauseMinutes: spec.autopauseMinutes,
      sleepMinutes: canSleep && now - known.sleepAskedAt > sleepAgainMs ? spec.sleepMinutes : 0,
      isAsleep,
      // A resume counts as activity: what went on before the pause must not pause it again at once.
      startedAt: Math.max(row.started_at ?? now, lastActivityAt),
      activity: isAsleep ? { lastActivityAt, busyReasons: [] } : activity,
      busySince: known.busySince,
      keepUntil: row.keep_until,
      pausesWhenIdle: row.pauses_when_idle === 1,
    });
    if (lastActivityAt - (row.last_activity_at ?? 0) > flushActivityMs || decision.kind === 'sleep') {
      // Of what is lost in a power cut the agent, or what it does next, tells again.
      await database.quickTransaction(async (inside) => {
        await environmentStore(inside).update(row.id, { last_activity_at: lastActivityAt });
      });
    }
    if (decision.kind !== 'keep') {
      if (decision.kind === 'sleep') known.sleepAskedAt = now;
      return (await act({ ...row, last_activity_at: lastActivityAt }, decision, now))
        ? decision.kind === 'sleep'
          ? 'asleep'
          : 'paused'
        : 'kept';
    }

    const before = known.reading;
    known.reading = {
      usage: usage === null ? (before?.usage ?? null) : usageOf(usage, spec.cpus, now),
      lastActivityAt,
      busyReasons: activity?.busyReasons ?? [],
      sleepsAt: decision.sleepsAt,
      pausesAt: decision.pausesAt,
    };
    const diskUsedBytes = usage?.diskUsedBytes ?? null;
    if (diskUsedBytes !== null && diskUsedBytes !== before?.usage?.diskUsedBytes) {
      await options.recordDiskUse(row.disk_id, diskUsedBytes);
    }
    // Of a sleeping environment nothing changes but the moment at which it pauses.
    if (usage !== null || (before?.pausesAt ?? null) !== decision.pausesAt) {
      events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    }
    return 'kept';
  }

  /** Read when their turn comes: a round over thousands takes a while. */
  async function* asTheyAreNow(ids: readonly string[]): AsyncGenerator<EnvironmentRow> {
    for (let from = 0; from < ids.length; from += rowsAtOnce) {
      const rows = await store.byIds(ids.slice(from, from + rowsAtOnce));
      yield* rows.filter(({ status }) => hasProcesses(status));
    }
  }

  return {
    reading: (environmentId) => watched.get(environmentId)?.reading ?? null,
    noteEdit(accountId, workspaceId) {
      edits.set(editKey(accountId, workspaceId), clock.now());
    },
    async sweep() {
      const [rows, { canSleep }] = await Promise.all([store.withStatus('Running', 'Asleep'), options.describe()]);
      const alive = new Set(rows.map((row) => row.id));
      const edited = new Set(rows.map((row) => editKey(row.owner_id, row.workspace_id)));
      for (const id of watched.keys()) if (!alive.has(id)) watched.delete(id);
      for (const key of edits.keys()) if (!edited.has(key)) edits.delete(key);
      const handedOn = rows.filter((row) => row.status === 'Running' && row.run_at !== null).length;
      const round: Round = { canSleep, handedOn };
      const count = { kept: 0, paused: 0, asleep: 0 };
      const isSilent = ({ id }: { id: string }) => watchedOf(id).looksInVain > 0;
      const lookAt = async (some: typeof rows, atOnce: number): Promise<void> => {
        const waiting = asTheyAreNow(some.map(({ id }) => id));
        const worker = async (): Promise<void> => {
          for await (const row of waiting) {
            try {
              count[await look(row, round)]++;
            } catch (error) {
              log.warn({ err: error, environmentId: row.id }, 'meter: could not look at an environment');
            }
          }
        };
        await Promise.all(Array.from({ length: atOnce }, worker));
      };
      const answering = rows.filter((row) => !isSilent(row));
      await Promise.all([lookAt(answering, asksAtOnce), lookAt(rows.filter(isSilent), asksInVainAtOnce)]);
      return { looked: rows.length, paused: count.paused, asleep: count.asleep };
    },
  };
}

function usageOf(usage: AgentUsage, cpus: number, now: number): NonNullable<Reading['usage']> {
  const { cpuCores, outOfMemory, ...rest } = usage;
  return {
    ...rest,
    cpuPercent: cpuCores === null ? null : Math.round((cpuCores / cpus) * 1000) / 10,
    outOfMemory: outOfMemory == null ? null : { ...outOfMemory, at: isoMoment(outOfMemory.at) },
    measuredAt: isoMoment(now),
  };
}
