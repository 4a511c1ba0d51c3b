import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError, transitional, type Environment } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import { readConfig } from '../config.ts';
import { createContext, type Context } from '../context.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { createMemoryDriver, type MemoryDriver, type MemoryMethod } from '../drivers/memory/memory-driver.ts';
import type { Reach } from '../environments/environments.ts';
import { environmentStore } from '../environments/store.ts';
import { wishToStop } from '../environments/wishes.ts';
import { systemClock } from '../plumbing/clock.ts';
import { createLog } from '../plumbing/log.ts';
import { untilTrue } from '../testing/control-plane.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';

/** The real reconciler and database over the memory driver, with agents that only say that they are there. */
describe('random requests and faults', () => {
  let directory: string;
  let context: Context;
  let driver: MemoryDriver;
  let owner: Principal;
  let access: WorkspaceAccess;
  const agents: http.Server[] = [];
  const askedToDeleteDisk = new Set<string>();
  const seenDisks = new Set<string>();

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-reconciler-'));
    driver = createMemoryDriver({ clock: systemClock });
    context = await createContext({
      config: readConfig({ TERRARIUM_DATA: directory }),
      log: createLog({ level: 'silent' }),
      drivers: { ...driver, objects: createFilesystemObjectStore({ directory: path.join(directory, 'objects') }) },
    });
    const account = await context.accounts.ensureOwner({ email: 'ada@example.org', name: 'Ada' });
    owner = { account, via: { kind: 'token', tokenId: 'test' } };
    await context.billing.create(account.id, { name: 'lab', description: '' });
    const workspace = await context.workspaces.create(account.id, {
      namespace: 'lab',
      name: 'one',
      description: '',
      withExamples: false,
    });
    access = await context.access.workspaceById(account.id, workspace.id, 'compute');
    context.reconciler.start();
  });

  afterAll(async () => {
    await context.dispose();
    for (const agent of agents) agent.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function answerFor(environmentId: string): Promise<void> {
    const socketPath = path.join(directory, `${environmentId}.sock`);
    const agent = http.createServer((_request, response) => {
      response.end(JSON.stringify({ status: 'ready', environmentId, startedAt: new Date(0).toISOString() }));
    });
    agents.push(agent);
    await new Promise<void>((resolve) => agent.listen(socketPath, resolve));
    driver.control.setAddress(environmentId, { socketPath });
  }

  const mine = async (): Promise<Environment | undefined> => (await context.environments.list(owner.account.id))[0];

  /** A request may be refused with a sentence; anything else is a defect. */
  async function ask(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) throw error;
    }
  }

  const reach = (nameOrId: string): Reach => ({
    accountId: owner.account.id,
    workspaceId: access.workspace.id,
    nameOrId,
    isPayer: false,
  });

  type Command = 'create' | 'start' | 'stop' | 'delete' | 'delete with disk' | 'dies' | 'settle';

  async function perform(command: Command): Promise<void> {
    const current = await mine();
    const name = current?.id ?? 'none';
    switch (command) {
      case 'create':
        await ask(async () => {
          const created = await context.environments.create(owner, access, {});
          if (created.disk !== null) seenDisks.add(created.disk.id);
          await answerFor(created.id);
        });
        break;
      case 'start':
        await ask(() => context.environments.start(owner, access, name));
        break;
      case 'stop':
        await ask(() => context.environments.stop(owner, reach(name)));
        break;
      case 'delete':
        await ask(() => context.environments.delete(owner, reach(name), false));
        break;
      case 'delete with disk':
        await ask(async () => {
          const deleted = await context.environments.delete(owner, reach(name), true);
          if (deleted.disk !== null) askedToDeleteDisk.add(deleted.disk.id);
        });
        break;
      case 'dies':
        if (current !== undefined) driver.control.dies(current.id, 'The host restarted.');
        break;
      case 'settle':
        await settle();
        break;
    }
  }

  async function settle(): Promise<void> {
    await untilTrue(async () => {
      const environments = await context.environments.list(owner.account.id);
      const disks = await context.disks.list(owner.account.id);
      return (
        environments.every((environment) => !transitional.has(environment.status)) &&
        disks.every((disk) => disk.status !== 'Creating' && disk.status !== 'Deleting')
      );
    }, 'nothing is in transition');
  }

  async function checkInvariants(): Promise<void> {
    const environments = await context.environments.list(owner.account.id);
    const facts = await driver.compute.list();
    expect(new Set(facts.map(({ id }) => id)).size).toBe(facts.length);
    for (const { id } of facts) expect(environments.map((environment) => environment.id)).toContain(id);
    for (const environment of environments) {
      const fact = facts.find(({ id }) => id === environment.id);
      // One that was paused before its machine was made has none.
      if (environment.status === 'Stopped') expect(fact?.state).not.toBe('running');
    }
    const alive = new Set((await driver.disks.list()).map(({ id }) => id));
    for (const disk of seenDisks) if (!askedToDeleteDisk.has(disk)) expect(alive).toContain(disk);
    for (const disk of await context.disks.list(owner.account.id)) expect(alive).toContain(disk.id);
    const open = driver.control.intervals().filter(({ what, to }) => what === 'machine running' && to === null);
    expect(new Set(open.map(({ id }) => id)).size).toBe(open.length);
  }

  const commands: Command[] = ['create', 'start', 'stop', 'delete', 'delete with disk', 'dies', 'settle'];
  const methods: MemoryMethod[] = [
    'compute.inspect',
    'compute.create',
    'compute.start',
    'compute.stop',
    'compute.delete',
    'compute.address',
    'disks.inspect',
    'disks.create',
    'disks.delete',
  ];
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...commands).map((command) => ({ command })) },
    {
      weight: 1,
      arbitrary: fc.record({ fault: fc.constantFrom(...methods), hasEffect: fc.boolean() }),
    },
  );

  test('a pause decided on before a deletion was asked for does not undo it', async () => {
    const created = await context.environments.create(owner, access, {});
    await answerFor(created.id);
    await settle();
    const store = environmentStore(context.database);
    const before = await store.byId(created.id);
    if (before === undefined) throw new Error('The environment has no row.');
    await perform('delete with disk');
    const now = systemClock.now();
    expect(await store.wish(before, wishToStop(now, 'Idle.'), now)).toBe(false);
    await settle();
    expect(await mine()).toBeUndefined();
  });

  test('leave nothing stuck, nothing twice, and no disk deleted unasked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        for (const one of steps) {
          if ('command' in one) await perform(one.command);
          else if (one.hasEffect)
            driver.control.faults.failAfterEffect(one.fault, new AppError('DriverUnavailable', 'Lost.'));
          else driver.control.faults.failNext(one.fault, new AppError('DriverUnavailable', 'Away.'));
        }
        await settle();
        await checkInvariants();
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
