import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import type { ComputeDriver, MachineFact, MachineSpec } from '../../environments/compute-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Abilities } from './abilities.ts';
import { outOfMemoryKills, processesIn, removeGroups, type Cgroups, type MachineGroups } from './cgroups.ts';
import { systemPath } from './command.ts';
import { describeSandbox, limitsOfHost } from './description.ts';
import type { DiskUse, SandboxDisks } from './disks.ts';
import { exitReason } from './exit-reason.ts';
import { makeImage, smallestImageBytes } from './images.ts';
import { insideUser, markerVariable } from './inside.ts';
import type { KeyedLock } from '../../plumbing/keyed-lock.ts';
import { launcherExit } from './launch-script.ts';
import { prepareLaunch } from './launch.ts';
import {
  FirstProcess,
  Launch,
  isId,
  machinePaths,
  makeRunDirectory,
  readJson,
  requireId,
  writeDurably,
  type MachinePaths,
} from './machine-files.ts';
import { agentProcess, directoriesWithProcesses, endAll, firstProcess, outsideProcesses } from './machine-processes.ts';
import { settleOwnership } from './ownership.ts';
import { bootId, readProcess, signal, until, type ProcessFact } from './processes.ts';
import { removeTree } from './remove-tree.ts';
import { readStatus } from './status-file.ts';

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

const launchTimeoutMs = 20_000;

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
  const pathsOf = (id: string): MachinePaths => machinePaths(machinesDirectory, id);
  const turn = <R>(id: string, work: () => Promise<R>): Promise<R> => inTurn(`machine ${id}`, work);

  /** The machine's first process, alive now, or null. Notes it when a crash kept that from being done. */
  async function running(paths: MachinePaths): Promise<ProcessFact | null> {
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

  async function inspect(id: string): Promise<MachineFact> {
    if (!isId(id)) return { id, state: 'absent' };
    const paths = pathsOf(id);
    if (!(await exists(paths.directory))) return { id, state: 'absent' };
    const first = await running(paths);
    const launch = await readJson(paths.launch, Launch);
    if (first !== null) return { id, state: 'running', startedAt: new Date(launch?.startedAt ?? 0) };
    // Without a first process ever seen, the start did not come to its end: nothing ended by itself.
    const everRan = (await exists(paths.process)) || (await readStatus(paths.status)).started;
    if (launch === null || launch.stopping || !everRan) return { id, state: 'stopped', exit: null };
    const exit = exitReason({
      hostRestarted: launch.bootId !== bootId(),
      exitCode: (await readStatus(paths.status)).exitCode,
      outOfMemoryKills: outOfMemoryKills(launch.memoryEvents),
      memoryBytes: launch.memoryBytes,
    });
    return { id, state: 'stopped', exit };
  }

  async function attachment(diskId: string): ReturnType<DiskUse['attachment']> {
    for (const id of await knownIds()) {
      const paths = pathsOf(id);
      const launch = await readJson(paths.launch, Launch);
      if (launch?.diskId !== diskId || (await running(paths)) === null) continue;
      const mountedBy = outsideProcesses(paths.directory).flatMap((one) =>
        one.namespacePids.length === 1 ? [one.pid] : [],
      );
      return { machineId: id, mountedBy, mountPoint: path.join(paths.mounts, 'disk') };
    }
    return null;
  }

  async function knownIds(): Promise<string[]> {
    return (await fs.readdir(machinesDirectory)).filter(isId);
  }

  async function create(spec: MachineSpec): Promise<void> {
    requireSpec(spec);
    await turn(spec.id, async () => {
      const paths = pathsOf(spec.id);
      if (await exists(paths.directory)) return;
      const { images } = await options.abilities();
      const making = machinePaths(machinesDirectory, `.making-${spec.id}`);
      await removeTree(making.directory);
      await fs.mkdir(making.directory, { recursive: true, mode: 0o700 });
      for (const name of ['disk', 'boot', 'local']) await fs.mkdir(path.join(making.mounts, name), { recursive: true });
      await fs.writeFile(making.lock, '', { mode: 0o600 });
      if (images) await makeImage(making.bootImage, Math.max(spec.bootDiskBytes, smallestImageBytes));
      else await fs.mkdir(making.bootDirectory, { mode: 0o755 });
      await writeDurably(making.spec, JSON.stringify(spec));
      await fs.rename(making.directory, paths.directory);
    });
  }

  async function start(spec: MachineSpec): Promise<void> {
    requireSpec(spec);
    await turn(spec.id, () => inTurn(`disk ${spec.diskId}`, () => startInTurn(spec)));
  }

  async function startInTurn(spec: MachineSpec): Promise<void> {
    const paths = pathsOf(spec.id);
    if (!(await exists(paths.directory))) {
      throw new AppError('NotPossibleNow', `Machine '${spec.id}' has no boot disk. Create it before starting it.`);
    }
    if ((await running(paths)) !== null) return;
    // A control plane that was killed in the middle of a start may have left one on its way.
    await until(
      () =>
        outsideProcesses(paths.directory).length === 0 ||
        firstProcess(outsideProcesses(paths.directory), paths) !== null,
      5000,
    );
    if ((await exists(paths.launch)) && (await running(paths)) !== null) return;
    await clear(paths);

    const disk = isId(spec.diskId) ? await options.disks().volume(spec.diskId) : null;
    if (disk === null)
      throw new AppError(
        'NotPossibleNow',
        `Disk '${spec.diskId}' does not exist. Create it before starting the machine.`,
      );
    const attached = await attachment(spec.diskId);
    if (attached !== null) throw diskInUse(spec.diskId, attached.machineId);
    const abilities = await options.abilities();
    if ('image' in disk.volume && !abilities.images) {
      throw new AppError(
        'DriverUnavailable',
        `Disk '${spec.diskId}' is an image that cannot be mounted here now. Start Terrarium as root on a machine with loop devices.`,
      );
    }

    const launch: Launch = {
      startedAt: settings.clock.now(),
      bootId: bootId(),
      diskId: spec.diskId,
      memoryBytes: spec.memoryBytes,
      cgroups: [],
      memoryEvents: null,
      stopping: false,
    };
    await writeDurably(paths.launch, JSON.stringify(launch));
    await fs.writeFile(paths.spec, JSON.stringify(spec), { mode: 0o600 });
    const groups = makeGroups(spec);
    await writeDurably(
      paths.launch,
      JSON.stringify({ ...launch, cgroups: groups.directories, memoryEvents: groups.memoryEvents }),
    );
    const home = 'directory' in disk.volume ? [disk.volume.directory] : [];
    await settleOwnership([...home, path.join(paths.bootDirectory, 'state')], abilities);
    makeRunDirectory(paths);
    if (abilities.isolation === 'root') await fs.chown(paths.run, insideUser.uid, insideUser.gid);
    await prepareLaunch({ spec, paths, abilities, settings, disk, groups, etc: options.etc });
    await launchAndWait(spec, paths, abilities);
  }

  function makeGroups(spec: MachineSpec): MachineGroups {
    try {
      return options
        .cgroups()
        .make(spec.id, { cpus: spec.cpus, memoryBytes: spec.memoryBytes, processes: settings.processLimit });
    } catch (error) {
      throw new AppError('DriverUnavailable', `The limits of machine '${spec.id}' could not be set. Try again.`, {
        cause: error,
      });
    }
  }

  async function launchAndWait(spec: MachineSpec, paths: MachinePaths, abilities: Abilities): Promise<void> {
    const script = ['/bin/sh', paths.script];
    const [program = '', ...args] =
      abilities.isolation === 'root' ? ['unshare', '--mount', '--propagation', 'private', ...script] : script;
    // In a session of its own, so that Ctrl-C and the end of the control plane pass it by.
    const child = spawn(program, args, {
      detached: true,
      stdio: 'ignore',
      cwd: '/',
      env: { PATH: systemPath, LANG: 'C', [markerVariable]: paths.directory },
    });
    let ended: number | null = null;
    child.once('exit', (code) => {
      ended = code ?? -1;
    });
    child.once('error', () => {
      ended = -1;
    });
    child.unref();

    const end = performance.now() + launchTimeoutMs;
    for (let status = await readStatus(paths.status); ; status = await readStatus(paths.status)) {
      if (status.started && status.childPid !== null) {
        const first = readProcess(status.childPid);
        if (first !== null) return noteFirst(paths, first);
        // It started and ended at once; inspect tells why.
        if (status.exitCode !== null) return;
      }
      if (ended === launcherExit.diskAttached) {
        await clear(paths);
        throw diskInUse(spec.diskId, null);
      }
      if (ended === launcherExit.machineRuns) {
        throw new AppError(
          'DriverUnavailable',
          `Machine '${spec.id}' is being started by another control plane. Try again.`,
        );
      }
      if (ended !== null || status.exitCode !== null || performance.now() > end) break;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const why = (await tail(paths.log, 500)).trim().split('\n').at(-1) ?? '';
    await clear(paths);
    throw new AppError(
      'DriverUnavailable',
      `Machine '${spec.id}' could not be started${why === '' ? '' : `: ${why.replace(/\.$/, '')}`}.`,
    );
  }

  /** Ends every process and removes whatever a launch left, but the boot disk and the log. */
  async function clear(paths: MachinePaths, known: readonly ProcessFact[] = []): Promise<void> {
    const launch = await readJson(paths.launch, Launch);
    // Those that were noted may be elsewhere than new ones would be; those of a machine whose notes are lost are not noted.
    const here = options.cgroups().directoriesOf(path.basename(paths.directory));
    const groups = [...new Set([...(launch?.cgroups ?? []), ...here])];
    if (!(await endAll(paths.directory, known, () => processesIn(groups)))) {
      throw new AppError(
        'DriverUnavailable',
        `Some processes of machine '${path.basename(paths.directory)}' do not end. Try again.`,
      );
    }
    await removeGroups(groups);
    for (const file of [paths.socket, paths.status, paths.process, paths.launch]) await fs.rm(file, { force: true });
  }

  async function stop(id: string, { graceMs }: { graceMs: number }): Promise<void> {
    if (!isId(id)) return;
    await turn(id, async () => {
      const paths = pathsOf(id);
      if (!(await exists(paths.directory))) return;
      const launch = await readJson(paths.launch, Launch);
      if (launch !== null) await writeDurably(paths.launch, JSON.stringify({ ...launch, stopping: true }));
      const first = await running(paths);
      const agent = first === null ? null : agentProcess(first);
      const known = outsideProcesses(paths.directory);
      if (first !== null && agent !== null) {
        signal(agent, 'SIGTERM');
        await until(() => readProcess(first.pid)?.startTicks !== first.startTicks, graceMs);
      }
      await clear(paths, known);
    });
  }

  async function remove(id: string): Promise<void> {
    if (!isId(id)) return;
    await turn(id, async () => {
      const paths = pathsOf(id);
      const launch = await readJson(paths.launch, Launch);
      if (launch !== null) await writeDurably(paths.launch, JSON.stringify({ ...launch, stopping: true }));
      await clear(paths);
      if (path.dirname(paths.run) !== paths.directory) {
        await fs.rm(paths.run, { recursive: true, force: true });
        // Shared with other machines: goes with the last one.
        await fs.rmdir(path.dirname(paths.run)).catch(() => undefined);
      }
      const trash = path.join(machinesDirectory, `.deleting-${id}`);
      await removeTree(trash);
      if (await exists(paths.directory)) await fs.rename(paths.directory, trash);
      await removeTree(trash);
    });
  }

  const driver: ComputeDriver = {
    name: 'sandbox',
    describe: async () => describeSandbox(settings.kernelsManifest, await options.abilities(), options.cgroups()),
    inspect,
    create,
    start,
    stop,
    delete: remove,
    async list() {
      const orphans = [...directoriesWithProcesses(machinesDirectory)].map((directory) => path.basename(directory));
      const known = await knownIds();
      const facts = await Promise.all(known.map(inspect));
      // Processes whose directory is gone: they have no boot disk, and a delete ends them.
      const lost = orphans.filter((id) => isId(id) && !known.includes(id));
      return [
        ...facts.filter((fact) => fact.state !== 'absent'),
        ...lost.map((id) => ({ id, state: 'running', startedAt: new Date(0) }) as const),
      ];
    },
    async address(id) {
      if (!isId(id)) return null;
      const paths = pathsOf(id);
      return (await running(paths)) === null ? null : { socketPath: paths.socket };
    },
    async logs(id) {
      if (!isId(id)) return '';
      const { log } = pathsOf(id);
      return ((await tail(`${log}.old`, 64 * 1024)) + (await tail(log, 64 * 1024))).slice(-64 * 1024);
    },
  };
  return { driver, use: { attachment } };
}

function requireSpec(spec: MachineSpec): void {
  requireId(spec.id);
  const { maxCpus, maxMemoryBytes } = limitsOfHost();
  if (spec.image !== 'machine')
    throw new AppError('InvalidInput', `There is no image '${spec.image}' here. Choose 'machine'.`);
  if (!(spec.cpus > 0 && spec.cpus <= maxCpus)) {
    throw new AppError('InvalidInput', `This host has ${String(maxCpus)} CPUs. Choose more than 0 and at most that.`);
  }
  if (!(spec.memoryBytes > 0 && spec.memoryBytes <= maxMemoryBytes)) {
    throw new AppError(
      'InvalidInput',
      `This host has ${String(Math.floor(maxMemoryBytes / 2 ** 30))} GiB of memory. Choose at most that.`,
    );
  }
}

function diskInUse(diskId: string, machineId: string | null): AppError {
  const whom = machineId === null ? 'another running machine' : `the running machine '${machineId}'`;
  return new AppError('NotPossibleNow', `Disk '${diskId}' is attached to ${whom}. Stop that one first.`);
}

async function exists(file: string): Promise<boolean> {
  return (await fs.lstat(file).catch(() => null)) !== null;
}

async function tail(file: string, bytes: number): Promise<string> {
  const handle = await fs.open(file, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await handle.close();
  }
}
