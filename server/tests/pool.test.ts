import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Environment, EnvironmentCreate } from '@terrarium/contract';
import { preparedStore, type PreparedRow } from '../environments/pool/store.ts';
import { openSqlite } from '../plumbing/db/database.ts';
import {
  createInstallation,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { inFreshKernel } from '../testing/jupyter-client.ts';
import { leftoversOf } from '../testing/leftovers.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const none = { processes: [], mounts: [], loopDevices: [] };
const oneReady = { TERRARIUM_POOL: '1' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start(oneReady);
});

afterAll(async () => {
  await plane.kill();
  plane = await installation.start();
  await untilTrue(async () => (await prepared()).length === 0, 'nothing is prepared');
  await installation.remove();
  expect(await leftoversOf(installation.dataDirectory)).toEqual(none);
});

/** As the database has them. */
async function prepared(): Promise<PreparedRow[]> {
  const database = openSqlite(path.join(installation.dataDirectory, 'terrarium.db'));
  try {
    return await preparedStore(database).all();
  } finally {
    await database.close();
  }
}

async function untilOneIsReady(): Promise<PreparedRow> {
  let ready: PreparedRow | undefined;
  await untilTrue(async () => {
    const rows = await prepared();
    ready = rows.find(({ state }) => state === 'ready');
    return rows.length === 1 && ready !== undefined;
  }, 'one is ready');
  if (ready === undefined) throw new Error('None is ready.');
  return ready;
}

const create = (body: EnvironmentCreate = {}): Promise<Environment> =>
  plane.client.createEnvironment({ params: workspace, body });

const inKernel = (name: 'python3' | 'ir', ...codes: string[]): Promise<string[]> =>
  inFreshKernel(plane, workspace, name, ...codes);

const stepsOf = ({ timeline }: Environment): string[] => timeline.map(({ step }) => step);
const folder = (name: string): Promise<string[]> => readdir(path.join(installation.dataDirectory, name));

test('a new environment is the machine that was prepared, and is like any other', async () => {
  const ready = await untilOneIsReady();
  const made = await create({
    environmentVariables: { COLOUR: 'blue' },
    startupScript: 'echo "$COLOUR in $WORKSPACE_NAME" > ~/said.txt',
  });
  expect([made.id, made.disk?.id, made.disk?.status]).toEqual([ready.id, ready.disk_id, 'Ready']);
  const running = await untilStatus(plane.client, made, 'Running');
  expect(stepsOf(running)).toEqual(['wake-machine', 'apply-variables', 'run-script']);
  expect(Date.parse(running.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(running.createdAt));
  expect(running.cost.soFar).toBeLessThan((running.cost.perHourRunning + 1) / 60);

  const names = ['COLOUR', 'WORKSPACE_NAME', 'RUNTIME_NAME', 'GOOGLE_PROJECT', 'HOME'];
  const expected = `blue ${workspace.name} ${made.name} ${workspace.namespace} /home/jupyter`;
  const show = `import os; print(*[os.environ[name] for name in ${JSON.stringify(names)}], len(In))`;
  expect(
    await inKernel('python3', show, 'print(open("said.txt").read())', '!echo $COLOUR $HOME; pwd; df -h . | tail -1'),
  ).toEqual([
    `${expected} 2`,
    `blue in ${workspace.name}`,
    expect.stringMatching(/^blue \/home\/jupyter\s+\/home\/jupyter\s/),
  ]);
  expect(await inKernel('ir', `cat(Sys.getenv(c(${names.map((name) => `"${name}"`).join(', ')})))`)).toEqual([
    expected,
  ]);
  await untilTrue(
    async () =>
      (await inKernel('python3', 'import os; print(os.listdir("notebooks"))'))[0]?.includes('.ipynb') === true,
    'the notebooks are on the disk',
  );

  const next = await untilOneIsReady();
  expect(next.id).not.toBe(ready.id);
  await removeMachines(plane.client);
  expect((await untilOneIsReady()).id).toBe(next.id);
});

test('one that asks for another shape, or has a disk already, is started as before', async () => {
  const ready = await untilOneIsReady();
  const other = await create({ name: 'other', diskGiB: 1, bootDiskGiB: 1 });
  expect(other.id).not.toBe(ready.id);
  await untilStatus(plane.client, other, 'Running');
  await plane.client.deleteEnvironment({ params: paramsOf(other), query: { deleteDisk: 'false' } });
  await untilTrue(async () => (await plane.client.listAllEnvironments()).length === 0, 'the environment is gone');
  const again = await create();
  expect([again.id === ready.id, again.disk?.id]).toEqual([false, other.disk?.id]);
  await untilStatus(plane.client, again, 'Running');
  expect((await prepared()).map(({ id }) => id)).toEqual([ready.id]);
  await removeMachines(plane.client);
});

test('of two at once one alone takes it, and both come up', async () => {
  const ready = await untilOneIsReady();
  const both = await Promise.all([create({ name: 'one' }), create({ name: 'two' })]);
  expect(both.filter(({ id }) => id === ready.id)).toHaveLength(1);
  for (const environment of both) await untilStatus(plane.client, environment, 'Running');
  await removeMachines(plane.client);
});

test('kill -9 right after it was taken loses nothing', async () => {
  const ready = await untilOneIsReady();
  const made = await create();
  await plane.kill();
  plane = await installation.start(oneReady);
  const running = await untilStatus(plane.client, made, 'Running');
  expect([running.id, running.disk?.id]).toEqual([ready.id, ready.disk_id]);
  expect(stepsOf(running)).not.toContain('start-machine');
  expect(await inKernel('python3', 'import os; print(os.environ["WORKSPACE_NAME"])')).toEqual([workspace.name]);
  await removeMachines(plane.client);
});

test('kill -9 at any moment of preparing leaves one, and nothing besides', async () => {
  let before = (await untilOneIsReady()).id;
  for (const afterMs of [0, 150, 400, 800, 1200]) {
    const taken = await create();
    expect(taken.id).toBe(before);
    await untilStatus(plane.client, taken, 'Running');
    await removeMachines(plane.client);
    await untilTrue(async () => (await prepared()).some(({ state }) => state === 'making'), 'another is begun with');
    await delay(afterMs);
    await plane.kill();
    plane = await installation.start(oneReady);
    const ready = await untilOneIsReady();
    expect(await folder('machines')).toEqual([ready.id]);
    expect((await folder('disks')).filter((name) => !name.startsWith(ready.disk_id))).toEqual([]);
    before = ready.id;
  }
}, 180_000);

test('a prepared machine is kept over a restart, and removed when none is wanted', async () => {
  const ready = await untilOneIsReady();
  await plane.stop();
  plane = await installation.start(oneReady);
  expect((await untilOneIsReady()).id).toBe(ready.id);

  await plane.stop();
  plane = await installation.start({ TERRARIUM_POOL: '0' });
  await untilTrue(async () => (await prepared()).length === 0, 'nothing is prepared');
  expect(await folder('machines')).toEqual([]);
  expect((await leftoversOf(installation.dataDirectory)).mounts).toEqual([]);
});
