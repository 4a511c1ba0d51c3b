import { mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Kernel, KernelManager } from '@jupyterlab/services';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createClient, type Client, type Environment } from '@terrarium/contract';
import { readConfig } from '../config.ts';
import { machineDrivers } from '../machine-drivers.ts';
import { systemClock } from '../plumbing/clock.ts';
import { createLog } from '../plumbing/log.ts';
import { startServer, type RunningServer } from '../server.ts';
import { freePort, paramsOf, removeMachines, untilStatus, untilTrue } from '../testing/control-plane.ts';
import { kernelManager, run } from '../testing/jupyter-client.ts';
import { putNotebook } from '../testing/live-notebook.ts';

/** Real environments and kernels, and a clock of the control plane that can be put forward. */
const workspace = { namespace: 'my-project', name: 'getting-started' };
const minuteMs = 60_000;
let directory: string;
let server: RunningServer;
let client: Client;
let manager: KernelManager;
let environment: Environment;
let kernel: Kernel.IKernelConnection;
let aheadMs = 0;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-autopause-'));
  const clock = { now: () => systemClock.now() + aheadMs };
  const port = String(await freePort());
  const config = readConfig({ TERRARIUM_PORT: port, TERRARIUM_DATA: directory, USER: 'owner' }, '/');
  const drivers = machineDrivers(directory, clock);
  server = await startServer({ config, log: createLog({ level: 'silent' }), clock, drivers });
  client = createClient({ baseUrl: server.url, token: server.token });
});

beforeEach(async () => {
  const body = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1, sleepMinutes: 10, autopauseMinutes: 30 };
  environment = await untilStatus(client, await client.createEnvironment({ params: workspace, body }), 'Running');
  manager = kernelManager(door(), workspace.namespace, workspace.name);
  kernel = await manager.startNew({ name: 'python3' });
  await run(kernel, 'kept = 1');
  await rest();
});

afterEach(async () => {
  manager.dispose();
  await removeMachines(client);
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const door = () => ({ url: server.url, token: server.token, client });
const look = (): Promise<Environment> => client.getEnvironment({ params: paramsOf(environment) });
const until = (status: Environment['status']): Promise<Environment> => untilStatus(client, environment, status);

/** Lets minutes pass, and autopause look twice: what has just begun shows at the second look. */
async function pass(minutes: number): Promise<void> {
  aheadMs += minutes * minuteMs;
  await server.context.meter.sweep();
  await server.context.meter.sweep();
}

/** Until nothing is at work any more: on a busy machine what has just ended may show for another look. */
async function rest(): Promise<void> {
  await untilTrue(async () => {
    await server.context.meter.sweep();
    return (await look()).busyReasons.length === 0;
  }, 'nothing is at work');
}

/** Starts a cell that is still at work when this resolves. */
async function begin(code: string): Promise<void> {
  kernel.requestExecute({ code });
  await untilTrue(async () => {
    await server.context.meter.sweep();
    return (await look()).busyReasons.length > 0;
  }, 'the kernel is busy');
}

test('idle it sleeps first, is paused later, and says why in its timeline', async () => {
  await pass(0);
  const awake = await look();
  expect(awake.busyReasons).toEqual([]);
  expect(awake.sleepsAt).not.toBeNull();
  expect(Date.parse(awake.pausesAt ?? '') - Date.parse(awake.sleepsAt ?? '')).toBe(20 * minuteMs);
  await pass(11);
  const asleep = await until('Asleep');
  expect(asleep.reason).toMatch(/^Asleep after 1\d minutes without activity\./);
  expect(asleep.operations.at(-1)).toMatchObject({ kind: 'sleep', outcome: 'done', reason: asleep.reason });
  await pass(20);
  const paused = await until('Stopped');
  expect(paused.reason).toMatch(/^Paused after 3\d minutes without activity\./);
  expect(paused.operations.at(-1)).toMatchObject({ kind: 'stop', outcome: 'done', reason: paused.reason });
});

test('a cell that sleeps in silence keeps it awake for hours', async () => {
  await begin('import time; time.sleep(600)');
  await pass(31);
  await pass(300);
  expect(await look()).toMatchObject({ status: 'Running', sleepsAt: null, pausesAt: null });
  await kernel.interrupt();
});

test('a job left by nohup keeps it awake, until it has ended', async () => {
  await run(
    kernel,
    'import subprocess; subprocess.run("nohup sleep 300 >/dev/null 2>&1 & echo $! > ~/pid", shell=True)',
  );
  await pass(31);
  expect(await look()).toMatchObject({ status: 'Running' });
  expect((await look()).busyReasons.join()).toContain('sleep');
  await run(kernel, 'import os; os.kill(int(open("/home/jupyter/pid").read()), 9)');
  await rest();
  await pass(11);
  await until('Asleep');
});

test('what was edited a moment ago is not idle', async () => {
  await pass(9);
  await putNotebook(door(), { ...workspace, path: 'edited.ipynb' }, ['1']);
  await pass(5);
  expect((await look()).status).toBe('Running');
  await pass(11);
  await until('Asleep');
});

test('a check that fails never pauses', async () => {
  // Its agent cannot be reached for a while; nothing is at work in it.
  const socket = path.join(directory, 'machines', environment.id, 'run', 'agent.sock');
  await rename(socket, `${socket}.away`);
  await pass(600);
  expect(await look()).toMatchObject({ status: 'Running', busyReasons: [], sleepsAt: null, pausesAt: null });
  await rename(`${socket}.away`, socket);
  await pass(0);
  await until('Stopped');
});

test('it is kept running until the moment that was asked for', async () => {
  const untilMs = systemClock.now() + aheadMs + 120 * minuteMs;
  const kept = await client.keepEnvironmentRunning({
    params: paramsOf(environment),
    body: { until: new Date(untilMs).toISOString() },
  });
  expect(kept.keepRunningUntil).not.toBeNull();
  await pass(100);
  expect((await look()).status).toBe('Running');
  await pass(21);
  await until('Stopped');
});

test('asked to pause when this cell ends, it pauses then, and not before', async () => {
  await begin('import time; time.sleep(600)');
  await client.stopEnvironment({ params: paramsOf(environment), query: { when: 'idle' } });
  expect((await look()).pausesWhenIdle).toBe(true);
  await pass(1);
  expect((await look()).status).toBe('Running');
  await kernel.interrupt();
  await untilTrue(async () => {
    await server.context.meter.sweep();
    return (await look()).status === 'Stopped';
  }, 'it is paused');
  expect((await look()).reason).toBe('Paused as you asked: what was running has ended.');
});
