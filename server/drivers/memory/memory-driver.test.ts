import { describe, expect, it } from 'vitest';
import { systemClock } from '../../plumbing/clock.ts';
import { computeConformance } from '../conformance/compute.ts';
import { diskConformance } from '../conformance/disk.ts';
import { createMemoryDriver } from './memory-driver.ts';

const make = async () => {
  const driver = createMemoryDriver({ clock: systemClock });
  return {
    ...driver,
    reopen: async () => driver,
    crash: async (id: string) => {
      driver.control.dies(id, 'It ran out of memory.');
    },
    dispose: async () => undefined,
  };
};

computeConformance({ name: 'memory', make });
diskConformance({
  name: 'memory',
  make: async () => {
    const driver = await make();
    return { ...driver, reopen: async () => driver.disks };
  },
});

describe('memory driver', () => {
  const gibibyte = 2 ** 30;
  const agent = { secret: 's', environmentVariables: {}, warmKernel: null };
  const spec = {
    id: 'm1',
    image: 'machine',
    cpus: 1,
    memoryBytes: gibibyte,
    bootDiskBytes: gibibyte,
    diskId: 'd1',
    agent,
  };

  it('records exactly when each thing was there', async () => {
    let now = 0;
    const { compute, disks, control } = createMemoryDriver({ clock: { now: () => now } });
    now = 10;
    await disks.create({ id: 'd1', sizeBytes: gibibyte });
    now = 20;
    await compute.create(spec);
    now = 30;
    await compute.start(spec);
    now = 40;
    control.dies('m1', 'It ran out of memory.');
    now = 50;
    await compute.start(spec);
    now = 60;
    await compute.delete('m1');
    expect(control.intervals()).toEqual([
      { what: 'disk', id: 'd1', from: 10, to: null },
      { what: 'machine', id: 'm1', from: 20, to: 60 },
      { what: 'machine running', id: 'm1', from: 30, to: 40 },
      { what: 'machine running', id: 'm1', from: 50, to: 60 },
    ]);
  });

  it('fails, fails after the effect, and waits as it is told', async () => {
    const { compute, disks, control } = createMemoryDriver({ clock: systemClock });
    await disks.create({ id: 'd1', sizeBytes: gibibyte });
    control.faults.failNext('compute.create', new Error('before'));
    await expect(compute.create(spec)).rejects.toThrow('before');
    expect((await compute.inspect('m1')).state).toBe('absent');
    control.faults.failAfterEffect('compute.create', new Error('after'));
    await expect(compute.create(spec)).rejects.toThrow('after');
    expect((await compute.inspect('m1')).state).toBe('stopped');
    const hold = control.faults.holdNext('compute.start');
    const started = compute.start(spec);
    await hold.arrived;
    expect((await compute.inspect('m1')).state).toBe('stopped');
    hold.release();
    await started;
    expect((await compute.inspect('m1')).state).toBe('running');
  });
});
