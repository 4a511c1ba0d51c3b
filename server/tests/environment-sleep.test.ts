import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Environment } from '@terrarium/contract';
import {
  createInstallation,
  freePort,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { putNotebook } from '../testing/live-notebook.ts';
import { jupyterSettings, kernelManager, run } from '../testing/jupyter-client.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterEach(async () => {
  await removeMachines(plane.client);
});

afterAll(async () => {
  await installation.remove();
});

async function createAwake(): Promise<Environment> {
  const body = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 };
  const made = await plane.client.createEnvironment({ params: workspace, body });
  return untilStatus(plane.client, made, 'Running');
}

async function putToSleep(environment: Environment): Promise<Environment> {
  await plane.client.sleepEnvironment({ params: paramsOf(environment) });
  return untilStatus(plane.client, environment, 'Asleep');
}

/** GET at the door, as JupyterLab asks again and again. */
async function listed(what: string): Promise<{ id?: string; name?: string }[]> {
  const { baseUrl, token } = jupyterSettings(plane, workspace.namespace, workspace.name);
  const response = await fetch(`${baseUrl}api/${what}`, { headers: { authorization: `token ${token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as { id?: string; name?: string }[];
}

test('what sleeps keeps every variable, is asked for less money, and wakes when a cell is run', async () => {
  const environment = await createAwake();
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = await manager.startNew({ name: 'python3' });
  await run(kernel, 'import threading; kept = 41; count = 0');
  await run(
    kernel,
    'def tick():\n  global count\n  import time\n  while True:\n    count += 1\n    time.sleep(0.01)\nthreading.Thread(target=tick, daemon=True).start()',
  );
  const asleep = await putToSleep(environment);
  expect(asleep.cost.perHourNow).toBeCloseTo(asleep.cost.perHourAsleep, 10);
  expect(asleep.cost.perHourAsleep).toBeLessThan(asleep.cost.perHourRunning);
  expect(asleep.cost.perHourAsleep).toBeGreaterThan(asleep.cost.perHourPaused);

  const before = performance.now();
  const text = await run(kernel, 'kept += 1; print(kept)');
  expect(text).toBe('42\n');
  expect(performance.now() - before).toBeLessThan(10_000);
  const awake = await untilStatus(plane.client, environment, 'Running');
  expect(awake.operations.at(-1)).toMatchObject({ kind: 'wake', outcome: 'done', reason: 'Somebody used it.' });
  // The thread did not run meanwhile, and goes on now.
  await putToSleep(environment);
  await plane.client.wakeEnvironment({ params: paramsOf(environment) });
  await untilStatus(plane.client, environment, 'Running');
  const first = Number(await run(kernel, 'print(count)'));
  await untilTrue(async () => Number(await run(kernel, 'print(count)')) > first, 'the thread goes on');
  await kernel.shutdown();
  manager.dispose();
});

test('to look does not wake it; a terminal, a new kernel and a written file do', async () => {
  const environment = await createAwake();
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = await manager.startNew({ name: 'python3' });
  await run(kernel, '1');
  await putToSleep(environment);
  expect((await listed('kernels')).map(({ id }) => id)).toEqual([kernel.id]);
  expect(await listed(`kernels/${kernel.id}`)).toMatchObject({ id: kernel.id });
  expect(await listed('terminals')).toEqual([]);
  expect(await listed('sessions')).toEqual([]);
  const { status } = await plane.client.getEnvironment({ params: paramsOf(environment) });
  expect(status).toBe('Asleep');

  const { baseUrl, token } = jupyterSettings(plane, workspace.namespace, workspace.name);
  const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
  const terminal = await fetch(`${baseUrl}api/terminals`, { method: 'POST', headers });
  expect(terminal.status).toBe(200);
  await untilStatus(plane.client, environment, 'Running');
  await putToSleep(environment);
  expect(await listed('terminals')).toHaveLength(1);
  const another = await manager.startNew({ name: 'python3' });
  expect(await run(another, 'print("awake")')).toBe('awake\n');
  await putToSleep(environment);
  const body = JSON.stringify({ type: 'file', format: 'text', content: 'written' });
  const put = await fetch(`${baseUrl}api/contents/kept.txt`, { method: 'PUT', headers, body });
  expect([put.status, await put.text()]).toEqual([201, expect.any(String)]);
  await untilStatus(plane.client, environment, 'Running');
  manager.dispose();
});

test('a request to a program in it wakes it', async () => {
  const environment = await createAwake();
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = await manager.startNew({ name: 'python3' });
  const port = String(await freePort());
  await run(
    kernel,
    `import subprocess, sys; subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "${port}"])`,
  );
  const { baseUrl, token } = jupyterSettings(plane, workspace.namespace, workspace.name);
  const ask = () => fetch(`${baseUrl}proxy/${port}/`, { headers: { authorization: `token ${token}` } });
  await untilTrue(async () => (await ask()).status === 200, 'the program answers');
  await putToSleep(environment);
  expect((await ask()).status).toBe(200);
  await untilStatus(plane.client, environment, 'Running');
  manager.dispose();
});

test('it sleeps on through kill -9 of the control plane, and can be paused and deleted in its sleep', async () => {
  const environment = await createAwake();
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = await manager.startNew({ name: 'python3' });
  await run(kernel, 'kept = 1');
  await putToSleep(environment);
  const { id } = kernel;
  manager.dispose();
  await plane.kill();
  plane = await installation.start();
  expect((await plane.client.getEnvironment({ params: paramsOf(environment) })).status).toBe('Asleep');
  expect((await listed('kernels')).map((one) => one.id)).toEqual([id]);
  const again = kernelManager(plane, workspace.namespace, workspace.name);
  await again.ready;
  const same = again.connectTo({ model: { id, name: 'python3' } });
  expect(await run(same, 'print(kept)')).toBe('1\n');
  same.dispose();
  again.dispose();

  await putToSleep(await untilStatus(plane.client, environment, 'Running'));
  await plane.client.stopEnvironment({ params: paramsOf(environment), query: {} });
  await untilStatus(plane.client, environment, 'Stopped');
  await plane.client.startEnvironment({ params: paramsOf(environment) });
  await putToSleep(await untilStatus(plane.client, environment, 'Running'));
  await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
  await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'it is gone');
});

test('a cell that runs while its environment is put to sleep goes on when it wakes', async () => {
  const environment = await createAwake();
  const params = { ...workspace, path: 'slow.ipynb' };
  await putNotebook(plane, params, ['import time\nfor i in range(20):\n  time.sleep(0.1)\nprint("through")']);
  const started = await plane.client.startRun({ params, body: {} });
  const look = () => plane.client.getRun({ params: { ...params, run: started.run } });
  await untilTrue(async () => (await look()).status === 'running', 'the cell runs');
  await putToSleep(environment);
  expect((await look()).status).toBe('running');
  await plane.client.wakeEnvironment({ params: paramsOf(environment) });
  await untilTrue(async () => (await look()).status === 'succeeded', 'the cell went through');
});
