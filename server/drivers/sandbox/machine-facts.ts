import fs from 'node:fs/promises';
import path from 'node:path';
import type { MachineFact } from '../../environments/compute-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { KeyedLock } from '../../plumbing/keyed-lock.ts';
import type { DiskUse } from './disks.ts';
import { exitReason } from './exit-reason.ts';
import { isFrozen, thawGroups, type Freezable } from './freezer.ts';
import { outOfMemoryKills } from './group-files.ts';
import {
  Asleep,
  Ended,
  FirstProcess,
  Launch,
  Made,
  exists,
  isId,
  machinePaths,
  readJson,
  writeDurably,
  type MachinePaths,
} from './machine-files.ts';
import { firstProcess, outsideProcesses, restingProcesses } from './machine-processes.ts';
import { bootId, readProcess, type ProcessFact } from './processes.ts';
import { readStatus } from './status-file.ts';

export interface MachineFacts {
  pathsOf(id: string): MachinePaths;
  knownIds(): Promise<string[]>;
  /** The machine's first process, alive now, or null. Notes it when a crash kept that from being done. */
  alive(paths: MachinePaths): Promise<ProcessFact | null>;
  noteFirst(paths: MachinePaths, found: ProcessFact): Promise<void>;
  /** Notes that it sleeps, since now. */
  noteAsleep(paths: MachinePaths): Promise<void>;
  /**
   * Notes once and for all when the last run ended, which has ended: at `at`, or when the traces say it did.
   * @returns epoch ms, or null when it never ran
   */
  noteEnd(paths: MachinePaths, at?: number): Promise<number | null>;
  /** The moment at which a run that begins now begins: never before what came earlier, whatever the clock says. */
  nextStart(paths: MachinePaths): Promise<number>;
  inspect(id: string): Promise<MachineFact>;
  readonly attachment: DiskUse['attachment'];
  /** Machines that are brought to rest for moments only, which is no sleep. */
  readonly held: Set<string>;
}

const endTraceMs = 500;

/** What there is of machines, observed in their directories and in /proc. */
export function createFacts(options: { machinesDirectory: string; clock: Clock; inTurn: KeyedLock }): MachineFacts {
  const { machinesDirectory, clock } = options;
  const pathsOf = (id: string): MachinePaths => machinePaths(machinesDirectory, id);

  const held = new Set<string>();

  async function knownIds(): Promise<string[]> {
    return (await fs.readdir(machinesDirectory)).filter(isId);
  }

  async function alive(paths: MachinePaths): Promise<ProcessFact | null> {
    const noted = await readJson(paths.process, FirstProcess);
    if (noted !== null) {
      const found = noted.bootId === bootId() ? readProcess(noted.pid) : null;
      return found?.startTicks === noted.startTicks ? found : null;
    }
    if ((await readJson(paths.launch, Launch)) === null) return null;
    const found = firstProcess(outsideProcesses(paths.directory), paths);
    if (found !== null) await noteFirst(paths, found);
    return found;
  }

  async function noteFirst(paths: MachinePaths, found: ProcessFact): Promise<void> {
    await writeDurably(
      paths.process,
      JSON.stringify({ pid: found.pid, startTicks: found.startTicks, bootId: bootId() }),
    );
  }

  async function noteAsleep(paths: MachinePaths): Promise<void> {
    const launch = await readJson(paths.launch, Launch);
    await writeDurably(paths.asleep, JSON.stringify({ since: Math.max(clock.now(), launch?.startedAt ?? 0) }));
  }

  async function createdAt(paths: MachinePaths): Promise<number> {
    const made = await readJson(paths.made, Made);
    // Made before such notes were.
    return made?.createdAt ?? Math.floor((await fs.stat(paths.directory)).birthtimeMs);
  }

  async function nextStart(paths: MachinePaths): Promise<number> {
    const ended = await readJson(paths.ended, Ended);
    return Math.max(clock.now(), await createdAt(paths), ended?.endedAt ?? 0);
  }

  /** Whether a machine without a first process ran and ended. Else its start is on its way, or did not come to its end. */
  async function hasEnded(paths: MachinePaths, launch: Launch): Promise<boolean> {
    if (await exists(paths.process)) return true;
    const { started, exitCode } = await readStatus(paths.status);
    const isOver = exitCode !== null || launch.bootId !== bootId() || outsideProcesses(paths.directory).length === 0;
    return started && isOver;
  }

  function noteEnd(paths: MachinePaths, at?: number): Promise<number | null> {
    return options.inTurn(`end ${paths.directory}`, async () => {
      const ended = await readJson(paths.ended, Ended);
      const launch = await readJson(paths.launch, Launch);
      if (launch === null || launch.run === ended?.run || !(await hasEnded(paths, launch)))
        return ended?.endedAt ?? null;
      const endedAt = Math.max(launch.startedAt, at ?? (await endByTraces(paths, launch)));
      await writeDurably(paths.ended, JSON.stringify({ run: launch.run, endedAt }));
      return endedAt;
    });
  }

  /** What the launcher noted; else the last moment at which the driver saw it alive. */
  async function endByTraces(paths: MachinePaths, launch: Launch): Promise<number> {
    let status = await readStatus(paths.status);
    if (launch.bootId === bootId()) {
      // What ended while it slept has to go on to its end, and the launcher needs a moment for its note.
      thawGroups(launch.cgroups);
      const until = performance.now() + endTraceMs;
      while (status.endedAt === null && outsideProcesses(paths.directory).length > 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        status = await readStatus(paths.status);
      }
    }
    const now = clock.now();
    if (status.endedAt !== null && status.endedAt >= launch.startedAt) return Math.min(status.endedAt, now);
    const seen = (await fs.stat(paths.process).catch(() => null))?.mtimeMs;
    return seen === undefined ? now : Math.min(Math.floor(seen), now);
  }

  async function inspect(id: string): Promise<MachineFact> {
    if (!isId(id)) return { id, state: 'absent' };
    const paths = pathsOf(id);
    if (!(await exists(paths.directory))) return { id, state: 'absent' };
    try {
      return await inspectPresent(id, paths);
    } catch (error) {
      // Deleted while it was looked at.
      if (!(await exists(paths.directory))) return { id, state: 'absent' };
      throw error;
    }
  }

  async function inspectPresent(id: string, paths: MachinePaths): Promise<MachineFact> {
    const first = await alive(paths);
    const launch = await readJson(paths.launch, Launch);
    const made = await createdAt(paths);
    if (first === null) {
      const endedAt = await noteEnd(paths);
      return {
        id,
        state: 'stopped',
        createdAt: new Date(made),
        endedAt: endedAt === null ? null : new Date(endedAt),
        exit: await exitOf(paths, launch),
      };
    }
    const now = clock.now() / 1000;
    // Gone when it was stopped at this very moment.
    await fs.utimes(paths.process, now, now).catch(() => undefined);
    const startedAt = launch?.startedAt ?? made;
    const fact = { id, createdAt: new Date(Math.min(made, startedAt)), startedAt: new Date(startedAt) };
    if (held.has(id) || !isFrozen(freezable(paths, launch, first))) return { ...fact, state: 'running' };
    // Somebody else brought it to rest; one that is being stopped rests for moments only.
    if (launch?.stopping !== true && !(await exists(paths.asleep))) await noteAsleep(paths);
    const asleep = await readJson(paths.asleep, Asleep);
    return { ...fact, state: 'asleep', asleepSince: new Date(asleep?.since ?? startedAt) };
  }

  async function exitOf(paths: MachinePaths, launch: Launch | null): Promise<string | null> {
    if (launch === null || launch.stopping || !(await hasEnded(paths, launch))) return null;
    return exitReason({
      hostRestarted: launch.bootId !== bootId(),
      exitCode: (await readStatus(paths.status)).exitCode,
      outOfMemoryKills: outOfMemoryKills(launch.memoryEvents),
      memoryBytes: launch.memoryBytes,
    });
  }

  async function attachment(diskId: string): ReturnType<DiskUse['attachment']> {
    for (const id of await knownIds()) {
      const paths = pathsOf(id);
      const launch = await readJson(paths.launch, Launch);
      if (launch?.diskId !== diskId || (await alive(paths)) === null) continue;
      const mountedBy = outsideProcesses(paths.directory).flatMap((one) =>
        one.namespacePids.length === 1 ? [one.pid] : [],
      );
      return { machineId: id, mountedBy, mountPoint: path.join(paths.mounts, 'disk') };
    }
    return null;
  }

  return {
    pathsOf,
    knownIds,
    alive,
    noteFirst,
    noteAsleep,
    noteEnd,
    nextStart,
    inspect,
    attachment,
    held,
  };
}

/** What the freezer has to know of a machine that runs. */
export function freezable(paths: MachinePaths, launch: Launch | null, first: ProcessFact): Freezable {
  return { groups: launch?.cgroups ?? [], first, processes: () => restingProcesses(paths.directory, first) };
}
