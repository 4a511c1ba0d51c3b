import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError, environmentStatuses, transitional, type Environment } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { Context } from '../context.ts';
import { chargeStore } from '../cost/store.ts';
import type { MemoryDriver, MemoryMethod } from '../drivers/memory/memory-driver.ts';
import { ownReach, type Reach } from '../environments/reaching.ts';
import { preparedStore } from '../environments/pool/store.ts';
import { environmentStore } from '../environments/store.ts';
import type { PreparedState } from '../environments/pool/plan.ts';
import { wishToStop } from '../environments/wishes.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import { createMemoryInstallation, type MemoryInstallation } from './memory-installation.ts';

const tick = 50;
const hour = 3_600_000;

/** Running, asleep and paused cost so different amounts that a charge tells which of them it is for. */
const prices = { cpuHour: 1, memoryGiBHour: 100, bootDiskGiBMonth: 1, diskGiBMonth: 1, gpuHour: 0, currency: 'USD' };
type Charged = 'machine running' | 'machine asleep' | 'machine paused';

/** The real reconciler, watch and database over the memory driver, with agents that only say that they are there. */
describe.each([0, 1])('random requests and faults, with %i prepared', (poolSize) => {
  let installation: MemoryInstallation;
  let context: Context;
  let driver: MemoryDriver;
  let owner: Principal;
  let access: WorkspaceAccess;
  let now = Date.UTC(2026, 0, 1);
  /** How far the clock went on while somebody was at work, which a charge may be late by. */
  let slip = 0;
  let begunAt = 0;
  const askedToDeleteDisk = new Set<string>();
  const seenDisks = new Set<string>();
  const seenStatuses = new Map<string, Environment['status']>();
  const forbidden: string[] = [];
  let taken = 0;

  beforeAll(async () => {
    installation = await createMemoryInstallation({ clock: { now: () => now }, prices, poolSize });
    ({ context, driver, owner, access } = installation);
    context.events.subscribe(({ event }) => {
      if (event.kind === 'environment') void followStatus(event.id);
    });
    context.reconciler.start();
  });

  afterAll(() => installation.remove());

  /** Every change of status that is seen has to be in the table; one may be missed between two looks. */
  async function followStatus(id: string): Promise<void> {
    const status = (await environmentStore(context.database).byId(id))?.status;
    if (status === undefined) return;
    const before = seenStatuses.get(id);
    seenStatuses.set(id, status);
    if (before === undefined || before === status) return;
    const one = environmentStatuses[before].next;
    const isKnown = one.includes(status) || one.some((between) => environmentStatuses[between].next.includes(status));
    if (!isKnown) forbidden.push(`${before} -> ${status}`);
  }

  const environmentsNow = (): Promise<Environment[]> => context.environments.list(owner.account.id);
  const reach = (nameOrId: string): Reach => ownReach(owner.account.id, access.workspace.id, nameOrId);

  /** A request may be refused with a sentence; anything else is a defect. */
  async function ask(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) throw error;
    }
  }

  const names = ['main', 'second'] as const;
  type Action = (name: string) => Promise<unknown>;
  const actions = {
    create: async (name) => {
      const ready = await prepared('ready');
      const created = await context.environments.create(owner, access, { name, diskName: `disk-${name}` });
      if (ready.includes(created.id)) taken++;
      await installation.answerFor(created.id);
    },
    start: (name) => context.environments.start(owner, access, name),
    stop: (name) => context.environments.stop(owner, reach(name)),
    'stop all': () => context.environments.stopAll(owner),
    sleep: (name) => context.environments.sleep(reach(name)),
    wake: (name) => context.environments.wake(owner, access, name),
    'wake by use': () => context.sleepers.wakeChosen(owner.account.id, access.workspace.id),
    delete: (name) => context.environments.delete(owner, reach(name), false),
    'delete with disk': async (name) => {
      const deleted = await context.environments.delete(owner, reach(name), true);
      if (deleted.disk !== null) askedToDeleteDisk.add(deleted.disk.id);
    },
    dies: async (name): Promise<void> => {
      const found = (await environmentsNow()).find((environment) => environment.name === name);
      if (found !== undefined) driver.control.dies(found.id, 'The host restarted.');
    },
    'more CPUs': (name) => change(name, ({ cpus }) => ({ cpus: (cpus % 4) + 1 })),
    'new boot disk': (name) => change(name, ({ bootDiskGiB }) => ({ bootDiskGiB: (bootDiskGiB % 60) + 1 })),
    variables: (name) => change(name, () => ({ environmentVariables: { AT: String(now) } })),
    script: (name) => change(name, () => ({ startupScript: `echo ${String(now)}` })),
    'grow disk': (name) => change(name, ({ disk }) => ({ diskGiB: (disk?.sizeGiB ?? 0) + 1 })),
    'other disk': (name) =>
      change(name, ({ disk }) => ({ diskName: disk?.name === 'disk-third' ? `disk-${name}` : 'disk-third' })),
    'dry run': (name) => change(name, () => ({ cpus: 3, bootDiskGiB: 9, diskName: 'disk-dry' }), true),
    'dies unnoticed': async (name) => {
      await settle();
      await actions.dies(name);
      now += hour;
    },
    settle: () => settle(),
  } as const satisfies Record<string, Action>;
  const frequent = ['start', 'sleep', 'wake', 'settle', 'settle'] as const;
  const actionNames = Object.keys(actions) as (keyof typeof actions)[];

  async function change(
    name: string,
    of: (environment: Environment) => Parameters<Context['environments']['update']>[2],
    isDryRun = false,
  ): Promise<void> {
    const environment = await context.environments.get(reach(name));
    await context.environments.update(reach(name), access, of(environment), { isDryRun });
  }

  async function noteDisks(): Promise<void> {
    for (const { id } of await context.disks.list(owner.account.id)) seenDisks.add(id);
  }

  async function prepared(...states: PreparedState[]): Promise<string[]> {
    const rows = await preparedStore(context.database).all();
    return rows.filter(({ state }) => states.includes(state)).map(({ id }) => id);
  }

  /** Nothing else happens meanwhile, so time may leap. */
  async function settlePool(): Promise<void> {
    const end = performance.now() + 8_000;
    for (;;) {
      await context.pool.keep();
      for (const id of await prepared('making')) await installation.answerFor(id);
      const rows = await preparedStore(context.database).all();
      if (rows.length === poolSize && rows.every(({ state, run_at }) => state === 'ready' && run_at === null)) return;
      if (performance.now() > end) throw new Error(`The pool is stuck: ${JSON.stringify(rows)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now += 1000;
      context.reconciler.nudge();
    }
  }

  /** Lets everything come to rest, then lets an hour pass. */
  async function settle(): Promise<void> {
    await noteDisks();
    const end = performance.now() + 8_000;
    for (;;) {
      await context.watch.sweep();
      const rows = await environmentStore(context.database).listIn(access.workspace.id);
      const disks = await context.disks.list(owner.account.id);
      const isAtRest =
        rows.every((row) => !transitional.has(row.status) && row.run_at === null) &&
        disks.every(({ status, growsToGiB, attachedTo }) =>
          status === 'Creating' || status === 'Deleting' ? false : growsToGiB === null || attachedTo !== null,
        );
      if (isAtRest) break;
      if (performance.now() > end) {
        const stuck = rows.map(({ name, status, desired, run_at, reason }) => ({
          name,
          status,
          desired,
          run_at,
          reason,
        }));
        throw new Error(`Something is stuck: ${JSON.stringify({ stuck, disks })}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      now += tick;
      slip += 2 * tick;
      context.reconciler.nudge();
    }
    await settlePool();
    now += hour;
  }

  /** Leaves nothing to the next sequence. */
  async function clearAway(): Promise<void> {
    driver.control.faults.clear();
    for (const { id, status } of await environmentsNow()) {
      if (status !== 'Deleting') await context.environments.delete(owner, reach(id), false);
    }
    await settle();
    for (const { id } of await context.disks.list(owner.account.id)) {
      askedToDeleteDisk.add(id);
      await context.disks.requestDelete(owner.account.id, id);
    }
    await settle();
    const rows = await preparedStore(context.database).all();
    expect((await driver.compute.list()).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect((await driver.disks.list()).map(({ id }) => id)).toEqual(rows.map((row) => row.disk_id));
  }

  async function checkInvariants(): Promise<void> {
    const environments = await environmentsNow();
    const facts = await driver.compute.list();
    expect(new Set(facts.map(({ id }) => id)).size).toBe(facts.length);
    const ids = [...environments.map(({ id }) => id), ...(await prepared('ready'))];
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id } of facts) expect(ids).toContain(id);
    for (const environment of environments) {
      const state = facts.find(({ id }) => id === environment.id)?.state ?? 'absent';
      if (environment.status === 'Running') expect(state).toBe('running');
      if (environment.status === 'Asleep') expect(state).toBe('asleep');
      // One that was paused before its machine was made has none.
      if (environment.status === 'Stopped') expect(['stopped', 'absent']).toContain(state);
    }
    const inUse = environments.flatMap(({ disk }) => (disk === null ? [] : [disk.id]));
    expect(new Set(inUse).size).toBe(inUse.length);
    const alive = new Set((await driver.disks.list()).map(({ id }) => id));
    for (const disk of seenDisks) if (!askedToDeleteDisk.has(disk)) expect(alive).toContain(disk);
    const disks = await context.disks.list(owner.account.id);
    for (const disk of disks) {
      expect(alive).toContain(disk.id);
      const user = environments.find(({ id }) => id === disk.attachedTo?.id);
      // In Error its machine may still hold the disk that it had before.
      if (disk.attachedTo !== null && user?.status !== 'Error') expect(inUse).toContain(disk.id);
    }
    expect(disks.map(({ name }) => name)).not.toContain('disk-dry');
    expect(forbidden).toEqual([]);
    const ofThisSequence = driver.control.intervals().filter(({ from }) => from >= begunAt);
    for (const id of new Set(ofThisSequence.map((interval) => interval.id))) await checkCharges(id);
  }

  /** The ledger says of each machine what the driver's own record says. */
  async function checkCharges(id: string): Promise<void> {
    // What was made ahead of need costs nothing before somebody has it.
    const ownedSince = (await environmentStore(context.database).byId(id))?.created_at ?? Infinity;
    const recorded = { machine: 0, 'machine running': 0, 'machine asleep': 0, disk: 0 };
    for (const { what, from, to } of driver.control.intervals().filter((interval) => interval.id === id)) {
      recorded[what] += Math.max(0, (to ?? now) - Math.max(from, ownedSince));
    }
    const charged = { 'machine running': 0, 'machine asleep': 0, 'machine paused': 0 };
    for (const row of await chargeStore(context.database).of(id)) {
      if (row.category === 'Compute') charged[chargedAs(row.per_hour)] += (row.ended_at ?? now) - row.started_at;
    }
    const expected: Record<Charged, number> = {
      'machine running': recorded['machine running'],
      'machine asleep': recorded['machine asleep'],
      'machine paused': recorded.machine - recorded['machine running'] - recorded['machine asleep'],
    };
    for (const what of ['machine running', 'machine asleep', 'machine paused'] as const) {
      expect(Math.abs(charged[what] - expected[what]), `${what} of ${id}`).toBeLessThanOrEqual(slip);
    }
  }

  const methods: MemoryMethod[] = [
    'compute.inspect',
    'compute.create',
    'compute.start',
    'compute.sleep',
    'compute.wake',
    'compute.limit',
    'compute.stop',
    'compute.delete',
    'compute.address',
    'disks.inspect',
    'disks.create',
    'disks.resize',
    'disks.delete',
  ];
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ action: fc.constantFrom(...actionNames, ...frequent), name: fc.constantFrom(...names) }),
    },
    { weight: 1, arbitrary: fc.record({ fault: fc.constantFrom(...methods), hasEffect: fc.boolean() }) },
  );

  test('a pause decided on before a deletion was asked for does not undo it', async () => {
    await actions.create('main');
    await settle();
    const store = environmentStore(context.database);
    const [before] = await store.listIn(access.workspace.id);
    if (before === undefined) throw new Error('The environment has no row.');
    await actions['delete with disk']('main');
    expect(await store.wish(before, wishToStop(now, 'Idle.'), now)).toBe(false);
    await settle();
    expect(await environmentsNow()).toEqual([]);
  });

  test('leave nothing stuck, nothing twice, no disk deleted unasked, and the ledger equal to the record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 }),
        fc.array(step, { minLength: 1, maxLength: 12 }),
        async (made, steps) => {
          slip = 4 * tick;
          begunAt = now;
          for (const name of names.slice(0, made)) await actions.create(name);
          await settle();
          for (const one of steps) {
            if ('action' in one) await ask(() => actions[one.action](one.name));
            else {
              const error = new AppError('DriverUnavailable', 'Away.');
              if (one.hasEffect) driver.control.faults.failAfterEffect(one.fault, error);
              else driver.control.faults.failNext(one.fault, error);
            }
          }
          await settle();
          await checkInvariants();
          const isHealthy = !steps.some((one) => 'fault' in one);
          if (isHealthy)
            for (const { status, reason } of await environmentsNow()) expect([status, reason]).not.toContain('Error');
          await clearAway();
        },
      ),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60), endOnFailure: true },
    );
    if (poolSize > 0) expect(taken).toBeGreaterThan(10);
  }, 600_000);

  function chargedAs(perHour: number): Charged {
    if (perHour > 400) return perHour - 400 >= 1 ? 'machine running' : 'machine asleep';
    return 'machine paused';
  }
});
