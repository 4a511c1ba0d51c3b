import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  createClient,
  AppError,
  type Client,
  type Environment,
  type EnvironmentCreate,
  type EnvironmentStatus,
} from '@terrarium/contract';
import * as z from 'zod';
import type { KernelHost } from '../kernel/first-result.ts';
import type { Run } from '../measure/benchmark.ts';
import { untilPrepared } from './prepared.ts';
import { freePort, startProcess, until, type RunningProcess } from '../measure/processes.ts';

export const root = path.resolve(import.meta.dirname, '../..');
const manifestFile = path.join(root, '.kernels/manifest.json');
const ServerFile = z.object({ url: z.string(), token: z.string(), pid: z.number() });
const Manifest = z.object({ kernelspecDirectories: z.array(z.string()) });

export interface Terrarium {
  /** By address, so that no look-up of `localhost` is measured. */
  readonly url: string;
  readonly authorization: string;
  /** The control plane's process. */
  readonly pid: number;
  readonly dataDirectory: string;
  readonly client: Client;
  readonly workspace: { readonly namespace: string; readonly name: string };
  /** Where programs reach the workspace's kernels. */
  readonly door: KernelHost;
  createEnvironment(name: string, more?: Omit<EnvironmentCreate, 'name'>): Promise<Environment>;
  /** Resolves with the environment as soon as it is seen in that status. */
  untilStatus(name: string, status: EnvironmentStatus): Promise<Environment>;
  /** With its disk; resolves when it is gone. */
  deleteEnvironment(name: string): Promise<void>;
  /** The same control plane seen from another workspace, which is made. */
  inNewWorkspace(name: string): Promise<Terrarium>;
}

/** Where the kernels that environments run are described, for peers to run the same ones. */
export function kernelspecDirectories(): string {
  requirePrepared();
  const { kernelspecDirectories: folders } = Manifest.parse(JSON.parse(readFileSync(manifestFile, 'utf8')));
  return folders.join(path.delimiter);
}

/** @throws Error when this checkout was never prepared */
function requirePrepared(): void {
  const missing = [manifestFile, path.join(root, 'agent/dist/agent.mjs')].find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new Error(`${path.relative(root, missing)} is missing. Run npm start once, end it, and run this again.`);
  }
}

/** What a control plane of a run is told. Nothing of the caller's own settings reaches it. */
export async function serverSettings(run: Run): Promise<{ TERRARIUM_PORT: string; TERRARIUM_DATA: string }> {
  return { TERRARIUM_PORT: String(await freePort()), TERRARIUM_DATA: path.join(run.directory, 'data') };
}

/**
 * Starts a control plane on an empty data folder, and deletes its environments with their disks at the end, and what it
 * has prepared.
 * @param options.script  relative to the repository; scripts/start.mjs is what npm start runs
 */
export async function startTerrarium(
  run: Run,
  options: { script?: string; args?: readonly string[]; settings?: Readonly<Record<string, string>> } = {},
): Promise<Terrarium> {
  const { script = 'server/main.ts', args = [], settings = {} } = options;
  requirePrepared();
  const own = await serverSettings(run);
  const start = (chosen: Readonly<Record<string, string>>): Promise<RunningProcess> =>
    startProcess(run, {
      name: 'terrarium',
      command: process.execPath,
      args: [path.join(root, script), ...args],
      cwd: root,
      env: { ...own, ...chosen },
    });
  const server = await start(settings);
  const terrarium = await connect(run, own.TERRARIUM_DATA, server);
  run.defer(async () => {
    await deleteEverything(terrarium.client, server);
    if (!('TERRARIUM_POOL' in settings)) return;
    await server.stop();
    const last = await start({});
    await untilPrepared(own.TERRARIUM_DATA, 0, { signal: AbortSignal.timeout(30_000), process: last });
    await last.stop();
  });
  return terrarium;
}

/** Resolves when server.json says that it is ready. */
export async function untilReady(
  run: Run,
  dataDirectory: string,
  server: RunningProcess,
  timeoutMs = 5 * 60_000,
): Promise<z.infer<typeof ServerFile>> {
  const file = path.join(dataDirectory, 'server.json');
  const { signal } = run;
  return until('Terrarium is ready', { signal, timeoutMs, everyMs: 10, process: server }, () =>
    existsSync(file) ? ServerFile.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined,
  );
}

async function connect(run: Run, dataDirectory: string, server: RunningProcess): Promise<Terrarium> {
  const ready = await untilReady(run, dataDirectory, server);
  const url = `http://127.0.0.1:${new URL(ready.url).port}`;
  const client = createClient({ baseUrl: url, token: ready.token });
  const [workspace] = await client.listWorkspaces();
  if (workspace === undefined) throw new Error('The first start made no workspace.');
  const facts = { url, authorization: `Bearer ${ready.token}`, pid: ready.pid, dataDirectory, client };
  return within(run, facts, { namespace: workspace.namespace, name: workspace.name });
}

function within(
  run: Run,
  facts: Pick<Terrarium, 'url' | 'authorization' | 'pid' | 'dataDirectory' | 'client'>,
  workspace: Terrarium['workspace'],
): Terrarium {
  const { signal } = run;
  const { url, authorization, client } = facts;
  const { namespace, name } = workspace;
  const environmentParams = (environment: string) => ({ params: { namespace, name, environment } });

  return {
    ...facts,
    workspace,
    door: { url: `${url}/jupyter/${namespace}/${name}`, authorization },
    createEnvironment: (environment, more) =>
      client.createEnvironment({ params: workspace, body: { name: environment, diskGiB: 1, ...more } }),
    untilStatus: (environment, status) =>
      until(`Environment ${environment} is ${status}`, { signal, timeoutMs: 60_000, everyMs: 10 }, async () => {
        const found = await client.getEnvironment(environmentParams(environment));
        if (found.status === 'Error') throw new Error(`Environment ${environment}: ${found.reason ?? 'Error'}`);
        return found.status === status ? found : undefined;
      }),
    async deleteEnvironment(environment) {
      await client.deleteEnvironment({ ...environmentParams(environment), query: { deleteDisk: 'true' } });
      await until(`Environment ${environment} is gone`, { signal, timeoutMs: 60_000 }, () =>
        isGone(() => client.getEnvironment(environmentParams(environment))),
      );
    },
    async inNewWorkspace(other) {
      const made = await client.createWorkspace({ body: { namespace, name: other, withExamples: false } });
      return within(run, facts, { namespace: made.namespace, name: made.name });
    },
  };
}

async function isGone(look: () => Promise<Environment>): Promise<true | undefined> {
  try {
    return (await look()).status === 'Deleted' ? true : undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NotFound') return true;
    throw error;
  }
}

async function deleteEverything(client: Client, server: RunningProcess): Promise<void> {
  if (server.ended() !== null) return;
  // Not the run's own signal, which may be why we are here.
  const limits = { signal: AbortSignal.timeout(30_000), timeoutMs: 30_000, everyMs: 50 };
  for (const { workspace, name: environment, status } of await client.listAllEnvironments()) {
    if (status === 'Deleting' || status === 'Deleted') continue;
    const { namespace, name } = workspace;
    await client.deleteEnvironment({ params: { namespace, name, environment }, query: { deleteDisk: 'true' } });
  }
  await until('Every environment is gone', limits, async () => {
    const left = (await client.listAllEnvironments()).filter(({ status }) => status !== 'Deleted');
    return left.length === 0 ? true : undefined;
  });
  for (const disk of await client.listDisks()) {
    if (disk.status === 'Ready' || disk.status === 'Failed') await client.deleteDisk({ params: { id: disk.id } });
  }
  await until('Every disk is gone', limits, async () => {
    const left = (await client.listDisks()).filter(({ status }) => status !== 'Deleted');
    return left.length === 0 ? true : undefined;
  });
}
