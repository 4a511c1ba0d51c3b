import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import type { Clock } from '../../plumbing/clock.ts';
import { thaw, thawGroups } from './freezer.ts';
import { liftLimitsToEnd } from './limit-groups.ts';
import { removeGroups } from './group-files.ts';
import type { Cgroups } from './machine-groups.ts';
import { Launch, exists, readJson, writeDurably, type MachinePaths } from './machine-files.ts';
import { freezable, type MachineFacts } from './machine-facts.ts';
import { agentProcess, endAll, outsideProcesses } from './machine-processes.ts';
import { readProcess, signal, until, type ProcessFact } from './processes.ts';
import { removeTree } from './remove-tree.ts';

/** Ends machines. One call at a time for each. */
export function createEnding(options: { facts: MachineFacts; cgroups: () => Cgroups; clock: Clock }) {
  const { facts } = options;

  /** Ends every process and removes whatever a launch left, but the boot disk, the log and what is known of its end. */
  async function clear(paths: MachinePaths, known: readonly ProcessFact[] = []): Promise<void> {
    const launch = await readJson(paths.launch, Launch);
    // Those that were noted may be elsewhere than new ones would be; those of a machine whose notes are lost are not noted.
    const here = options.cgroups().directoriesOf(path.basename(paths.directory));
    const groups = [...new Set([...(launch?.cgroups ?? []), ...here])];
    await liftLimitsToEnd(groups);
    thawGroups(groups);
    if (!(await endAll(paths.directory, known, groups))) {
      throw new AppError(
        'DriverUnavailable',
        `Some processes of machine '${path.basename(paths.directory)}' do not end. Try again.`,
      );
    }
    await facts.noteEnd(paths, options.clock.now());
    await removeGroups(groups);
    for (const file of [paths.socket, paths.status, paths.asleep, paths.process, paths.launch])
      await fs.rm(file, { force: true });
  }

  async function noteStopping(paths: MachinePaths): Promise<Launch | null> {
    const launch = await readJson(paths.launch, Launch);
    if (launch !== null) await writeDurably(paths.launch, JSON.stringify({ ...launch, stopping: true }));
    return launch;
  }

  return {
    clear,

    async stop(paths: MachinePaths, graceMs: number): Promise<void> {
      if (!(await exists(paths.directory))) return;
      const launch = await noteStopping(paths);
      const first = await facts.alive(paths);
      const known = outsideProcesses(paths.directory);
      if (first === null) await facts.noteEnd(paths);
      else {
        // What rests does not hear that it should end.
        thaw(freezable(paths, launch, first));
        const agent = agentProcess(first);
        if (agent !== null) {
          signal(agent, 'SIGTERM');
          await until(() => readProcess(first.pid)?.startTicks !== first.startTicks, graceMs);
        }
      }
      await clear(paths, known);
    },

    /** @param trash  where the machine's directory goes before it is removed */
    async remove(paths: MachinePaths, trash: string): Promise<void> {
      await noteStopping(paths);
      await clear(paths);
      if (path.dirname(paths.run) !== paths.directory) {
        await fs.rm(paths.run, { recursive: true, force: true });
        // Shared with other machines: goes with the last one.
        await fs.rmdir(path.dirname(paths.run)).catch(() => undefined);
      }
      await removeTree(trash);
      if (await exists(paths.directory)) await fs.rename(paths.directory, trash);
      await removeTree(trash);
    },
  };
}

export type Ending = ReturnType<typeof createEnding>;
