import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { AppError, createClient, type Client, type Environment } from '@terrarium/contract';
import { builtDirectories } from '../built-directories.ts';
import { createSandboxDriver } from '../drivers/sandbox/sandbox-driver.ts';
import { systemClock } from '../plumbing/clock.ts';
import {
  createInstallation,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
} from '../testing/control-plane.ts';
import { Editor, putNotebook, storedOutputs, textOf, untilOver } from '../testing/live-notebook.ts';
import { startInside, type InsideServer } from './outside/inside-server.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const at = (path: string) => ({ ...workspace, path });

let inside: InsideServer;
let plane: Pick<ControlPlane, 'url' | 'token' | 'client'>;
let client: Client;
/** What the machine's start says, in place of starting. */
let obstacle: AppError | null = null;

beforeAll(async () => {
  inside = await startInside((dataDirectory) => {
    const { compute, disks } = createSandboxDriver({
      dataDirectory,
      agentBundle: builtDirectories.agent,
      nodeBinary: process.execPath,
      kernelsManifest: builtDirectories.kernelsManifest,
      clock: systemClock,
    });
    const start: typeof compute.start = async (spec) => {
      if (obstacle !== null) throw obstacle;
      await compute.start(spec);
    };
    return { compute: { ...compute, start }, disks };
  });
  const { url, token } = inside.server;
  client = createClient({ baseUrl: url, token });
  plane = { url, token, client };
});
beforeEach(async () => {
  obstacle = null;
  await removeMachines(client);
});
afterAll(async () => {
  await removeMachines(client);
  await inside.remove();
});

/** An environment that is being made and does not start until the obstacle is gone. */
async function startSlowly(): Promise<Environment> {
  obstacle = new AppError('DriverUnavailable', 'There is no machine free just now.');
  return client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 1 } });
}

test('a run from a room or the API waits while the environment starts, and begins when it is there', async () => {
  const params = at('waits.ipynb');
  await putNotebook(plane, params, ['print("from the room")', 'print("from the API")']);
  const made = await startSlowly();
  const editor = await Editor.open(plane, params);
  const asked = await editor.run(['c0']);
  const { run } = await client.startRun({ params, body: { cells: ['c1'] } });
  await untilTrue(async () => {
    const { reason } = await client.getEnvironment({ params: paramsOf(made) });
    return reason === 'There is no machine free just now.';
  }, 'the start has met its obstacle');
  expect(editor.execution('c0')).toMatchObject({ state: 'queued', run: asked['run'] });
  expect(await client.getRun({ params: { ...params, run } })).toMatchObject({ status: 'queued', endedAt: null });
  obstacle = null;
  expect(await editor.untilEnded(asked['run'])).toMatchObject({ status: 'succeeded', reason: null });
  expect(await untilOver(plane, params, run)).toMatchObject({ status: 'succeeded', reason: null });
  expect((await storedOutputs(plane, params)).map(textOf)).toEqual(['from the room\n', 'from the API\n']);
  await editor.close();
});

test('a run that waits is still queued after a restart of the control plane, and is run', async () => {
  const params = at('restart.ipynb');
  await putNotebook(plane, params, ['print("after all")']);
  await startSlowly();
  const editor = await Editor.open(plane, params);
  const { run } = await editor.run(['c0']);
  await editor.close();
  await inside.restart();
  expect(await client.getRun({ params: { ...params, run: String(run) } })).toMatchObject({ status: 'queued' });
  obstacle = null;
  expect(await untilOver(plane, params, String(run))).toMatchObject({ status: 'succeeded', reason: null });
  expect((await storedOutputs(plane, params)).map(textOf)).toEqual(['after all\n']);
});

test('an interrupt takes a run that waits out of the queue', async () => {
  const params = at('cancelled.ipynb');
  await putNotebook(plane, params, ['print("never")', 'print("later")']);
  const made = await startSlowly();
  const editor = await Editor.open(plane, params);
  const { run } = await editor.run(['c0']);
  await client.interruptRun({ params: { ...params, run: String(run) } });
  expect(await editor.untilEnded(run)).toMatchObject({ status: 'interrupted', reason: 'It was interrupted.' });
  expect(editor.execution('c0')).toBeUndefined();
  obstacle = null;
  await untilStatus(client, made, 'Running');
  const later = await client.startRun({ params, body: { cells: ['c1'] } });
  expect(await untilOver(plane, params, later.run)).toMatchObject({ status: 'succeeded', reason: null });
  expect((await storedOutputs(plane, params)).map(textOf)).toEqual(['', 'later\n']);
  await editor.close();
});

test.each([
  [
    'fails',
    async () => (obstacle = new AppError('InvalidInput', 'This machine cannot run here.')),
    'This machine cannot run here.',
  ],
  [
    'is paused',
    async (made: Environment) => client.stopEnvironment({ params: paramsOf(made) }),
    'The Cloud Environment was paused before it had started.',
  ],
  [
    'is deleted',
    async (made: Environment) => client.deleteEnvironment({ params: paramsOf(made), query: { deleteDisk: 'true' } }),
    'The Cloud Environment was deleted before it had started.',
  ],
])('a start that %s ends what waits, and the cell says why', async (word, end, reason) => {
  const params = at(`${word}.ipynb`);
  await putNotebook(plane, params, ['1', '2']);
  const made = await startSlowly();
  const editor = await Editor.open(plane, params);
  const { run } = await editor.run(['c0', 'c1']);
  await end(made);
  expect(await editor.untilEnded(run)).toMatchObject({ status: 'failed', reason });
  expect(editor.outputs('c0')).toMatchObject([{ output_type: 'error', ename: 'NotStarted', evalue: reason }]);
  expect(editor.doc.getMap('execution').size).toBe(0);
  await editor.close();
});

test('with nothing on the way a run from a room is refused at once', async () => {
  const params = at('paused.ipynb');
  await putNotebook(plane, params, ['1']);
  const made = await client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 1 } });
  await untilStatus(client, made, 'Running');
  await client.stopEnvironment({ params: paramsOf(made) });
  const editor = await Editor.open(plane, params);
  for (const word of ['pausing', 'paused']) {
    if (word === 'paused') await untilStatus(client, made, 'Stopped');
    expect(await editor.run(['c0'])).toMatchObject({ error: { code: 'EnvironmentPaused' } });
  }
  await editor.close();
});

test('a run that waits outlives kill -9 of the control plane', async () => {
  const installation = await createInstallation();
  try {
    const params = at('killed.ipynb');
    const first = await installation.start();
    await putNotebook(first, params, ['print("after all")']);
    const editor = await Editor.open(first, params);
    await first.client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 1 } });
    const { run } = await editor.run(['c0']);
    await first.kill();
    await editor.close();
    const second = await installation.start();
    expect(await untilOver(second, params, String(run))).toMatchObject({ status: 'succeeded', reason: null });
    expect((await storedOutputs(second, params)).map(textOf)).toEqual(['after all\n']);
  } finally {
    await installation.remove();
  }
});
