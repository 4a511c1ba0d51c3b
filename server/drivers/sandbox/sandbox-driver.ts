import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { ComputeDriver } from '../../environments/compute-driver.ts';
import type { DiskDriver } from '../../disks/disk-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { findAbilities, type Withheld } from './abilities.ts';
import { findCgroups } from './cgroups.ts';
import { createCompute } from './compute.ts';
import { createDisks, sweepDisks } from './disks.ts';
import { makeEtc } from './etc.ts';
import { createKeyedLock } from '../../plumbing/keyed-lock.ts';
import { removeTree } from './remove-tree.ts';

export interface SandboxOptions extends Withheld {
  /** Machines and disks live below it; nothing else of it is touched, and no machine sees it. */
  readonly dataDirectory: string;
  /** Directory that holds agent.mjs and what it loads. */
  readonly agentBundle: string;
  /** The Node that runs the agent. */
  readonly nodeBinary: string;
  /** See kernels-manifest.ts. It may be missing. */
  readonly kernelsManifest: string;
  readonly clock: Clock;
  /** Environment variables for every machine, such as a proxy's address. */
  readonly machineEnvironment?: Readonly<Record<string, string>>;
  /** Processes and threads that one machine may have. 2048 when not given. */
  readonly processLimit?: number;
}

/**
 * Environments as processes of this machine, in namespaces of their own where that works. They outlive the control
 * plane and are found again by a driver made anew over the same data directory.
 */
export function createSandboxDriver(options: SandboxOptions): { compute: ComputeDriver; disks: DiskDriver } {
  const make = (name: string): string => {
    const directory = path.join(options.dataDirectory, name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Processes are found again by this path, so it has to be the same however the data directory was spelled.
    return realpathSync(directory);
  };
  const [machinesDirectory, disksDirectory, sharedDirectory] = [make('machines'), make('disks'), make('sandbox')];
  const dataDirectory = path.dirname(machinesDirectory);
  const installation = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 8);
  const inTurn = createKeyedLock();

  const abilities = once(async () => {
    await sweep(machinesDirectory, disksDirectory, sharedDirectory);
    return findAbilities(sharedDirectory, options);
  });
  const cgroups = once(() => findCgroups(`terrarium-${installation}`, options));
  const etc = once(() => makeEtc(sharedDirectory));

  const { driver: compute, use } = createCompute({
    settings: {
      dataDirectory,
      agentBundle: path.resolve(options.agentBundle),
      nodeBinary: path.resolve(options.nodeBinary),
      kernelsManifest: options.kernelsManifest,
      clock: options.clock,
      machineEnvironment: options.machineEnvironment ?? {},
      processLimit: options.processLimit ?? 2048,
    },
    machinesDirectory,
    abilities,
    cgroups,
    disks: () => disks,
    etc,
    inTurn,
  });
  const disks = createDisks({ directory: disksDirectory, abilities, inTurn, use });
  return { compute, disks: disks.driver };
}

/** Removes what a crash left half made or half deleted. Runs once, before the first thing is made. */
async function sweep(machinesDirectory: string, disksDirectory: string, sharedDirectory: string): Promise<void> {
  for (const name of await fs.readdir(machinesDirectory)) {
    if (name.startsWith('.making-') || name.startsWith('.deleting-'))
      await removeTree(path.join(machinesDirectory, name));
  }
  for (const name of await fs.readdir(sharedDirectory)) {
    if (name.startsWith('making-') || name.startsWith('probe-')) await removeTree(path.join(sharedDirectory, name));
  }
  await sweepDisks(disksDirectory);
}

/** Does it at the first call and remembers what came of it; a failure is tried again at the next call. */
function once<T>(work: () => T): () => T {
  let result: { value: T } | null = null;
  return () => {
    if (result !== null) return result.value;
    const value = work();
    const made = { value };
    result = made;
    if (value instanceof Promise) {
      value.catch(() => {
        if (result === made) result = null;
      });
    }
    return value;
  };
}
