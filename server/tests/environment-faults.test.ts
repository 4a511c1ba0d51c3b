import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError, transitional, type Environment } from '@terrarium/contract';
import { ownReach, type Reach } from '../environments/reaching.ts';
import { untilTrue } from '../testing/control-plane.ts';
import { createMemoryInstallation, type MemoryInstallation } from './memory-installation.ts';

const minute = 60_000;
const away = new AppError('DriverUnavailable', 'The host does not answer.');
let now = 0;
let installation: MemoryInstallation;

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1);
  installation = await createMemoryInstallation({ clock: { now: () => now } });
  installation.context.reconciler.start();
});

afterEach(() => installation.remove());

function reach(): Reach {
  const { owner, access } = installation;
  return ownReach(owner.account.id, access.workspace.id, 'main');
}

const look = (): Promise<Environment> => installation.context.environments.get(reach());

/** Lets time pass, in steps, until the environment is where it stays. */
async function settle(status: Environment['status']): Promise<Environment> {
  await untilTrue(async () => {
    now += 20_000;
    installation.context.reconciler.nudge();
    await installation.context.watch.sweep();
    return !transitional.has((await look()).status);
  }, 'nothing is under way');
  const settled = await look();
  expect([settled.status, settled.reason]).toEqual([status, settled.reason]);
  return settled;
}

async function create(): Promise<Environment> {
  const { context, owner, access } = installation;
  const created = await context.environments.create(owner, access, {});
  await installation.answerFor(created.id);
  return created;
}

describe('nothing stays in a transition past its deadline', () => {
  test('a machine that cannot be made ends in Error with the reason, and Retry makes it', async () => {
    const { driver, context, owner, access } = installation;
    const heal = driver.control.faults.failAlways('compute.create', away);
    await create();
    const failed = await settle('Error');
    expect(failed.reason).toBe('The host does not answer. It did not finish creating in time.');
    expect(failed.operations.at(-1)).toMatchObject({ kind: 'create', outcome: 'failed', reason: failed.reason });
    heal();
    await context.environments.start(owner, access, 'main');
    const running = await settle('Running');
    expect(running.reason).toBeNull();
  });

  test('an agent that never answers ends in Error; what was started is charged, and can be deleted', async () => {
    const { context, driver, owner } = installation;
    const created = await create();
    driver.control.setAddress(created.id, null);
    const failed = await settle('Error');
    expect(failed.reason).toContain('did not finish creating in time');
    expect(failed.cost.perHourNow).toBeCloseTo(failed.cost.perHourRunning, 10);
    await context.environments.delete(owner, reach(), false);
    await untilTrue(async () => (await context.environments.list(owner.account.id)).length === 0, 'it is gone');
    expect(await driver.compute.list()).toEqual([]);
  });

  test('a deletion that fails says that it is still charged, and can be tried again', async () => {
    const { context, driver, owner } = installation;
    await create();
    await settle('Running');
    const heal = driver.control.faults.failAlways('compute.delete', away);
    await context.environments.delete(owner, reach(), false);
    const failed = await settle('Error');
    expect(failed.reason).toContain('What is left of it is charged until it is deleted');
    const before = failed.cost.soFar;
    now += 60 * minute;
    const later = await look();
    expect(later.cost.soFar - before).toBeCloseTo(later.cost.perHourRunning, 6);
    heal();
    await context.environments.delete(owner, reach(), false);
    await untilTrue(async () => {
      now += 1000;
      context.reconciler.nudge();
      return (await context.environments.list(owner.account.id)).length === 0;
    }, 'it is gone');
  });

  test('one that cannot be put to sleep stays awake, and says so', async () => {
    const { context, driver } = installation;
    await create();
    await settle('Running');
    driver.control.faults.failAlways('compute.sleep', away);
    await context.environments.sleep(reach());
    await untilTrue(async () => {
      now += 1000;
      context.reconciler.nudge();
      return (await look()).operations.at(-1)?.endedAt !== null;
    }, 'it was given up');
    expect(await look()).toMatchObject({
      status: 'Running',
      reason: 'It could not be put to sleep and stays awake. The host does not answer.',
    });
  });
});

test('a machine that belongs to no environment is removed, and no other', async () => {
  const { context, driver } = installation;
  const created = await create();
  await settle('Running');
  await driver.disks.create({ id: 'straydisk', sizeBytes: 1 });
  const agent = { secret: 's', environmentVariables: {}, warmKernel: null };
  const stray = {
    id: 'stray',
    image: 'machine',
    cpus: 1,
    memoryBytes: 1,
    bootDiskBytes: 1,
    diskId: 'straydisk',
    agent,
  };
  await driver.compute.create(stray);
  await driver.compute.start(stray);
  await context.watch.sweep();
  await context.watch.sweep();
  expect((await driver.compute.list()).map(({ id }) => id)).toEqual([created.id]);
  expect((await driver.disks.list()).map(({ id }) => id)).toContain('straydisk');
});
