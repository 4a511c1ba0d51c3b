import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ComputeDriver, MachineFact, MachineSpec } from '../../environments/compute-driver.ts';
import type { DiskDriver } from '../../disks/disk-driver.ts';

export interface ComputeUnderTest {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  /** The driver object made anew over the same machines, as after a restart of the control plane. */
  reopen(): Promise<{ compute: ComputeDriver; disks: DiskDriver }>;
  /** Ends the machine's first process from outside, as a crash would. Of one that sleeps it may end when it wakes. */
  crash(id: string): Promise<void>;
  dispose(): Promise<void>;
}

const gibibyte = 2 ** 30;

/** What every ComputeDriver does. Call it once in the driver's own test file. */
export function computeConformance(driver: { name: string; make: () => Promise<ComputeUnderTest> }): void {
  describe(`compute: ${driver.name}`, () => {
    let subject: ComputeUnderTest;
    let compute: ComputeDriver;
    let disks: DiskDriver;
    let image = '';
    let spec: MachineSpec;

    const refusal = (code: string) => expect.objectContaining({ name: 'AppError', code });
    const newSpec = async (changes: Partial<MachineSpec> = {}): Promise<MachineSpec> => {
      const diskId = changes.diskId ?? `d${randomBytes(8).toString('hex')}`;
      if (changes.diskId === undefined) await disks.create({ id: diskId, sizeBytes: gibibyte });
      return {
        id: `m${randomBytes(8).toString('hex')}`,
        image,
        cpus: 1,
        memoryBytes: gibibyte,
        bootDiskBytes: gibibyte,
        agent: {
          secret: randomBytes(16).toString('hex'),
          environmentVariables: { GREETING: 'hello' },
          warmKernel: null,
        },
        ...changes,
        diskId,
      };
    };
    const startNew = async (): Promise<MachineSpec> => {
      const one = await newSpec();
      await compute.create(one);
      await compute.start(one);
      return one;
    };
    const inState = async <State extends MachineFact['state']>(id: string, state: State) => {
      const fact = await compute.inspect(id);
      if (!isIn(fact, state)) throw new Error(`Machine ${id} should have been ${state} but was ${fact.state}.`);
      return fact;
    };
    const expectEnded = async (id: string, exit: unknown): Promise<void> => {
      await expect
        .poll(() => compute.inspect(id), { timeout: 10_000 })
        .toEqual({ id, state: 'stopped', createdAt: expect.any(Date), endedAt: expect.any(Date), exit });
    };
    const aSentence = expect.stringMatching(/^[A-Z].*\.$/s);

    beforeAll(async () => {
      subject = await driver.make();
      ({ compute, disks } = subject);
      image = (await compute.describe()).images.find((each) => each.isDefault)?.reference ?? '';
    });
    beforeEach(async () => {
      spec = await newSpec();
    });
    afterAll(async () => {
      await subject.dispose();
    });

    it('describes what it offers: one default image, and limits', async () => {
      const description = await compute.describe();
      expect(description.images.filter((each) => each.isDefault)).toHaveLength(1);
      expect(description.maxCpus).toBeGreaterThan(0);
      expect(description.maxMemoryBytes).toBeGreaterThan(0);
      expect(description.maxGpus).toBeGreaterThanOrEqual(0);
      for (const note of description.notes) expect(note).toMatch(/^[A-Z].*\.$/s);
    });

    it('answers absence with a value', async () => {
      expect(await compute.inspect('never')).toEqual({ id: 'never', state: 'absent' });
      expect(await compute.address('never')).toBeNull();
      expect(await compute.logs('never')).toBe('');
      await compute.sleep('never');
      await compute.wake('never');
      await compute.limit('never', { cpus: 1, memoryBytes: gibibyte });
      await compute.stop('never', { graceMs: 10 });
      await compute.delete('never');
      expect((await compute.list()).filter((fact) => fact.id === 'never')).toEqual([]);
    });

    it('goes from absent to stopped to running and back', async () => {
      await compute.create(spec);
      const made = await inState(spec.id, 'stopped');
      const { createdAt } = made;
      expect(made).toEqual({ id: spec.id, state: 'stopped', createdAt: expect.any(Date), endedAt: null, exit: null });
      expect(await compute.address(spec.id)).toBeNull();
      await compute.start(spec);
      const running = await inState(spec.id, 'running');
      expect(running).toEqual({ id: spec.id, state: 'running', createdAt, startedAt: expect.any(Date) });
      expect(await compute.address(spec.id)).not.toBeNull();
      await compute.stop(spec.id, { graceMs: 2000 });
      const ended = await inState(spec.id, 'stopped');
      expect(ended).toEqual({ id: spec.id, state: 'stopped', createdAt, endedAt: expect.any(Date), exit: null });
      expect(running.startedAt.getTime()).toBeGreaterThanOrEqual(createdAt.getTime());
      expect(ended.endedAt?.getTime()).toBeGreaterThanOrEqual(running.startedAt.getTime());
      expect(await compute.address(spec.id)).toBeNull();
      await compute.delete(spec.id);
      expect(await compute.inspect(spec.id)).toEqual({ id: spec.id, state: 'absent' });
    });

    it('repeats what is done already without a second machine or a new start', async () => {
      await compute.create(spec);
      await compute.create(spec);
      await compute.start(spec);
      const first = await compute.inspect(spec.id);
      await compute.start(spec);
      await compute.create(spec);
      expect(await compute.inspect(spec.id)).toEqual(first);
      expect((await compute.list()).filter((fact) => fact.id === spec.id)).toEqual([first]);
      await compute.stop(spec.id, { graceMs: 2000 });
      const ended = await compute.inspect(spec.id);
      await compute.stop(spec.id, { graceMs: 2000 });
      expect(await compute.inspect(spec.id)).toEqual(ended);
      await compute.delete(spec.id);
      await compute.delete(spec.id);
    });

    it('starts once when asked many times at once', async () => {
      await compute.create(spec);
      await Promise.all([compute.start(spec), compute.start(spec), compute.start(spec)]);
      expect((await compute.list()).filter((fact) => fact.id === spec.id)).toHaveLength(1);
      expect((await compute.inspect(spec.id)).state).toBe('running');
      await Promise.all([compute.stop(spec.id, { graceMs: 2000 }), compute.stop(spec.id, { graceMs: 2000 })]);
      expect((await compute.inspect(spec.id)).state).toBe('stopped');
      await Promise.all([compute.delete(spec.id), compute.delete(spec.id)]);
      expect((await compute.inspect(spec.id)).state).toBe('absent');
    });

    it('starts again after a stop, later than before', async () => {
      await compute.create(spec);
      await compute.start(spec);
      const first = await inState(spec.id, 'running');
      await compute.stop(spec.id, { graceMs: 2000 });
      const { endedAt } = await inState(spec.id, 'stopped');
      await compute.start(spec);
      const second = await inState(spec.id, 'running');
      expect(second.createdAt).toEqual(first.createdAt);
      expect(second.startedAt.getTime()).toBeGreaterThanOrEqual(endedAt?.getTime() ?? Number.NaN);
      await compute.delete(spec.id);
    });

    it('finds running and stopped machines again after a restart of the driver', async () => {
      const running = await startNew();
      const before = await compute.inspect(running.id);
      await compute.create(spec);
      const made = await compute.inspect(spec.id);
      const ended = await startNew();
      await compute.stop(ended.id, { graceMs: 2000 });
      const after = await compute.inspect(ended.id);
      ({ compute, disks } = await subject.reopen());
      expect(await compute.inspect(running.id)).toEqual(before);
      expect(await compute.address(running.id)).not.toBeNull();
      expect(await compute.list()).toEqual(expect.arrayContaining([before, made, after]));
      await compute.start(running);
      expect(await compute.inspect(running.id)).toEqual(before);
      await compute.stop(running.id, { graceMs: 2000 });
      expect((await compute.inspect(running.id)).state).toBe('stopped');
      for (const { id } of [running, spec, ended]) await compute.delete(id);
    });

    it('lists what is being deleted as it was, or not at all', async () => {
      for (let round = 0; round < 3; round++) {
        const { id } = await startNew();
        const { createdAt } = await inState(id, 'running');
        const deleted = compute.delete(id);
        const lists = await Promise.all([compute.list(), compute.list(), deleted.then(() => compute.list())]);
        expect(lists[2].some((fact) => fact.id === id)).toBe(false);
        for (const fact of lists.flat().filter((each) => each.id === id)) expect(fact).toMatchObject({ createdAt });
      }
    });

    it('deletes a running machine, and leaves its disk', async () => {
      const running = await startNew();
      await compute.delete(running.id);
      expect((await compute.inspect(running.id)).state).toBe('absent');
      expect((await disks.inspect(running.diskId)).state).toBe('ready');
      expect((await compute.list()).some((fact) => fact.id === running.id)).toBe(false);
    });

    it('says why a machine ended by itself, starts it again, and forgets the reason', async () => {
      const running = await startNew();
      const { startedAt } = await inState(running.id, 'running');
      await subject.crash(running.id);
      await expectEnded(running.id, aSentence);
      const fact = await inState(running.id, 'stopped');
      expect(fact.endedAt?.getTime()).toBeGreaterThanOrEqual(startedAt.getTime());
      expect(await compute.list()).toContainEqual(fact);
      ({ compute, disks } = await subject.reopen());
      expect(await compute.inspect(running.id)).toEqual(fact);
      expect(await compute.address(running.id)).toBeNull();
      await compute.start(running);
      expect((await compute.inspect(running.id)).state).toBe('running');
      await compute.stop(running.id, { graceMs: 2000 });
      await expectEnded(running.id, null);
      await compute.delete(running.id);
    });

    it('sleeps and wakes where that can be had, and says so where not', async () => {
      const { id } = await startNew();
      const { canSleep } = await compute.describe();
      if (canSleep) {
        const running = await inState(id, 'running');
        await compute.sleep(id);
        const asleep = await inState(id, 'asleep');
        const { createdAt, startedAt, asleepSince } = asleep;
        expect({ createdAt, startedAt }).toEqual({ createdAt: running.createdAt, startedAt: running.startedAt });
        expect(asleepSince.getTime()).toBeGreaterThanOrEqual(startedAt.getTime());
        await compute.sleep(id);
        expect(await compute.inspect(id)).toEqual(asleep);
        expect(await compute.list()).toContainEqual(asleep);
        expect(await compute.address(id)).not.toBeNull();
        await compute.wake(id);
        await compute.wake(id);
        expect(await compute.inspect(id)).toEqual(running);
      } else {
        await expect(compute.sleep(id)).rejects.toEqual(refusal('NotPossibleNow'));
        await inState(id, 'running');
      }
      await compute.delete(id);
    });

    it('lets nothing happen to a stopped machine that is told to sleep, to wake, or to keep other limits', async () => {
      await compute.create(spec);
      const before = await compute.inspect(spec.id);
      await compute.sleep(spec.id);
      await compute.wake(spec.id);
      await compute.limit(spec.id, { cpus: 0.5, memoryBytes: gibibyte / 2 });
      expect(await compute.inspect(spec.id)).toEqual(before);
      await compute.delete(spec.id);
    });

    it('keeps a machine asleep that is started again, over a restart of the driver, and its disk with it', async ({
      skip,
    }) => {
      skip(!(await compute.describe()).canSleep, 'machines do not sleep here');
      const one = await startNew();
      await compute.sleep(one.id);
      const asleep = await inState(one.id, 'asleep');
      ({ compute, disks } = await subject.reopen());
      expect(await compute.inspect(one.id)).toEqual(asleep);
      await compute.start(one);
      await compute.create(one);
      expect(await compute.inspect(one.id)).toEqual(asleep);
      await expect(disks.delete(one.diskId)).rejects.toEqual(refusal('NotPossibleNow'));
      const other = await newSpec({ diskId: one.diskId });
      await compute.create(other);
      await expect(compute.start(other)).rejects.toEqual(refusal('NotPossibleNow'));
      await compute.wake(one.id);
      await inState(one.id, 'running');
      for (const { id } of [one, other]) await compute.delete(id);
    });

    it('stops and deletes a sleeping machine like a running one', async ({ skip }) => {
      skip(!(await compute.describe()).canSleep, 'machines do not sleep here');
      const one = await startNew();
      await compute.sleep(one.id);
      const { asleepSince } = await inState(one.id, 'asleep');
      await compute.stop(one.id, { graceMs: 2000 });
      const { endedAt, exit } = await inState(one.id, 'stopped');
      expect(exit).toBeNull();
      expect(endedAt?.getTime()).toBeGreaterThanOrEqual(asleepSince.getTime());
      await compute.start(one);
      await compute.sleep(one.id);
      await compute.delete(one.id);
      await inState(one.id, 'absent');
      expect((await compute.list()).some((fact) => fact.id === one.id)).toBe(false);
    });

    it('says why a machine ended that was sleeping', async ({ skip }) => {
      skip(!(await compute.describe()).canSleep, 'machines do not sleep here');
      const one = await startNew();
      await compute.sleep(one.id);
      await subject.crash(one.id);
      await compute.wake(one.id);
      await expectEnded(one.id, aSentence);
      await compute.start(one);
      await inState(one.id, 'running');
      await compute.delete(one.id);
    });

    it('of many that put it to sleep and wake it at once leaves it in the one state or the other', async ({ skip }) => {
      skip(!(await compute.describe()).canSleep, 'machines do not sleep here');
      const { id } = await startNew();
      await Promise.all([compute.sleep(id), compute.wake(id), compute.sleep(id), compute.wake(id), compute.sleep(id)]);
      expect(['running', 'asleep']).toContain((await compute.inspect(id)).state);
      await compute.wake(id);
      await inState(id, 'running');
      await compute.delete(id);
    });

    it('gives a machine other limits while it runs and while it sleeps, and says so where that cannot be', async () => {
      const { id } = await startNew();
      const before = await inState(id, 'running');
      const { canLimitLive, canSleep, maxCpus, maxMemoryBytes } = await compute.describe();
      for (const wrong of [{ cpus: maxCpus + 1 }, { cpus: 0 }, { memoryBytes: maxMemoryBytes * 2 }]) {
        const limits = { cpus: 1, memoryBytes: gibibyte, ...wrong };
        await expect(compute.limit(id, limits)).rejects.toEqual(refusal('InvalidInput'));
      }
      const limits = { cpus: 0.5, memoryBytes: gibibyte / 2 };
      if (canLimitLive) {
        await compute.limit(id, limits);
        await compute.limit(id, limits);
        expect(await compute.inspect(id)).toEqual(before);
      } else await expect(compute.limit(id, limits)).rejects.toEqual(refusal('NotPossibleNow'));
      if (canLimitLive && canSleep) {
        await compute.sleep(id);
        await compute.limit(id, { cpus: 1, memoryBytes: gibibyte });
        await inState(id, 'asleep');
        await compute.wake(id);
      }
      expect(await compute.inspect(id)).toEqual(before);
      await compute.delete(id);
    });

    it('runs on while its disk is copied, also asleep', async () => {
      const one = await startNew();
      const { canSleep } = await compute.describe();
      const before = await compute.inspect(one.id);
      await disks.create({ id: `c${one.diskId}`, sizeBytes: gibibyte, copyOf: one.diskId });
      expect(await compute.inspect(one.id)).toEqual(before);
      if (canSleep) {
        await compute.sleep(one.id);
        await disks.create({ id: `s${one.diskId}`, sizeBytes: gibibyte, copyOf: one.diskId });
        await inState(one.id, 'asleep');
        await compute.wake(one.id);
      }
      expect(await compute.inspect(one.id)).toEqual(before);
      await compute.stop(one.id, { graceMs: 2000 });
      const withCopy = { ...one, diskId: `c${one.diskId}` };
      await compute.start(withCopy);
      await inState(one.id, 'running');
      await compute.delete(one.id);
      for (const prefix of ['c', 's', '']) await disks.delete(`${prefix}${one.diskId}`);
    });

    it('attaches a disk to one running machine at a time', async () => {
      const first = await startNew();
      const second = await newSpec({ diskId: first.diskId });
      await compute.create(second);
      await expect(compute.start(second)).rejects.toEqual(refusal('NotPossibleNow'));
      expect((await compute.inspect(second.id)).state).toBe('stopped');
      await expect(disks.delete(first.diskId)).rejects.toEqual(refusal('NotPossibleNow'));
      await compute.stop(first.id, { graceMs: 2000 });
      await compute.start(second);
      await expect(compute.start(first)).rejects.toEqual(refusal('NotPossibleNow'));
      await compute.delete(first.id);
      await compute.delete(second.id);
      await disks.delete(first.diskId);
      expect((await disks.inspect(first.diskId)).state).toBe('absent');
    });

    it('of two machines that race for one disk starts one', async () => {
      const left = await newSpec();
      const right = await newSpec({ diskId: left.diskId });
      await compute.create(left);
      await compute.create(right);
      const results = await Promise.allSettled([compute.start(left), compute.start(right)]);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      await compute.delete(left.id);
      await compute.delete(right.id);
    });

    it('refuses to start without its boot disk or its disk, and says so', async () => {
      await expect(compute.start(spec)).rejects.toEqual(refusal('NotPossibleNow'));
      const without = await newSpec({ diskId: `gone${randomBytes(4).toString('hex')}` });
      await compute.create(without);
      await expect(compute.start(without)).rejects.toEqual(refusal('NotPossibleNow'));
      expect((await compute.inspect(without.id)).state).toBe('stopped');
      await compute.delete(without.id);
    });

    it('refuses what can never work here, and makes nothing', async () => {
      const { maxCpus, maxMemoryBytes } = await compute.describe();
      const wrong: Partial<MachineSpec>[] = [
        { id: '../x' },
        { id: '' },
        { id: 'A' },
        { id: 'a'.repeat(41) },
        { image: 'no-such-image' },
        { cpus: maxCpus + 1 },
        { cpus: 0 },
        { cpus: Number.NaN },
        { memoryBytes: maxMemoryBytes * 2 },
        { memoryBytes: -1 },
      ];
      for (const changes of wrong) {
        const bad = { ...spec, ...changes };
        await expect(compute.create(bad)).rejects.toEqual(refusal('InvalidInput'));
      }
      expect((await compute.inspect(spec.id)).state).toBe('absent');
    });
  });
}

function isIn<State extends MachineFact['state']>(
  fact: MachineFact,
  state: State,
): fact is Extract<MachineFact, { state: State }> {
  return fact.state === state;
}
