import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '@terrarium/contract';
import { chargeStore } from '../cost/store.ts';
import { preparedStore } from '../environments/pool/store.ts';
import { createMemoryInstallation, type MemoryInstallation } from './memory-installation.ts';

const away = new AppError('DriverUnavailable', 'Away.');
let now: number;
let installation: MemoryInstallation;

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1);
  installation = await createMemoryInstallation({ clock: { now: () => now }, poolSize: 2 });
  installation.context.reconciler.start();
});
afterEach(() => installation.remove());

const rows = () => preparedStore(installation.context.database).all();
const ids = async () => (await rows()).filter(({ state }) => state === 'ready').map(({ id }) => id);
const calls = (method: string) => installation.driver.control.calls().filter((call) => call.method === method).length;

/** Lets time pass, a second at a time, with everything that happens regularly. */
async function pass(
  seconds: number,
  isOver: () => Promise<boolean> = () => Promise.resolve(false),
  answer: (id: string) => Promise<void> = installation.answerFor,
): Promise<void> {
  const { context } = installation;
  for (let second = 0; second < seconds && !(await isOver()); second++) {
    await context.pool.keep();
    if (second % 15 === 0) await context.watch.sweep();
    for (const { id } of await rows()) await answer(id);
    context.reconciler.nudge();
    await new Promise((resolve) => setTimeout(resolve, 4));
    now += 1000;
  }
}

async function untilReady(): Promise<string[]> {
  await pass(600, async () => (await ids()).length === 2 && (await rows()).length === 2);
  expect(await ids()).toHaveLength(2);
  return ids();
}

test('they sleep, the watch leaves them alone, and nobody is charged', async () => {
  const ready = await untilReady();
  await pass(120);
  expect(await ids()).toEqual(ready);
  const { compute } = installation.driver;
  const charges = chargeStore(installation.context.database);
  expect((await Promise.all(ready.map((id) => charges.of(id)))).flat()).toEqual([]);
  expect(await Promise.all(ready.map(async (id) => (await compute.inspect(id)).state))).toEqual(['asleep', 'asleep']);
});

test('one whose machine ended is replaced', async () => {
  const [first = '', second = ''] = await untilReady();
  installation.driver.control.dies(first, 'The host restarted.');
  await pass(60, async () => !(await ids()).includes(first));
  expect(await untilReady()).toContain(second);
  expect((await installation.driver.compute.list()).map(({ id }) => id)).not.toContain(first);
  expect(await installation.driver.disks.list()).toHaveLength(2);
});

test('those of before are replaced when machines are started with something else', async () => {
  const ready = await untilReady();
  installation.driver.control.setAbilities({ build: 'second' });
  await pass(60, async () => (await ids()).length === 0);
  const { context, owner, access } = installation;
  const made = await context.environments.create(owner, access, {});
  expect(ready).not.toContain(made.id);
  await installation.answerFor(made.id);
  expect(await untilReady()).not.toEqual(expect.arrayContaining(ready));
});

test('what cannot be prepared is tried less and less often', async () => {
  installation.driver.control.faults.failAlways('compute.create', away);
  await pass(600);
  expect(calls('compute.create')).toBeGreaterThan(3);
  expect(calls('compute.create')).toBeLessThan(15);
  expect(await rows()).toHaveLength(1);
});

test('nothing is prepared while an environment is being started', async () => {
  const { context, owner, access, driver } = installation;
  const hold = driver.control.faults.holdNext('compute.create');
  const made = await context.environments.create(owner, access, { bootDiskGiB: 7 });
  await installation.answerFor(made.id);
  await pass(4);
  await hold.arrived;
  // Less than a lease, which only real time renews.
  await pass(12);
  const begun = await rows();
  hold.release();
  expect(begun).toEqual([]);
  await untilReady();
  expect((await driver.compute.inspect(made.id)).state).toBe('running');
});

test('a machine that does not come up is removed before the next try', async () => {
  await pass(
    100_000,
    () => Promise.resolve(calls('compute.delete') > 0),
    () => Promise.resolve(),
  );
  expect((await rows()).map(({ state, attempts }) => [state, attempts])).toEqual([['making', expect.any(Number)]]);
  await untilReady();
  expect(await installation.driver.compute.list()).toHaveLength(2);
});
