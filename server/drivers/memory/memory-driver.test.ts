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
computeConformance({
  name: 'memory on a host that can do less',
  make: async () => {
    const driver = await make();
    driver.control.setAbilities({ canSleep: false, canLimitLive: false, growsOnline: false });
    return driver;
  },
});
diskConformance({
  name: 'memory',
  make: async () => {
    const driver = await make();
    return {
      ...driver,
      reopen: async () => driver.disks,
      write: async (id, text) => {
        driver.control.writeDisk(id, text);
      },
      read: async (id) => driver.control.readDisk(id) ?? '',
    };
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
    await compute.sleep('m1');
    now = 70;
    await compute.wake('m1');
    now = 80;
    await compute.sleep('m1');
    now = 90;
    await compute.delete('m1');
    expect(control.intervals()).toEqual([
      { what: 'disk', id: 'd1', from: 10, to: null },
      { what: 'machine', id: 'm1', from: 20, to: 90 },
      { what: 'machine running', id: 'm1', from: 30, to: 40 },
      { what: 'machine running', id: 'm1', from: 50, to: 60 },
      { what: 'machine asleep', id: 'm1', from: 60, to: 70 },
      { what: 'machine running', id: 'm1', from: 70, to: 80 },
      { what: 'machine asleep', id: 'm1', from: 80, to: 90 },
    ]);
  });

  it('ends a sleeping machine by itself when told to', async () => {
    let now = 5;
    const { compute, disks, control } = createMemoryDriver({ clock: { now: () => now } });
    await disks.create({ id: 'd1', sizeBytes: gibibyte });
    await compute.create(spec);
    await compute.start(spec);
    await compute.sleep('m1');
    now = 9;
    control.dies('m1', 'The host was restarted.');
    const stopped = { id: 'm1', state: 'stopped', createdAt: new Date(5), endedAt: new Date(9) };
    expect(await compute.inspect('m1')).toEqual({ ...stopped, exit: 'The host was restarted.' });
  });

  it('refuses a memory limit below what is used', async () => {
    const { compute, disks, control } = createMemoryDriver({ clock: systemClock });
    await disks.create({ id: 'd1', sizeBytes: gibibyte });
    await compute.create(spec);
    await compute.start(spec);
    control.setUsedMemory('m1', 0.75 * gibibyte);
    await expect(compute.limit('m1', { cpus: 2, memoryBytes: gibibyte / 2 })).rejects.toThrow(/0\.8 GiB.*0\.5 GiB/);
    expect(control.limitsOf('m1')).toEqual({ cpus: 1, memoryBytes: gibibyte });
    await compute.limit('m1', { cpus: 2, memoryBytes: 2 * gibibyte });
    expect(control.limitsOf('m1')).toEqual({ cpus: 2, memoryBytes: 2 * gibibyte });
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
