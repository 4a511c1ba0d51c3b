import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Environment } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { commandLine, leftoversOf } from '../testing/leftovers.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterAll(async () => {
  await installation.remove();
  expect(await leftoversOf(installation.dataDirectory)).toEqual({ processes: [], mounts: [], loopDevices: [] });
});

/** Kills the control plane when `isMoment` says so, or after `longestMs`, and starts it again. */
async function killWhen(isMoment: (environment: Environment) => boolean, environment: Environment, longestMs = 3000) {
  const deadline = performance.now() + longestMs;
  while (performance.now() < deadline) {
    const now = await plane.client.getEnvironment({ params: paramsOf(environment) }).catch(() => undefined);
    if (now === undefined || isMoment(now)) break;
  }
  await plane.kill();
  plane = await installation.start();
}

const isAt = (step: string) => (environment: Environment) =>
  environment.timeline.some((entry) => entry.step === step && entry.outcome === 'running');

async function create(): Promise<Environment> {
  return plane.client.createEnvironment({ params: workspace, body: { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 } });
}

async function removeAll(environment: Environment): Promise<void> {
  await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
  await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
}

describe('kill -9 of the control plane', () => {
  test.each(['create-machine', 'start-machine', 'await-agent'])(
    'at %s while creating converges to Running',
    async (step) => {
      const environment = await create();
      await killWhen(isAt(step), environment);
      const running = await untilStatus(plane.client, environment, 'Running');
      expect(running.id).toBe(environment.id);
      expect(await agentsOf(environment.id)).toHaveLength(1);
      await removeAll(environment);
      expect(await agentsOf(environment.id)).toEqual([]);
    },
  );

  test('at once after the request is acknowledged loses nothing', async () => {
    const environment = await create();
    await plane.kill();
    plane = await installation.start();
    await untilStatus(plane.client, environment, 'Running');
    await plane.client.stopEnvironment({ params: paramsOf(environment) });
    await plane.kill();
    plane = await installation.start();
    await untilStatus(plane.client, environment, 'Stopped');
    await plane.client.startEnvironment({ params: paramsOf(environment) });
    await plane.kill();
    plane = await installation.start();
    await untilStatus(plane.client, environment, 'Running');
    await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
    await plane.kill();
    plane = await installation.start();
    await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
    await untilTrue(async () => (await plane.client.listDisks()).length === 0, 'the disk is gone');
  });

  test('at stop-machine, start-machine and delete-machine converges each time', async () => {
    const environment = await create();
    await untilStatus(plane.client, environment, 'Running');
    await plane.client.stopEnvironment({ params: paramsOf(environment) });
    await killWhen(isAt('stop-machine'), environment);
    await untilStatus(plane.client, environment, 'Stopped');
    expect(await agentsOf(environment.id)).toEqual([]);
    await plane.client.startEnvironment({ params: paramsOf(environment) });
    await killWhen((now) => now.status === 'Starting' && isAt('start-machine')(now), environment);
    await untilStatus(plane.client, environment, 'Running');
    expect(await agentsOf(environment.id)).toHaveLength(1);
    await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'false' } });
    await killWhen(isAt('delete-machine'), environment);
    await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
    expect(await agentsOf(environment.id)).toEqual([]);
    const [disk] = await plane.client.listDisks();
    expect(disk).toMatchObject({ status: 'Ready', attachedTo: null });
    await plane.client.deleteDisk({ params: { id: disk?.id ?? '' } });
    await untilTrue(async () => (await plane.client.listDisks()).length === 0, 'the disk is gone');
  });

  // The steps take milliseconds each, so evenly spread moments fall into all of them and between them.
  test.each([5, 15, 30, 50, 80, 120, 180])('%i ms after each request converges', async (afterMs) => {
    const killLater = async () => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await plane.kill();
      plane = await installation.start();
    };
    const environment = await create();
    await killLater();
    await untilStatus(plane.client, environment, 'Running');
    await plane.client.stopEnvironment({ params: paramsOf(environment) });
    await killLater();
    await untilStatus(plane.client, environment, 'Stopped');
    expect(await agentsOf(environment.id)).toEqual([]);
    await plane.client.startEnvironment({ params: paramsOf(environment) });
    await killLater();
    await untilStatus(plane.client, environment, 'Running');
    expect(await agentsOf(environment.id)).toHaveLength(1);
    await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
    await killLater();
    await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
    await untilTrue(async () => (await plane.client.listDisks()).length === 0, 'the disk is gone');
    expect(await agentsOf(environment.id)).toEqual([]);
  });
});

/** Agents that serve this environment: each machine has exactly one. A machine's host name is its environment's id. */
async function agentsOf(environmentId: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const [program = '', ...args] = (await commandLine(pid)).trim().split(' ');
    const config = args.at(-1) ?? '';
    if (!program.endsWith('/node') || args.at(-2)?.endsWith('/agent.mjs') !== true) continue;
    const hostName = await readFile(`/proc/${pid}/root/etc/hostname`, 'utf8').catch(() => '');
    if (hostName.trim() === environmentId || config.includes(environmentId)) found.push(pid);
  }
  return found;
}
