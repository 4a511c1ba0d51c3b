import fs from 'node:fs/promises';
import { AppError } from '@terrarium/contract';
import type { RestingMachine } from './disks.ts';
import { freeze, isFrozen, thaw, thawGroups } from './freezer.ts';
import { Launch, readJson, type MachinePaths } from './machine-files.ts';
import { freezable, type MachineFacts } from './machine-facts.ts';
import { keepInMemory, moveToSwap } from './swap.ts';

/**
 * Brings machines to rest with their memory kept, and lets them go on. One `sleep` or `wake` at a time for each machine.
 *
 * INVARIANTS
 * - Whether a machine sleeps is what the kernel says of it. The note only says since when; it is written first, so that a
 *   machine that rests has one.
 * - A machine that could not be brought to rest as a whole goes on as a whole.
 */
export function createSleeping(facts: MachineFacts, turn: <R>(id: string, work: () => Promise<R>) => Promise<R>) {
  return {
    async atRest<R>(diskId: string, work: (resting: RestingMachine | null) => Promise<R>): Promise<R> {
      const attached = await facts.attachment(diskId);
      if (attached === null) return work(null);
      const id = attached.machineId;
      return turn(id, async () => {
        const paths = facts.pathsOf(id);
        const first = await facts.alive(paths);
        if (first === null) return work(null);
        const machine = freezable(paths, await readJson(paths.launch, Launch), first);
        if (isFrozen(machine)) return work({ id, goOn: () => undefined });
        const goOn = (): void => {
          if (facts.held.delete(id)) thaw(machine);
        };
        facts.held.add(id);
        try {
          if (!(await freeze(machine))) throw restless();
          return await work({ id, goOn });
        } finally {
          goOn();
        }
      });
    },

    async sleep(paths: MachinePaths): Promise<void> {
      const first = await facts.alive(paths);
      if (first === null) return;
      const launch = await readJson(paths.launch, Launch);
      const machine = freezable(paths, launch, first);
      if (!isFrozen(machine)) await facts.noteAsleep(paths);
      if (!(await freeze(machine))) {
        await fs.rm(paths.asleep, { force: true });
        throw restless();
      }
      void moveToSwap(machine.groups, () => isFrozen(machine));
    },

    async wake(paths: MachinePaths): Promise<void> {
      const first = await facts.alive(paths);
      const launch = await readJson(paths.launch, Launch);
      if (first !== null) {
        const machine = freezable(paths, launch, first);
        if (!isFrozen(machine)) return;
        thaw(machine);
      } else thawGroups(launch?.cgroups ?? []);
      keepInMemory(launch?.cgroups ?? []);
      await fs.rm(paths.asleep, { force: true });
    },
  };
}

function restless(): AppError {
  return new AppError(
    'DriverUnavailable',
    'Some processes of the machine could not be brought to rest, since they wait for a disk or a device. Try again.',
  );
}
