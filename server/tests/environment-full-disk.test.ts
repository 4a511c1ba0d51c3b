import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { inFreshKernel } from '../testing/jupyter-client.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
});

afterAll(async () => {
  await installation.remove();
});

const inKernel = (...codes: string[]): Promise<string[]> => inFreshKernel(plane, workspace, 'python3', ...codes);

const free = 'import os; s = os.statvfs("/home/jupyter"); print(s.f_bavail * s.f_frsize)';

test('an environment whose disk is full starts, says what takes the room, and is cleaned or grown', async ({
  skip,
}) => {
  const body = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 };
  const environment = await untilStatus(
    plane.client,
    await plane.client.createEnvironment({ params: workspace, body }),
    'Running',
  );
  if (environment.notes.some((note) => note.includes('not enforced'))) {
    skip('SKIPPED: disk sizes are not enforced on this machine.');
  }
  const params = paramsOf(environment);
  await inKernel(`
import os
os.makedirs("results/large", exist_ok=True)
with open("results/large/matrix.bin", "wb") as file:
    try:
        while True: file.write(bytes(2**20))
    except OSError: pass
with open("rest", "wb") as file:
    try:
        while True: file.write(bytes(512))
    except OSError: pass
`);
  await plane.client.stopEnvironment({ params, query: {} });
  await untilStatus(plane.client, environment, 'Stopped');
  await plane.client.startEnvironment({ params });
  await untilStatus(plane.client, environment, 'Running');
  await untilTrue(async () => {
    const { usage } = await plane.client.getEnvironment({ params });
    return (usage?.diskUsedBytes ?? 0) > 0.95 * (usage?.diskTotalBytes ?? Infinity);
  }, 'the full disk is told');
  expect(await inKernel('print(1 + 1)', free)).toEqual(['2', '0']);

  const { entries } = await plane.client.getDiskFolders({ params });
  expect(entries[0]).toMatchObject({ path: 'results/large/matrix.bin', isFolder: false });
  expect(entries[0]?.bytes).toBeGreaterThan(500 * 2 ** 20);

  await plane.client.updateEnvironment({ params, query: {}, body: { diskGiB: 2 } });
  await untilTrue(
    async () => (await plane.client.getEnvironment({ params })).disk?.sizeGiB === 2,
    'the disk has grown',
  );
  await untilStatus(plane.client, environment, 'Running');
  const [grown] = await inKernel(free);
  expect(Number(grown)).toBeGreaterThan(700 * 2 ** 20);
  await inKernel('import os; os.remove("/home/jupyter/results/large/matrix.bin")');
  const [cleaned] = await inKernel(free);
  expect(Number(cleaned)).toBeGreaterThan(1400 * 2 ** 20);
});
