import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import type { ComputeDriver, MachineLimits, MachineSpec } from '../../environments/compute-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { KeyedLock } from '../../plumbing/keyed-lock.ts';
import type { Abilities } from './abilities.ts';
import { describeSandbox, limitsOfHost } from './description.ts';
import type { DiskUse, SandboxDisks } from './disks.ts';
import { createEnding } from './ending.ts';
import { makeImage, smallestImageBytes } from './images.ts';
import { limitGroups } from './limit-groups.ts';
import { Launch, exists, isId, machinePaths, readJson, requireId, writeDurably } from './machine-files.ts';
import { createFacts } from './machine-facts.ts';
import type { Cgroups } from './machine-groups.ts';
import { directoriesWithProcesses, outsideProcesses } from './machine-processes.ts';
import { removeTree } from './remove-tree.ts';
import { createSleeping } from './sleeping.ts';
import { createStarting } from './starting.ts';
import { tail } from './tail.ts';

export interface SandboxSettings {
  readonly dataDirectory: string;
  readonly agentBundle: string;
  readonly nodeBinary: string;
  readonly kernelsManifest: string;
  readonly clock: Clock;
  /** Environment variables for every machine, such as a proxy's address. */
  readonly machineEnvironment: Readonly<Record<string, string>>;
  /** Processes and threads that one machine may have. */
  readonly processLimit: number;
}

const logBytes = 64 * 1024;

/**
 * Machines as processes of this host.
 *
 * INVARIANTS
 * - One operation at a time for each machine, and for each disk, within this process; across processes the launcher's
 *   file locks decide (launch-script.ts).
 * - `launch.json` is written before anything is started or any group made, `process.json` after the first process is
 *   known. With the first and without the second, /proc is searched, so a crash in between loses no machine.
 * - A machine's directory appears and disappears by a rename: it is whole or not there.
 */
export function createCompute(options: {
  settings: SandboxSettings;
  machinesDirectory: string;
  abilities: () => Promise<Abilities>;
  cgroups: () => Cgroups;
  disks: () => SandboxDisks;
  etc: () => Promise<string>;
  inTurn: KeyedLock;
}): { driver: ComputeDriver; use: DiskUse } {
  const { settings, machinesDirectory, inTurn } = options;
  const { clock } = settings;
  const turn = <R>(id: string, work: () => Promise<R>): Promise<R> => inTurn(`machine ${id}`, work);
  const facts = createFacts({ machinesDirectory, clock, inTurn });
  const ending = createEnding({ facts, cgroups: options.cgroups, clock });
  const starting = createStarting({ ...options, facts, ending });
  const sleeping = createSleeping(facts, turn);

  async function create(spec: MachineSpec): Promise<void> {
    const paths = facts.pathsOf(spec.id);
    if (await exists(paths.directory)) return;
    const { images } = await options.abilities();
    const making = machinePaths(machinesDirectory, `.making-${spec.id}`);
    await removeTree(making.directory);
    await fs.mkdir(making.directory, { recursive: true, mode: 0o700 });
    for (const name of ['disk', 'boot', 'local']) await fs.mkdir(path.join(making.mounts, name), { recursive: true });
    await fs.writeFile(making.lock, '', { mode: 0o600 });
    if (images) await makeImage(making.bootImage, Math.max(spec.bootDiskBytes, smallestImageBytes));
    else await fs.mkdir(making.bootDirectory, { mode: 0o755 });
    await writeDurably(making.made, JSON.stringify({ createdAt: clock.now() }));
    await writeDurably(making.spec, JSON.stringify(spec));
    await fs.rename(making.directory, paths.directory);
  }

  async function limit(id: string, limits: MachineLimits): Promise<void> {
    const paths = facts.pathsOf(id);
    if ((await facts.alive(paths)) === null) return;
    const launch = await readJson(paths.launch, Launch);
    await limitGroups(launch?.cgroups ?? [], limits);
    const { cpus, memoryBytes } = limits;
    // The reason of an end names the limit that held.
    if (launch !== null) await writeDurably(paths.launch, JSON.stringify({ ...launch, memoryBytes }));
    const spec: unknown = JSON.parse(await fs.readFile(paths.spec, 'utf8'));
    await writeDurably(paths.spec, JSON.stringify({ ...Object(spec), cpus, memoryBytes }));
  }

  const driver: ComputeDriver = {
    name: 'sandbox',
    describe: async () => describeSandbox(settings, await options.abilities(), options.cgroups()),
    inspect: facts.inspect,
    async create(spec) {
      requireSpec(spec);
      await turn(spec.id, () => create(spec));
    },
    async start(spec) {
      requireSpec(spec);
      await turn(spec.id, () => inTurn(`disk ${spec.diskId}`, () => starting.start(spec)));
    },
    async sleep(id) {
      if (isId(id)) await turn(id, () => sleeping.sleep(facts.pathsOf(id)));
    },
    async wake(id) {
      if (isId(id)) await turn(id, () => sleeping.wake(facts.pathsOf(id)));
    },
    async limit(id, limits) {
      requireLimits(limits);
      if (isId(id)) await turn(id, () => limit(id, limits));
    },
    async stop(id, { graceMs }) {
      if (isId(id)) await turn(id, () => ending.stop(facts.pathsOf(id), graceMs));
    },
    async delete(id) {
      if (!isId(id)) return;
      await turn(id, () => ending.remove(facts.pathsOf(id), path.join(machinesDirectory, `.deleting-${id}`)));
    },
    async list() {
      const known = await facts.knownIds();
      const seen = [...directoriesWithProcesses(machinesDirectory)].map((directory) => path.basename(directory));
      const found = await Promise.all([...new Set([...known, ...seen.filter(isId)])].map(facts.inspect));
      return found.flatMap((fact) => {
        if (fact.state !== 'absent') return [fact];
        // Processes whose directory is gone: they have no boot disk, and a delete ends them. Looked at once more, since a
        // delete may have been on its way.
        const isLost = outsideProcesses(facts.pathsOf(fact.id).directory).length > 0;
        const never = new Date(0);
        return isLost ? [{ id: fact.id, state: 'running', createdAt: never, startedAt: never } as const] : [];
      });
    },
    async address(id) {
      if (!isId(id)) return null;
      const paths = facts.pathsOf(id);
      return (await facts.alive(paths)) === null ? null : { socketPath: paths.socket };
    },
    async logs(id) {
      if (!isId(id)) return '';
      const { log } = facts.pathsOf(id);
      return ((await tail(`${log}.old`, logBytes)) + (await tail(log, logBytes))).slice(-logBytes);
    },
  };
  return { driver, use: { attachment: facts.attachment, atRest: sleeping.atRest } };
}

function requireSpec(spec: MachineSpec): void {
  requireId(spec.id);
  if (spec.image !== 'machine')
    throw new AppError('InvalidInput', `There is no image '${spec.image}' here. Choose 'machine'.`);
  requireLimits(spec);
}

function requireLimits({ cpus, memoryBytes }: MachineLimits): void {
  const { maxCpus, maxMemoryBytes } = limitsOfHost();
  if (!(cpus > 0 && cpus <= maxCpus)) {
    throw new AppError('InvalidInput', `This host has ${String(maxCpus)} CPUs. Choose more than 0 and at most that.`);
  }
  if (!(memoryBytes > 0 && memoryBytes <= maxMemoryBytes)) {
    throw new AppError(
      'InvalidInput',
      `This host has ${String(Math.floor(maxMemoryBytes / 2 ** 30))} GiB of memory. Choose at most that.`,
    );
  }
}
