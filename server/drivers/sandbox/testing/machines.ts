import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ComputeDriver, MachineSpec } from '../../../environments/compute-driver.ts';
import { systemClock } from '../../../plumbing/clock.ts';
import { createSandboxDriver, type SandboxOptions } from '../sandbox-driver.ts';

/** The directory of the agent that runs what a test asks for. */
export const probeAgent = fileURLToPath(new URL('agent', import.meta.url));

/** A data directory of its own with a driver over it; whatever runs in it ends with it. */
export async function createTestSandbox(changes: Partial<SandboxOptions> = {}) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-sandbox-'));
  const options: SandboxOptions = {
    dataDirectory: root,
    agentBundle: probeAgent,
    nodeBinary: process.execPath,
    kernelsManifest: path.join(root, 'kernels.json'),
    clock: systemClock,
    ...changes,
  };
  const make = () => createSandboxDriver(options);
  const sandbox = make();
  return {
    ...sandbox,
    root,
    options,
    make,
    async newSpec(more: Partial<MachineSpec> = {}): Promise<MachineSpec> {
      const diskId = more.diskId ?? `d${randomBytes(6).toString('hex')}`;
      if (more.diskId === undefined) await sandbox.disks.create({ id: diskId, sizeBytes: 256 * 2 ** 20 });
      return {
        id: `m${randomBytes(6).toString('hex')}`,
        image: 'machine',
        cpus: 1,
        memoryBytes: 512 * 2 ** 20,
        bootDiskBytes: 256 * 2 ** 20,
        agent: { secret: randomBytes(16).toString('hex'), environmentVariables: {}, warmKernel: null },
        ...more,
        diskId,
      };
    },
    async startNew(more: Partial<MachineSpec> = {}): Promise<MachineSpec> {
      const spec = await this.newSpec(more);
      await sandbox.compute.create(spec);
      await sandbox.compute.start(spec);
      await answers(sandbox.compute, spec);
      return spec;
    },
    async firstPid(id: string): Promise<number> {
      const noted: unknown = JSON.parse(
        await fs.readFile(path.join(options.dataDirectory, 'machines', id, 'process.json'), 'utf8'),
      );
      return Number(noted !== null && typeof noted === 'object' && 'pid' in noted ? noted.pid : Number.NaN);
    },
    async dispose(): Promise<void> {
      for (const { id } of await sandbox.compute.list()) await sandbox.compute.delete(id);
      await fs.rm(root, { recursive: true });
    },
  };
}

export type TestSandbox = Awaited<ReturnType<typeof createTestSandbox>>;

export async function ask(compute: ComputeDriver, spec: MachineSpec, route: string, body = ''): Promise<string> {
  const address = await compute.address(spec.id);
  if (address === null || !('socketPath' in address)) throw new Error(`Machine ${spec.id} does not run.`);
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${spec.agent.secret}` };
    const request = http.request(
      { socketPath: address.socketPath, method: 'POST', path: route, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          resolve(text);
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Runs a shell script inside the machine, as the person inside. */
export async function run(
  compute: ComputeDriver,
  spec: MachineSpec,
  script: string,
): Promise<{ code: number | string; output: string }> {
  const answer: unknown = JSON.parse(await ask(compute, spec, '/run', script));
  if (answer === null || typeof answer !== 'object' || !('output' in answer) || !('code' in answer))
    throw new Error('No answer.');
  return {
    code: typeof answer.code === 'number' ? answer.code : String(answer.code),
    output: String(answer.output).trim(),
  };
}

/** Waits until the agent answers. */
export async function answers(compute: ComputeDriver, spec: MachineSpec): Promise<void> {
  await eventually(async () => {
    await ask(compute, spec, '/agent/health');
  });
}

/** Repeats a check until it no longer throws, for at most ten seconds. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
