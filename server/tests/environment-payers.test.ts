import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError, createClient, type Client, type Environment } from '@terrarium/contract';
import { createMemoryDriver, type MemoryDriver } from '../drivers/memory/memory-driver.ts';
import { systemClock } from '../plumbing/clock.ts';
import { untilTrue } from '../testing/control-plane.ts';
import { createIdleAgents } from './idle-agent.ts';
import { startInside, type InsideServer } from './outside/inside-server.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
let directory: string;
let inside: InsideServer;
let machines: MemoryDriver;
let agents: ReturnType<typeof createIdleAgents>;
let payer: Client;
let bob: Client;
let stranger: Client;
let environment: Environment;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-payers-'));
  machines = createMemoryDriver({ clock: systemClock });
  agents = createIdleAgents(directory);
  inside = await startInside(() => machines);
  const clientOf = (token: string) => createClient({ baseUrl: inside.server.url, token });
  payer = clientOf(inside.server.token);
  bob = clientOf(await inside.addAccount('bob'));
  stranger = clientOf(await inside.addAccount('eve'));
  await payer.updateWorkspaceAcl({
    params: workspace,
    body: [{ email: 'bob@localhost', role: 'WRITER', canShare: false, canCompute: true }],
  });
  environment = await bob.createEnvironment({
    params: workspace,
    body: { environmentVariables: { SECRET: 'x' }, startupScript: 'echo secret' },
  });
  machines.control.setAddress(environment.id, await agents.answerFor(environment.id));
  await untilStatus('Running');
});

afterAll(async () => {
  await inside.remove();
  agents.close();
  await rm(directory, { recursive: true, force: true });
});

const params = () => ({ ...workspace, environment: environment.id });
const untilStatus = (status: Environment['status']): Promise<void> =>
  untilTrue(
    async () => (await bob.getEnvironment({ params: params() })).status === status,
    `the environment is ${status}`,
  );
const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      return error.code;
    },
  );

test('an owner of the billing project sees what others run, and nothing of what is in it', async () => {
  const [listed] = await payer.listProjectEnvironments({ params: { name: 'my-project' } });
  expect(listed).toMatchObject({ id: environment.id, owner: 'bob@localhost', status: 'Running' });
  for (const seen of [listed, await payer.getEnvironment({ params: params() })]) {
    expect(seen).toMatchObject({ environmentVariables: {}, startupScript: '' });
    expect(JSON.stringify(seen)).not.toContain('secret');
  }
  expect(await bob.getEnvironment({ params: params() })).toMatchObject({ environmentVariables: { SECRET: 'x' } });
  expect(await codeOf(bob.listProjectEnvironments({ params: { name: 'my-project' } }))).toBe('NotFound');
  expect(await codeOf(stranger.getEnvironment({ params: params() }))).toBe('NotFound');
  expect(await codeOf(stranger.stopEnvironment({ params: params(), query: {} }))).toBe('NotFound');
});

test('what is somebody else’s can be paused and deleted by who pays, and is told so; nothing else can be done to it', async () => {
  const body = { cpus: 2 };
  expect(await codeOf(payer.updateEnvironment({ params: params(), query: {}, body }))).toBe('NotFound');
  expect(await codeOf(payer.sleepEnvironment({ params: params() }))).toBe('NotFound');
  expect(await codeOf(payer.startEnvironment({ params: params() }))).toBe('NotFound');
  expect(await codeOf(payer.keepEnvironmentRunning({ params: params(), body: {} }))).toBe('NotFound');
  expect(await codeOf(payer.getDiskFolders({ params: params() }))).toBe('NotFound');
  expect(await codeOf(payer.deleteEnvironment({ params: params(), query: { deleteDisk: 'true' } }))).toBe('NotAllowed');

  await payer.stopEnvironment({ params: params(), query: {} });
  await untilStatus('Stopped');
  const paused = await bob.getEnvironment({ params: params() });
  expect(paused.reason).toBe('By owner@localhost, who owns billing project "my-project".');
  expect(paused.operations.at(-1)).toMatchObject({ kind: 'stop', reason: paused.reason });
});

test('what a person has left who was removed keeps nobody from deleting the workspace', async () => {
  await payer.updateWorkspaceAcl({
    params: workspace,
    body: [{ email: 'bob@localhost', role: 'NO ACCESS', canShare: false, canCompute: false }],
  });
  const problem = await payer.deleteWorkspace({ params: workspace }).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(AppError);
  expect(String(problem)).toContain('bob@localhost');
  await payer.deleteEnvironment({ params: params(), query: {} });
  await untilTrue(async () => (await bob.listAllEnvironments()).length === 0, 'it is gone');
  expect(await bob.listDisks()).toMatchObject([{ attachedTo: null }]);
});
