import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentClient, type AgentDoor } from '../environments/agent-client.ts';
import { createInstallation, untilStatus, untilTrue } from '../testing/control-plane.ts';
import type { ControlPlane, Installation } from '../testing/control-plane.ts';
import { putNotebook, runToEnd, storedOutputs, textOf } from '../testing/live-notebook.ts';
import { agentDoor } from '../testing/machine-agent.ts';

const isRoot = process.getuid?.() === 0;
const workspace = { namespace: 'my-project', name: 'getting-started' };
const limitGiB = 0.4;
// The system counts in pages.
const limitBytes = Math.floor((limitGiB * 1024 ** 3) / 4096) * 4096;
let installation: Installation;
let plane: ControlPlane;
let door: AgentDoor;

beforeAll(async () => {
  if (!isRoot) return;
  installation = await createInstallation();
  plane = await installation.start();
  const body = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: limitGiB };
  const made = await plane.client.createEnvironment({ params: workspace, body });
  const environment = await untilStatus(plane.client, made, 'Running');
  door = await agentDoor(installation.dataDirectory, environment);
});
afterAll(async () => {
  if (isRoot) await installation.remove();
});

/** Takes memory for good, saying when each time, so that the last word tells when it was killed. */
const eat = `
import os, time
def eat(pause=0):
    kept = []
    while True:
        kept.append(os.urandom(1024) * 16384)
        open("/home/jupyter/last", "w").write(str(time.time()))
        time.sleep(pause)
`;
const sentence =
  /^Kernel python3 ran out of memory and was killed: it reached 0\.[234] GiB of the environment's 0\.4 GiB\. Restart it with 1 GiB, or use less memory\.$/m;

test.skipIf(!isRoot)(
  'a kernel that takes more memory than there is says so in its cell within two seconds',
  async () => {
    const params = { ...workspace, path: 'hungry.ipynb' };
    await putNotebook(plane, params, [`${eat}\neat()`, 'print(open("/home/jupyter/last").read())']);
    const over = await runToEnd(plane, params, ['c0']);
    expect(over.status).toBe('failed');
    expect(over.reason).toMatch(sentence);
    const [first = []] = await storedOutputs(plane, params);
    expect(textOf(first)).toMatch(sentence);

    const [kernel] = await agentClient.kernels(door);
    const { death } = kernel ?? {};
    expect(death).toMatchObject({ isOutOfMemory: true, memoryLimitBytes: limitBytes, suggestedGiB: 1, cell: 'c0' });
    expect(death?.reason).toMatch(sentence);
    expect(death?.peakBytes).toBeGreaterThan(limitBytes / 2);
    const { outOfMemory } = await agentClient.usage(door);
    expect(outOfMemory).toMatchObject({ kernel: 'python3', cell: 'c0', suggestedGiB: 1, sentence: death?.reason });

    // It was started again, in an environment that has gone on.
    await runToEnd(plane, params, ['c1']);
    const killedAt = Number(textOf((await storedOutputs(plane, params))[1])) * 1000;
    expect((death?.at ?? Infinity) - killedAt).toBeLessThan(2000);
  },
);

test.skipIf(!isRoot).each([
  ['slowly', 0.1, String.raw`\(python[\d.]*\) started by kernel python3`],
  ['at once', 0, '.*started by kernel python3,?'],
])(
  'a kernel that goes on while a process that it started is killed, having grown %s, says that',
  async (how, pause, who) => {
    const params = { ...workspace, path: `parent ${how}.ipynb` };
    await putNotebook(plane, params, [
      `${eat}
import multiprocessing
worker = multiprocessing.get_context("fork").Process(target=eat, args=[${String(pause)}])
worker.start()
worker.join()
print("the worker ended with", worker.exitcode)`,
    ]);
    const startedAt = Date.now();
    const over = await runToEnd(plane, params);
    expect(over.status).toBe('succeeded');
    const told = new RegExp(
      `^A process,? ?${who} ran out of memory and was killed: it reached 0\\.[234] GiB of the environment's 0\\.4 GiB\\.`,
      'm',
    );
    await untilTrue(async () => {
      const { outOfMemory } = await agentClient.usage(door);
      return outOfMemory !== null && outOfMemory.at > startedAt && told.test(outOfMemory.sentence);
    }, 'it is told');
    expect((await agentClient.usage(door)).outOfMemory).toMatchObject({
      kernel: 'python3',
      cell: 'c0',
      suggestedGiB: 1,
    });
    await untilTrue(async () => told.test(textOf((await storedOutputs(plane, params))[0])), 'the cell says it');
    expect(textOf((await storedOutputs(plane, params))[0])).toContain('the worker ended with -9');
    const kernels = await agentClient.kernels(door);
    expect(kernels.find(({ path }) => path === `notebooks/${params.path}`)?.death).toBeNull();
  },
);
