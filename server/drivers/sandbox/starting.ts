import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import type { Abilities } from './abilities.ts';
import { systemPath } from './command.ts';
import type { SandboxSettings } from './compute.ts';
import type { SandboxDisks } from './disks.ts';
import type { Ending } from './ending.ts';
import { insideUser, markerVariable } from './inside.ts';
import { launcherExit } from './launch-script.ts';
import { prepareLaunch } from './launch.ts';
import { exists, isId, makeRunDirectory, writeDurably, type Launch, type MachinePaths } from './machine-files.ts';
import type { MachineFacts } from './machine-facts.ts';
import type { Cgroups, MachineGroups } from './machine-groups.ts';
import { firstProcess, outsideProcesses } from './machine-processes.ts';
import { settleOwnership } from './ownership.ts';
import { bootId, readProcess, until } from './processes.ts';
import { readStatus } from './status-file.ts';
import { tail } from './tail.ts';

const launchTimeoutMs = 20_000;

/** Starts machines. One call at a time for each machine and for each disk. */
export function createStarting(options: {
  settings: SandboxSettings;
  abilities: () => Promise<Abilities>;
  cgroups: () => Cgroups;
  disks: () => SandboxDisks;
  etc: () => Promise<string>;
  facts: MachineFacts;
  ending: Ending;
}) {
  const { settings, facts, ending } = options;

  async function start(spec: MachineSpec): Promise<void> {
    const paths = facts.pathsOf(spec.id);
    if (!(await exists(paths.directory))) {
      throw new AppError('NotPossibleNow', `Machine '${spec.id}' has no boot disk. Create it before starting it.`);
    }
    if ((await facts.alive(paths)) !== null) return;
    // A control plane that was killed in the middle of a start may have left one on its way.
    await until(
      () =>
        outsideProcesses(paths.directory).length === 0 ||
        firstProcess(outsideProcesses(paths.directory), paths) !== null,
      5000,
    );
    if ((await exists(paths.launch)) && (await facts.alive(paths)) !== null) return;
    await facts.noteEnd(paths);
    await ending.clear(paths);

    const disk = isId(spec.diskId) ? await options.disks().volume(spec.diskId) : null;
    if (disk === null)
      throw new AppError(
        'NotPossibleNow',
        `Disk '${spec.diskId}' does not exist. Create it before starting the machine.`,
      );
    const attached = await facts.attachment(spec.diskId);
    if (attached !== null) throw diskInUse(spec.diskId, attached.machineId);
    const abilities = await options.abilities();
    if ('image' in disk.volume && !abilities.images) {
      throw new AppError(
        'DriverUnavailable',
        `Disk '${spec.diskId}' is an image that cannot be mounted here now. Start Terrarium as root on a machine with loop devices.`,
      );
    }

    const launch: Launch = {
      run: randomUUID(),
      startedAt: await facts.nextStart(paths),
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
        if (first !== null) return facts.noteFirst(paths, first);
        // It started and ended at once; inspect tells why.
        if (status.exitCode !== null) return;
      }
      if (ended === launcherExit.diskAttached) {
        await ending.clear(paths);
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
    await ending.clear(paths);
    throw new AppError(
      'DriverUnavailable',
      `Machine '${spec.id}' could not be started${why === '' ? '' : `: ${why.replace(/\.$/, '')}`}.`,
    );
  }

  return { start };
}

function diskInUse(diskId: string, machineId: string | null): AppError {
  const whom = machineId === null ? 'another running machine' : `the running machine '${machineId}'`;
  return new AppError('NotPossibleNow', `Disk '${diskId}' is attached to ${whom}. Stop that one first.`);
}
