import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Environment } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;
let environment: Environment;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterAll(async () => {
  await installation.remove();
});

const until = async (status: Environment['status']): Promise<Environment> => {
  environment = await untilStatus(plane.client, environment, status);
  return environment;
};

/** kill -9 so long after what was asked for, and a start of the next control plane. */
async function killAfter(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await plane.kill();
  plane = await installation.start();
}

test('a startup script goes on while the control plane is away, and is run once', async () => {
  const startupScript = 'echo run >> ~/runs; for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done; cat ~/runs';
  const body = { memoryGiB: 1, diskGiB: 1, bootDiskGiB: 1, startupScript };
  environment = await plane.client.createEnvironment({ params: workspace, body });
  await untilTrue(async () => {
    const { timeline } = await plane.client.getEnvironment({ params: paramsOf(environment) });
    return timeline.some(({ log }) => log.includes('2'));
  }, 'the script is at its second line');
  await killAfter(0);
  const { timeline, operations, reason } = await until('Running');
  expect(reason).toBeNull();
  expect(operations).toMatchObject([{ kind: 'create', outcome: 'done' }]);
  expect(timeline.at(-1)).toMatchObject({ step: 'run-script', outcome: 'done', log: '1\n2\n3\n4\n5\n6\nrun\n' });
});

test.each([0, 60, 200])('a rebuild goes on after kill -9 %d ms into it', async (ms) => {
  const bootDiskGiB = environment.bootDiskGiB + 1;
  await plane.client.updateEnvironment({
    params: paramsOf(environment),
    query: {},
    body: { bootDiskGiB, startupScript: '' },
  });
  await killAfter(ms);
  const rebuilt = await until('Running');
  expect(rebuilt.bootDiskGiB).toBe(bootDiskGiB);
  expect(rebuilt.operations.at(-1)).toMatchObject({ kind: 'update', outcome: 'done' });
});

test.each([0, 8, 20])('sleep and wake go on after kill -9 %d ms into them', async (ms) => {
  await plane.client.sleepEnvironment({ params: paramsOf(environment) });
  await killAfter(ms);
  const asleep = await until('Asleep');
  expect(asleep.cost.perHourNow).toBeCloseTo(asleep.cost.perHourAsleep, 10);
  await plane.client.wakeEnvironment({ params: paramsOf(environment) });
  await killAfter(ms);
  const awake = await until('Running');
  expect(awake.cost.perHourNow).toBeCloseTo(awake.cost.perHourRunning, 10);
});
