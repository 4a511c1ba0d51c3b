import fs from 'node:fs/promises';
import path from 'node:path';
import type { AgentConfig } from '@terrarium/contract/agent';
import type { MachineSpec } from '../../environments/compute-driver.ts';
import type { Abilities } from './abilities.ts';
import type { MachineGroups } from './machine-groups.ts';
import type { SandboxSettings } from './compute.ts';
import { inside, insideUser, markerVariable } from './inside.ts';
import { readKernelsManifest, type KernelsManifest } from './kernels-manifest.ts';
import { launchScript, type LaunchFacts, type Volume } from './launch-script.ts';
import type { MachinePaths } from './machine-files.ts';

/** Writes everything that the launcher reads: its script, the agent's configuration, and the machine's names. */
export async function prepareLaunch(facts: {
  spec: MachineSpec;
  paths: MachinePaths;
  abilities: Abilities;
  settings: SandboxSettings;
  disk: { volume: Volume; lock: string; sizeBytes: number };
  groups: MachineGroups;
  etc: () => Promise<string>;
}): Promise<void> {
  const { spec, paths, abilities, settings, disk, groups } = facts;
  const manifest = await readKernelsManifest(settings.kernelsManifest);
  const boot: Volume = (await isFile(paths.bootImage))
    ? { image: paths.bootImage }
    : { directory: paths.bootDirectory };
  await writeFresh(paths.hosts, `127.0.0.1 localhost ${spec.id}\n::1 localhost ip6-localhost ip6-loopback\n`, 0o644);
  await writeFresh(paths.hostname, `${spec.id}\n`, 0o644);

  let how: LaunchFacts['how'];
  if (abilities.isolation === 'plain') {
    const home = 'directory' in disk.volume ? disk.volume.directory : '';
    const state = path.join(paths.bootDirectory, 'state');
    await fs.mkdir(state, { recursive: true, mode: 0o700 });
    await writeAgentConfig(facts, manifest, { home, socket: paths.socket, state });
    const environment = { ...insideVariables(settings), [markerVariable]: paths.directory };
    how = { isolation: 'plain', home, nodeBinary: settings.nodeBinary, agentBundle: settings.agentBundle, environment };
  } else {
    await writeAgentConfig(facts, manifest, { home: insideUser.home, socket: inside.socket, state: inside.state });
    if (abilities.isolation === 'root') await fs.chown(paths.agentConfig, insideUser.uid, insideUser.gid);
    how = {
      isolation: abilities.isolation,
      boot,
      disk: disk.volume,
      view: {
        hostname: spec.id,
        etc: await facts.etc(),
        hosts: paths.hosts,
        hostnameFile: paths.hostname,
        run: paths.run,
        agentConfig: paths.agentConfig,
        agentBundle: settings.agentBundle,
        nodeBinary: await fs.realpath(settings.nodeBinary),
        kernelDirectories: await present(manifest.directories),
        groups: groups.view,
        dataDirectory: settings.dataDirectory,
        environment: settings.machineEnvironment,
      },
    };
  }
  const script = launchScript({ paths, diskLock: disk.lock, cgroups: groups.directories, how });
  await writeFresh(paths.script, script, 0o700);
}

async function writeAgentConfig(
  { spec, paths, disk }: { spec: MachineSpec; paths: MachinePaths; disk: { volume: Volume; sizeBytes: number } },
  manifest: KernelsManifest,
  places: { home: string; socket: string; state: string },
): Promise<void> {
  // Without mounts there is no /home/jupyter: what points there points to the disk's folder instead.
  const variables = Object.entries(spec.agent.environmentVariables).map(([name, value]) => [
    name,
    places.home === insideUser.home ? value : value.replaceAll(insideUser.home, places.home),
  ]);
  const config: AgentConfig = {
    environmentId: spec.id,
    secret: spec.agent.secret,
    listen: { socketPath: places.socket },
    home: places.home,
    stateDirectory: places.state,
    environmentVariables: Object.fromEntries(variables),
    kernelspecDirectories: manifest.kernelspecDirectories,
    warmKernel: spec.agent.warmKernel,
    unenforcedDiskBytes: 'directory' in disk.volume ? disk.sizeBytes : null,
  };
  await writeFresh(paths.agentConfig, JSON.stringify(config), 0o600);
}

/** What a plain process needs of the usual variables. */
function insideVariables(settings: SandboxSettings): Record<string, string> {
  const { PATH, LANG } = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };
  return { PATH, LANG, SHELL: '/bin/bash', ...settings.machineEnvironment };
}

/** Never writes into a file that is there: it may belong to somebody else by now. */
async function writeFresh(file: string, text: string, mode: number): Promise<void> {
  await fs.rm(file, { force: true });
  await fs.writeFile(file, text, { mode, flag: 'wx' });
}

async function present(directories: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    directories.map(async (directory) => ((await fs.stat(directory).catch(() => null)) === null ? [] : [directory])),
  );
  return found.flat();
}

async function isFile(file: string): Promise<boolean> {
  return (await fs.lstat(file).catch(() => null))?.isFile() === true;
}
