import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Environment, Kernel } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { kernelManager, run } from '../testing/jupyter-client.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;
let environment: Environment;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  const made = await plane.client.createEnvironment({
    params: workspace,
    body: { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 },
  });
  environment = await untilStatus(plane.client, made, 'Running');
});
afterAll(async () => {
  await installation.remove();
});

const list = () => plane.client.listKernels({ params: workspace });
const at = (kernel: string) => ({ params: { ...workspace, kernel } });
const find = async (id: string): Promise<Kernel | undefined> => (await list()).find((kernel) => kernel.id === id);

async function startSession(path: string, name: string): Promise<string> {
  const answer = await fetch(`${plane.url}/jupyter/${workspace.namespace}/${workspace.name}/api/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${plane.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ path, name: '', type: 'notebook', kernel: { name } }),
  });
  expect(answer.status).toBe(201);
  // A Jupyter session model.
  return ((await answer.json()) as { kernel: { id: string } }).kernel.id;
}

test('kernels are listed with what they serve, do and take, and are steered from outside JupyterLab', async () => {
  expect(await list()).toEqual([]);
  const python = await startSession('notebooks/deep/a.ipynb', 'python3');
  const r = await startSession('elsewhere/b.ipynb', 'ir');
  const manager = kernelManager(plane, workspace.namespace, workspace.name);
  const kernel = manager.connectTo({ model: { id: python, name: 'python3' } });
  expect(await run(kernel, 'keep = 6 * 7; print(keep)')).toBe('42\n');

  const listed = await find(python);
  expect(listed).toMatchObject({
    name: 'python3',
    displayName: 'Python 3',
    language: 'python',
    path: 'notebooks/deep/a.ipynb',
    notebook: 'deep/a.ipynb',
    execution: null,
    environment: { id: environment.id, name: environment.name },
  });
  expect(listed?.memoryBytes).toBeGreaterThan(10 * 1024 ** 2);
  expect(listed?.connections).toBeGreaterThan(0);
  expect(await find(r)).toMatchObject({ language: 'R', path: 'elsewhere/b.ipynb', notebook: null });

  const looping = run(kernel, 'import time\nwhile True: time.sleep(0.05)');
  await untilTrue(async () => (await find(python))?.state === 'busy', 'the kernel is busy');
  await untilTrue(async () => (await find(python))?.execution !== null, 'it is told since when');
  await plane.client.interruptKernel(at(python));
  expect(await looping).toContain('KeyboardInterrupt');
  expect(await run(kernel, 'print(keep)')).toBe('42\n');

  const restarted = await plane.client.restartKernel(at(python));
  expect(restarted).toMatchObject({ id: python, state: 'idle', notebook: 'deep/a.ipynb' });
  expect(await run(kernel, 'print("keep" in globals())')).toBe('False\n');

  await plane.client.shutDownKernel(at(python));
  expect((await list()).map(({ id }) => id)).toEqual([r]);
  for (const act of [plane.client.interruptKernel, plane.client.restartKernel, plane.client.shutDownKernel]) {
    await expect(act(at(python))).rejects.toMatchObject({ code: 'NotFound' });
    await expect(act(at('../../agent/health'))).rejects.toMatchObject({ code: 'NotFound' });
  }
  kernel.dispose();
  manager.dispose();
});

test('a paused environment has no kernels, and a kernel of before is not found', async () => {
  const [before] = await list();
  await plane.client.stopEnvironment({ params: paramsOf(environment) });
  await untilStatus(plane.client, environment, 'Stopped');
  expect(await list()).toEqual([]);
  await expect(plane.client.restartKernel(at(before?.id ?? ''))).rejects.toMatchObject({ code: 'NotFound' });
});
