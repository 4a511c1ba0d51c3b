import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentActivity, AgentUsage } from '@terrarium/contract/agent';
import { agentPaths } from '@terrarium/contract/agent';
import { readConfig } from '../config.ts';
import { createContext, type Context } from '../context.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { createMemoryDriver, type MemoryDriver } from '../drivers/memory/memory-driver.ts';
import { environmentStore } from '../environments/store.ts';
import { systemClock as clock } from '../plumbing/clock.ts';
import { createLog } from '../plumbing/log.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';

const many = 60;
const activity: AgentActivity = { lastActivityAt: Date.now(), busyReasons: [], runningCells: 0 };
const usage: AgentUsage = {
  cpuCores: 0,
  memoryBytes: 1,
  memoryLimitBytes: null,
  diskUsedBytes: 7,
  diskTotalBytes: 9,
  outOfMemory: null,
};

let directory: string;
let context: Context;
let driver: MemoryDriver;
let agents: Server;
let access: WorkspaceAccess;
let [open, mostOpen] = [0, 0];

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-many-'));
  driver = createMemoryDriver({ clock });
  context = await createContext({
    config: readConfig({ TERRARIUM_DATA: directory }),
    log: createLog({ level: 'silent' }),
    drivers: { ...driver, objects: createFilesystemObjectStore({ directory: path.join(directory, 'objects') }) },
  });
  const account = await context.accounts.ensureOwner({ email: 'ada@example.org', name: 'Ada' });
  await context.billing.create(account.id, { name: 'lab', description: '' });
  const request = { namespace: 'lab', name: 'one', description: '', withExamples: false };
  const { id } = await context.workspaces.create(account.id, request);
  access = await context.access.workspaceById(account.id, id, 'compute');
  const who = { account, via: { kind: 'token' as const, tokenId: 'test' } };
  const store = environmentStore(context.database);
  for (let number = 0; number < many; number++) {
    const made = await context.environments.create(who, access, { name: `env-${String(number)}`, diskGiB: 1 });
    const { disk } = made;
    if (disk === null) throw new Error('It has no disk.');
    // What the reconciler would have made of it, which is not at work here.
    const agent = { secret: '', environmentVariables: {}, warmKernel: null };
    const sizes = { cpus: 1, memoryBytes: 2 ** 30, bootDiskBytes: 2 ** 30 };
    const machine = { id: made.id, image: 'machine', diskId: disk.id, agent, ...sizes };
    await driver.disks.create({ id: disk.id, sizeBytes: 2 ** 30 });
    await driver.compute.create(machine);
    await driver.compute.start(machine);
    await store.update(made.id, { status: 'Running', run_at: null, deadline_at: null, started_at: clock.now() });
  }
  agents = createServer((asked, response) => {
    mostOpen = Math.max(mostOpen, ++open);
    setImmediate(() => {
      open--;
      response.end(JSON.stringify(asked.url === agentPaths.activity ? activity : usage));
    });
  });
  await new Promise<void>((resolve) => {
    agents.listen(path.join(directory, 'agents.sock'), resolve);
  });
});

afterAll(async () => {
  agents.close();
  await context.dispose();
  await rm(directory, { recursive: true });
});

async function handedOn(): Promise<number> {
  const rows = await environmentStore(context.database).withStatus('Running');
  return rows.filter((row) => row.run_at !== null).length;
}

test('of many agents that are gone, the reconciler is given a few at a time', async () => {
  for (let look = 0; look < 6; look++) await context.meter.sweep();
  expect(await handedOn()).toBe(8);
});

test('of many agents that answer, a few are asked at a time, and all are', async () => {
  for (const { id } of await environmentStore(context.database).withStatus('Running')) {
    driver.control.setAddress(id, { socketPath: path.join(directory, 'agents.sock') });
  }
  // Those that were silent are asked many at a time, once.
  await context.meter.sweep();
  mostOpen = 0;
  expect(await context.meter.sweep()).toEqual({ looked: many, paused: 0, asleep: 0 });
  expect(mostOpen).toBeLessThanOrEqual(16);
  const shown = await context.environments.list(access.workspace.ownerId);
  expect(shown.filter((environment) => environment.usage?.diskUsedBytes === 7)).toHaveLength(many);
});
