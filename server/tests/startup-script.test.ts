import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtDirectories } from '../built-directories.ts';
import { ask, createTestSandbox, type TestSandbox } from '../drivers/sandbox/testing/machines.ts';
import type { MachineSpec } from '../environments/compute-driver.ts';
import { agentClient, type AgentDoor } from '../environments/agent-client.ts';

const isRoot = process.getuid?.() === 0;
let sandbox: TestSandbox;

beforeAll(async () => {
  sandbox = await createTestSandbox({
    agentBundle: builtDirectories.agent,
    kernelsManifest: builtDirectories.kernelsManifest,
    processLimit: 300,
  });
});
afterAll(() => sandbox.dispose());

async function start(): Promise<{ spec: MachineSpec; door: AgentDoor }> {
  const { images } = await sandbox.compute.describe();
  const spec = await sandbox.startNew({ image: images[0]?.reference ?? '', memoryBytes: 2 ** 30 });
  const address = await sandbox.compute.address(spec.id);
  if (address === null) throw new Error('The machine runs.');
  return { spec, door: { environmentId: spec.id, address, secret: spec.agent.secret } };
}

async function follow(door: AgentDoor) {
  let output = '';
  for (let after = 0; ;) {
    const next = await agentClient.startup(door, { after, waitMs: 5000 });
    output += next.output;
    after = next.nextOffset;
    if (next.state !== 'running') return { ...next, output };
  }
}

test.skipIf(!isRoot)('a fork bomb is ended to the last process, although none can be started meanwhile', async () => {
  const { spec, door } = await start();
  const timeoutMs = 2000;
  await agentClient.startStartup(door, {
    script: 'echo begun; bomb() { bomb | bomb & }; bomb 2> /dev/null; while :; do :; done',
    timeoutMs,
  });
  const over = await follow(door);
  expect(over).toMatchObject({ state: 'timedOut', output: 'begun\n' });
  expect((over.endedAt ?? Infinity) - (over.startedAt ?? 0)).toBeLessThan(timeoutMs + 15_000);
  expect((await agentClient.activity(door)).busyReasons).toEqual([]);
  // The environment works: a process can be started again.
  const kernel: unknown = JSON.parse(await ask(sandbox.compute, spec, '/api/kernels', '{"name":"python3"}'));
  expect(kernel).toMatchObject({ name: 'python3' });
});

test('one that succeeds and one that fails tell their output and code, each in an environment of its own', async () => {
  const [good, bad] = [await start(), await start()];
  await agentClient.startStartup(good.door, { script: 'echo "$HOME"; id -un', timeoutMs: 20_000 });
  await agentClient.startStartup(bad.door, { script: 'echo no >&2; exit 7', timeoutMs: 20_000 });
  expect(await follow(good.door)).toMatchObject({
    state: 'succeeded',
    exitCode: 0,
    output: '/home/jupyter\njupyter\n',
  });
  expect(await follow(bad.door)).toMatchObject({ state: 'failed', exitCode: 7, output: 'no\n' });
  await agentClient.putVariables(good.door, { COLOUR: 'blue' });
  expect(await agentClient.folders(good.door)).toMatchObject({ isComplete: true });
});
