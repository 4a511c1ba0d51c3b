import { AppError } from '@terrarium/contract';
import type { AgentAddress, ComputeDriver, MachineFact, MachineSpec } from '../../environments/compute-driver.ts';
import type { DiskDriver, DiskFact } from '../../disks/disk-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { createFaults, type Faults } from './faults.ts';
import { createIntervalRecord, type Interval } from './intervals.ts';

export type MemoryMethod =
  | 'compute.describe'
  | 'compute.inspect'
  | 'compute.create'
  | 'compute.start'
  | 'compute.stop'
  | 'compute.delete'
  | 'compute.list'
  | 'compute.address'
  | 'compute.logs'
  | 'disks.describe'
  | 'disks.inspect'
  | 'disks.create'
  | 'disks.resize'
  | 'disks.delete'
  | 'disks.list';

/** What a test does to the machines, and what it can ask afterwards. */
export interface MemoryControl {
  readonly faults: Faults<MemoryMethod>;
  /** Ends a running machine by itself, for this reason. */
  dies(id: string, reason: string): void;
  /** Where the agent of the machine answers from now on; null for an address where nothing does. */
  setAddress(id: string, address: AgentAddress | null): void;
  setUsedBytes(diskId: string, usedBytes: number): void;
  appendLog(id: string, line: string): void;
  /** Every time a machine existed, ran, or a disk existed, by the driver's clock, in order of their start. */
  intervals(): readonly Interval[];
  /** Every call, in the order in which they began. */
  calls(): readonly { method: MemoryMethod; id: string | null }[];
}

export interface MemoryDriver {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  readonly control: MemoryControl;
}

interface Machine {
  spec: MachineSpec;
  running: { startedAt: Date } | null;
  exit: string | null;
  log: string[];
}

const maxCpus = 64;
const maxMemoryBytes = 512 * 2 ** 30;
const image = 'machine';

/** Machines and disks that exist in this object only, made for tests of everything above the ports. */
export function createMemoryDriver({ clock }: { clock: Clock }): MemoryDriver {
  const machines = new Map<string, Machine>();
  const disks = new Map<string, { sizeBytes: number; usedBytes: number }>();
  const addresses = new Map<string, AgentAddress | null>();
  const record = createIntervalRecord(clock);
  const faults = createFaults<MemoryMethod>();
  const calls: { method: MemoryMethod; id: string | null }[] = [];

  const call = <R>(method: MemoryMethod, id: string | null, effect: () => R): Promise<R> => {
    calls.push({ method, id });
    return faults.around(method, effect);
  };

  const machineFact = (id: string): MachineFact => {
    const machine = machines.get(id);
    if (machine === undefined) return { id, state: 'absent' };
    return machine.running === null
      ? { id, state: 'stopped', exit: machine.exit }
      : { id, state: 'running', startedAt: machine.running.startedAt };
  };
  const diskFact = (id: string): DiskFact => {
    const disk = disks.get(id);
    return disk === undefined ? { id, state: 'absent' } : { id, state: 'ready', ...disk };
  };
  const runningWith = (diskId: string): Machine | undefined =>
    [...machines.values()].find((machine) => machine.running !== null && machine.spec.diskId === diskId);

  const end = (id: string, exit: string | null): void => {
    const machine = machines.get(id);
    if (machine?.running == null) return;
    machine.running = null;
    machine.exit = exit;
    record.close('machine running', id);
  };

  const compute: ComputeDriver = {
    name: 'memory',
    describe: () =>
      call('compute.describe', null, () => ({
        images: [
          {
            reference: image,
            title: 'In memory',
            description: 'A machine that exists in memory only.',
            kernels: [{ name: 'python3', displayName: 'Python 3', language: 'python', version: '3' }],
            packages: [],
            isDefault: true,
          },
        ],
        notes: ['Machines and disks exist in memory only.'],
        maxCpus,
        maxMemoryBytes,
      })),
    inspect: (id) => call('compute.inspect', id, () => machineFact(id)),
    create: (spec) =>
      call('compute.create', spec.id, () => {
        checkSpec(spec);
        const known = machines.get(spec.id);
        if (known !== undefined) {
          if (known.running === null) known.spec = spec;
          return;
        }
        machines.set(spec.id, { spec, running: null, exit: null, log: [] });
        record.open('machine', spec.id);
      }),
    start: (spec) =>
      call('compute.start', spec.id, () => {
        checkSpec(spec);
        const machine = machines.get(spec.id);
        if (machine === undefined)
          throw new AppError('NotPossibleNow', `Machine '${spec.id}' has to be created before it starts.`);
        if (machine.running !== null) return;
        if (!disks.has(spec.diskId)) throw new AppError('NotPossibleNow', `Disk '${spec.diskId}' does not exist.`);
        const other = runningWith(spec.diskId);
        if (other !== undefined) {
          throw new AppError(
            'NotPossibleNow',
            `Disk '${spec.diskId}' is attached to the running machine '${other.spec.id}'. Stop that one first.`,
          );
        }
        machine.spec = spec;
        machine.exit = null;
        machine.running = { startedAt: new Date(clock.now()) };
        machine.log.push('started');
        record.open('machine running', spec.id);
      }),
    stop: (id) =>
      call('compute.stop', id, () => {
        end(id, null);
        const machine = machines.get(id);
        if (machine !== undefined) machine.exit = null;
      }),
    delete: (id) =>
      call('compute.delete', id, () => {
        end(id, null);
        if (machines.delete(id)) record.close('machine', id);
      }),
    list: () => call('compute.list', null, () => [...machines.keys()].map(machineFact)),
    address: (id) =>
      call('compute.address', id, () => {
        if (machines.get(id)?.running == null) return null;
        const address = addresses.get(id);
        // A path where nothing listens, as long as the test gave none.
        return address ?? { socketPath: `/nonexistent/${id}/agent.sock` };
      }),
    logs: (id) => call('compute.logs', id, () => machines.get(id)?.log.join('\n') ?? ''),
  };

  const diskDriver: DiskDriver = {
    name: 'memory',
    describe: () => call('disks.describe', null, () => ({ notes: ['Disks exist in memory only.'] })),
    inspect: (id) => call('disks.inspect', id, () => diskFact(id)),
    create: ({ id, sizeBytes }) =>
      call('disks.create', id, () => {
        checkId(id);
        checkSize(sizeBytes);
        if (disks.has(id)) return;
        disks.set(id, { sizeBytes, usedBytes: 0 });
        record.open('disk', id);
      }),
    resize: (id, sizeBytes) =>
      call('disks.resize', id, () => {
        const disk = disks.get(id);
        if (disk === undefined) throw new AppError('NotFound', `There is no disk '${id}'.`);
        checkSize(sizeBytes);
        if (sizeBytes < disk.sizeBytes)
          throw new AppError('InvalidInput', 'A disk only grows; give a size above the present one.');
        disk.sizeBytes = sizeBytes;
      }),
    delete: (id) =>
      call('disks.delete', id, () => {
        const user = runningWith(id);
        if (user !== undefined) {
          throw new AppError(
            'NotPossibleNow',
            `Disk '${id}' is attached to the running machine '${user.spec.id}'. Stop that one first.`,
          );
        }
        if (disks.delete(id)) record.close('disk', id);
      }),
    list: () => call('disks.list', null, () => [...disks.keys()].map(diskFact)),
  };

  return {
    compute,
    disks: diskDriver,
    control: {
      faults,
      dies: end,
      setAddress(id, address) {
        addresses.set(id, address);
      },
      setUsedBytes(diskId, usedBytes) {
        const disk = disks.get(diskId);
        if (disk !== undefined) disk.usedBytes = usedBytes;
      },
      appendLog(id, line) {
        machines.get(id)?.log.push(line);
      },
      intervals: () => record.all(),
      calls: () => calls,
    },
  };
}

function checkSpec(spec: MachineSpec): void {
  checkId(spec.id);
  checkId(spec.diskId);
  if (spec.image !== image)
    throw new AppError('InvalidInput', `There is no image '${spec.image}' here. Choose '${image}'.`);
  if (!(spec.cpus > 0 && spec.cpus <= maxCpus)) {
    throw new AppError('InvalidInput', `A machine here has more than 0 and at most ${String(maxCpus)} CPUs.`);
  }
  if (!(spec.memoryBytes > 0 && spec.memoryBytes <= maxMemoryBytes)) {
    throw new AppError('InvalidInput', 'A machine here has more than 0 and at most 512 GiB of memory.');
  }
}

function checkId(id: string): void {
  if (!/^[a-z0-9]{1,40}$/.test(id))
    throw new AppError('InvalidInput', 'An id has 1 to 40 lower-case letters and digits.');
}

function checkSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0)
    throw new AppError('InvalidInput', 'A disk size is a positive whole number of bytes.');
}
