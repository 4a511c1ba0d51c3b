import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ComputeDriver, MachineSpec } from '../../environments/compute-driver.ts';
import type { DiskDriver } from '../../disks/disk-driver.ts';

export interface ComputeUnderTest {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  /** The driver object made anew over the same machines, as after a restart of the control plane. */
  reopen(): Promise<{ compute: ComputeDriver; disks: DiskDriver }>;
  /** Ends the machine's first process from outside, as a crash would. */
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
      for (const note of description.notes) expect(note).toMatch(/^[A-Z].*\.$/s);
    });

    it('answers absence with a value', async () => {
      expect(await compute.inspect('never')).toEqual({ id: 'never', state: 'absent' });
      expect(await compute.address('never')).toBeNull();
      expect(await compute.logs('never')).toBe('');
      await compute.stop('never', { graceMs: 10 });
      await compute.delete('never');
      expect((await compute.list()).filter((fact) => fact.id === 'never')).toEqual([]);
    });

    it('goes from absent to stopped to running and back', async () => {
      await compute.create(spec);
      expect(await compute.inspect(spec.id)).toEqual({ id: spec.id, state: 'stopped', exit: null });
      expect(await compute.address(spec.id)).toBeNull();
      await compute.start(spec);
      expect(await compute.inspect(spec.id)).toEqual({ id: spec.id, state: 'running', startedAt: expect.any(Date) });
      expect(await compute.address(spec.id)).not.toBeNull();
      await compute.stop(spec.id, { graceMs: 2000 });
      expect(await compute.inspect(spec.id)).toEqual({ id: spec.id, state: 'stopped', exit: null });
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
      await compute.stop(spec.id, { graceMs: 2000 });
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
      const first = await compute.inspect(spec.id);
      await compute.stop(spec.id, { graceMs: 2000 });
      await compute.start(spec);
      const second = await compute.inspect(spec.id);
      if (first.state !== 'running' || second.state !== 'running')
        throw new Error('It should have been running twice.');
      expect(second.startedAt.getTime()).toBeGreaterThanOrEqual(first.startedAt.getTime());
      await compute.delete(spec.id);
    });

    it('finds running and stopped machines again after a restart of the driver', async () => {
      const running = await startNew();
      const before = await compute.inspect(running.id);
      await compute.create(spec);
      ({ compute, disks } = await subject.reopen());
      expect(await compute.inspect(running.id)).toEqual(before);
      expect(await compute.address(running.id)).not.toBeNull();
      expect((await compute.list()).toSorted(byId)).toEqual(
        expect.arrayContaining([before, { id: spec.id, state: 'stopped', exit: null }]),
      );
      await compute.start(running);
      expect(await compute.inspect(running.id)).toEqual(before);
      await compute.stop(running.id, { graceMs: 2000 });
      expect((await compute.inspect(running.id)).state).toBe('stopped');
      await compute.delete(running.id);
      await compute.delete(spec.id);
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
      await subject.crash(running.id);
      const fact = await compute.inspect(running.id);
      expect(fact).toEqual({ id: running.id, state: 'stopped', exit: expect.stringMatching(/^[A-Z].*\.$/s) });
      expect(await compute.list()).toContainEqual(fact);
      expect(await compute.address(running.id)).toBeNull();
      await compute.start(running);
      expect((await compute.inspect(running.id)).state).toBe('running');
      await compute.stop(running.id, { graceMs: 2000 });
      expect(await compute.inspect(running.id)).toEqual({ id: running.id, state: 'stopped', exit: null });
      await compute.delete(running.id);
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

function byId(left: { id: string }, right: { id: string }): number {
  return left.id < right.id ? -1 : 1;
}
