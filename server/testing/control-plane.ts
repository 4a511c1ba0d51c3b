import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createClient, type Client, type Environment, type EnvironmentStatus } from '@terrarium/contract';

/** A control plane in a process of its own, as a person runs it. */
export interface ControlPlane {
  readonly url: string;
  readonly token: string;
  readonly dataDirectory: string;
  readonly client: Client;
  readonly process: ChildProcess;
  /** The link that was printed. */
  readonly signInUrl: string;
  /** SIGTERM, as Ctrl-C would; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** kill -9. */
  kill(): Promise<void>;
}

const main = path.resolve(import.meta.dirname, '../main.ts');
const readyWithinMs = 60_000;

/** Starts a control plane on a port and data directory, and waits until it says that it is ready. */
export async function startControlPlane(options: {
  dataDirectory: string;
  port: number;
  settings?: Record<string, string>;
  /** The user it runs as, where that is another than ours. */
  uid?: number;
  /** A program and its arguments that end by becoming what is given to them; Node itself where absent. */
  through?: readonly string[];
}): Promise<ControlPlane> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TERRARIUM_')));
  const [program, ...first] = [...(options.through ?? []), process.execPath];
  const child = spawn(program ?? process.execPath, [...first, main], {
    env: {
      ...inherited,
      TERRARIUM_PORT: String(options.port),
      TERRARIUM_DATA: options.dataDirectory,
      ...options.settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let printed = '';
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text;
  });
  const signInUrl = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`The control plane was not ready in time. It printed: ${printed}${problems}`));
    }, readyWithinMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const link = /^Terrarium is ready: (\S+)$/m.exec(printed)?.[1];
      if (link === undefined) return;
      clearTimeout(timer);
      resolve(link);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The control plane ended with ${String(code)}. It printed: ${printed}${problems}`));
    });
  });
  const facts: unknown = JSON.parse(await readFile(path.join(options.dataDirectory, 'server.json'), 'utf8'));
  // Written by the control plane under test; a wrong shape fails the story that reads it.
  const { url, token } = facts as { url: string; token: string };
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (hasEnded()) return child.exitCode;
    child.kill(signal);
    await once(child, 'exit');
    return child.exitCode;
  };
  return {
    url,
    token,
    dataDirectory: options.dataDirectory,
    client: createClient({ baseUrl: url, token }),
    process: child,
    signInUrl,
    stop: () => end('SIGTERM'),
    async kill() {
      await end('SIGKILL');
    },
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port could be had.');
  return address.port;
}

export interface Installation {
  readonly dataDirectory: string;
  readonly port: number;
  /** Starts a control plane on it; the one before must have ended. */
  start(settings?: Record<string, string>): Promise<ControlPlane>;
  /** Ends the control plane, every environment and every trace. */
  remove(): Promise<void>;
}

/** An empty data directory with a port of its own. */
export async function createInstallation(): Promise<Installation> {
  const dataDirectory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-'));
  const port = await freePort();
  let current: ControlPlane | undefined;
  const start = async (settings: Record<string, string> = {}): Promise<ControlPlane> => {
    current = await startControlPlane({ dataDirectory, port, settings });
    return current;
  };
  return {
    dataDirectory,
    port,
    start,
    async remove() {
      const isAlive = current !== undefined && current.process.exitCode === null && current.process.signalCode === null;
      const plane = isAlive && current !== undefined ? current : await start();
      await removeMachines(plane.client);
      await plane.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** Deletes every environment and every disk of the account, and waits until they are gone. */
export async function removeMachines(client: Client): Promise<void> {
  for (const environment of await client.listAllEnvironments()) {
    if (environment.status === 'Deleting') continue;
    await client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
  }
  await untilTrue(async () => (await client.listAllEnvironments()).length === 0, 'no environment is left');
  for (const disk of await client.listDisks()) {
    if (disk.attachedTo === null && disk.status !== 'Deleting') await client.deleteDisk({ params: { id: disk.id } });
  }
  await untilTrue(async () => (await client.listDisks()).length === 0, 'no disk is left');
}

export function paramsOf(environment: Environment): { namespace: string; name: string; environment: string } {
  const { namespace, name } = environment.workspace;
  return { namespace, name, environment: environment.id };
}

/** Waits for a condition, looking often; fails with its name when it does not come. */
export async function untilTrue(condition: () => Promise<boolean>, name: string, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${String(withinMs)} ms in vain until ${name}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until the environment has that status. */
export async function untilStatus(
  client: Client,
  environment: Environment,
  status: EnvironmentStatus,
): Promise<Environment> {
  let latest = environment;
  await untilTrue(async () => {
    latest = await client.getEnvironment({ params: paramsOf(environment) });
    if (latest.status === 'Error' && status !== 'Error')
      throw new Error(`The environment is in Error: ${latest.reason ?? ''}`);
    return latest.status === status;
  }, `environment ${environment.name} is ${status}`);
  return latest;
}
