import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../plumbing/clock.ts';
import type { DiskDriver, DiskFact } from '../../disks/disk-driver.ts';
import type { ComputeDriver, MachineFact } from '../../environments/compute-driver.ts';

/** Plain processes; replaced by the sandbox proper. */
export async function createSandboxDriver(options: {
  dataDirectory: string;
  agentBundle: string;
  nodeBinary: string;
  kernelsManifest: string;
  clock: Clock;
}): Promise<{ compute: ComputeDriver; disks: DiskDriver }> {
  const machines = path.join(options.dataDirectory, 'machines');
  const diskRoot = path.join(options.dataDirectory, 'disks');
  mkdirSync(machines, { recursive: true });
  mkdirSync(diskRoot, { recursive: true });
  const dir = (id: string) => path.join(machines, id);
  const pidOf = (id: string): number | null => {
    const file = path.join(dir(id), 'pid');
    if (!existsSync(file)) return null;
    const pid = Number(readFileSync(file, 'utf8'));
    return existsSync(`/proc/${String(pid)}`) ? pid : null;
  };
  const inspect = async (id: string): Promise<MachineFact> => {
    if (!existsSync(dir(id))) return { id, state: 'absent' };
    return pidOf(id) === null ? { id, state: 'stopped', exit: null } : { id, state: 'running', startedAt: new Date() };
  };
  const manifest = JSON.parse(readFileSync(options.kernelsManifest, 'utf8'));
  const compute: ComputeDriver = {
    name: 'sandbox',
    describe: async () => ({
      images: [{ reference: 'machine', title: 'This machine', description: 'Python and R of this machine', kernels: manifest.kernels.map(({ name, displayName, language }: { name: string; displayName: string; language: string }) => ({ name, displayName, language })), packages: manifest.packages, isDefault: true }],
      notes: [],
      maxCpus: 2,
      maxMemoryBytes: 20 * 1024 ** 3,
    }),
    inspect,
    create: async (spec) => {
      mkdirSync(dir(spec.id), { recursive: true });
    },
    start: async (spec) => {
      if (pidOf(spec.id) !== null) return;
      const config = path.join(dir(spec.id), 'agent.json');
      const socketPath = path.join(dir(spec.id), 'a.sock');
      rmSync(socketPath, { force: true });
      writeFileSync(config, JSON.stringify({ environmentId: spec.id, ...spec.agent, listen: { socketPath }, home: path.join(diskRoot, spec.diskId), stateDirectory: path.join(dir(spec.id), 'state'), kernelspecDirectories: manifest.kernelspecDirectories }), { mode: 0o600 });
      const log = openSync(path.join(dir(spec.id), 'log'), 'a');
      const child = spawn(options.nodeBinary, [path.join(options.agentBundle, 'agent.mjs'), config], { detached: true, stdio: ['ignore', log, log] });
      writeFileSync(path.join(dir(spec.id), 'pid'), String(child.pid));
      child.unref();
    },
    stop: async (id) => {
      const pid = pidOf(id);
      if (pid !== null) process.kill(pid, 'SIGTERM');
      while (pidOf(id) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    delete: async (id) => {
      await compute.stop(id, { graceMs: 0 });
      rmSync(dir(id), { recursive: true, force: true });
    },
    list: async () => Promise.all(readdirSync(machines).map(inspect)),
    address: async (id) => (pidOf(id) === null ? null : { socketPath: path.join(dir(id), 'a.sock') }),
    logs: async (id) => readFileSync(path.join(dir(id), 'log'), 'utf8'),
  };
  const disk = async (id: string): Promise<DiskFact> =>
    existsSync(path.join(diskRoot, id)) ? { id, state: 'ready', sizeBytes: 0, usedBytes: null } : { id, state: 'absent' };
  return {
    compute,
    disks: {
      name: 'sandbox',
      describe: async () => ({ notes: [] }),
      inspect: disk,
      create: async ({ id }) => {
        mkdirSync(path.join(diskRoot, id), { recursive: true });
      },
      resize: async () => undefined,
      delete: async (id) => {
        rmSync(path.join(diskRoot, id), { recursive: true, force: true });
      },
      list: async () => Promise.all(readdirSync(diskRoot).map(disk)),
    },
  };
}
