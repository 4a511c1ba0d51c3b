import { AppError } from '@terrarium/contract';
import type {
  AgentAddress,
  ComputeDriver,
  MachineFact,
  MachineLimits,
  MachineSpec,
} from '../../environments/compute-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { MemoryAbilities } from './abilities.ts';
import { checkId } from './check-id.ts';
import type { Around } from './faults.ts';
import type { IntervalRecord } from './intervals.ts';

export type ComputeMethod =
  | 'compute.describe'
  | 'compute.inspect'
  | 'compute.create'
  | 'compute.start'
  | 'compute.sleep'
  | 'compute.wake'
  | 'compute.limit'
  | 'compute.stop'
  | 'compute.delete'
  | 'compute.list'
  | 'compute.address'
  | 'compute.logs';

interface Machine {
  spec: MachineSpec;
  readonly createdAt: Date;
  run: { readonly startedAt: Date; asleepSince: Date | null; usedMemoryBytes: number } | null;
  endedAt: Date | null;
  exit: string | null;
  readonly log: string[];
}

export interface MemoryMachines {
  readonly driver: ComputeDriver;
  /** The machine that runs or sleeps with this disk attached. */
  userOf(diskId: string): string | null;
  /** Ends a running or sleeping machine by itself. */
  dies(id: string, reason: string): void;
  setAddress(id: string, address: AgentAddress | null): void;
  setUsedMemory(id: string, bytes: number): void;
  limitsOf(id: string): MachineLimits | null;
  appendLog(id: string, line: string): void;
}

const image = 'machine';

export function createMachines(options: {
  clock: Clock;
  around: Around<ComputeMethod>;
  record: IntervalRecord;
  abilities: () => MemoryAbilities;
  hasDisk: (id: string) => boolean;
}): MemoryMachines {
  const { clock, around, record, abilities } = options;
  const machines = new Map<string, Machine>();
  const addresses = new Map<string, AgentAddress | null>();
  const now = (): Date => new Date(clock.now());

  const factOf = (id: string): MachineFact => {
    const machine = machines.get(id);
    if (machine === undefined) return { id, state: 'absent' };
    const { createdAt, run, endedAt, exit } = machine;
    if (run === null) return { id, state: 'stopped', createdAt, endedAt, exit };
    const { startedAt, asleepSince } = run;
    return asleepSince === null
      ? { id, state: 'running', createdAt, startedAt }
      : { id, state: 'asleep', createdAt, startedAt, asleepSince };
  };
  const userOf = (diskId: string): string | null =>
    [...machines.values()].find((machine) => machine.run !== null && machine.spec.diskId === diskId)?.spec.id ?? null;

  const end = (id: string, exit: string | null): void => {
    const machine = machines.get(id);
    if (machine === undefined || machine.run === null) return;
    record.close(machine.run.asleepSince === null ? 'machine running' : 'machine asleep', id);
    machine.run = null;
    machine.endedAt = now();
    machine.exit = exit;
  };

  const driver: ComputeDriver = {
    name: 'memory',
    describe: () =>
      around('compute.describe', null, () => {
        const { maxCpus, maxMemoryBytes, maxGpus, canSleep, canLimitLive, build } = abilities();
        return {
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
          maxGpus,
          build,
          canSleep,
          canLimitLive,
        };
      }),
    inspect: (id) => around('compute.inspect', id, () => factOf(id)),
    create: (spec) =>
      around('compute.create', spec.id, () => {
        checkSpec(spec, abilities());
        const known = machines.get(spec.id);
        if (known !== undefined) {
          if (known.run === null) known.spec = spec;
          return;
        }
        machines.set(spec.id, { spec, createdAt: now(), run: null, endedAt: null, exit: null, log: [] });
        record.open('machine', spec.id);
      }),
    start: (spec) =>
      around('compute.start', spec.id, () => {
        checkSpec(spec, abilities());
        const machine = machines.get(spec.id);
        if (machine === undefined)
          throw new AppError('NotPossibleNow', `Machine '${spec.id}' has to be created before it starts.`);
        if (machine.run !== null) return;
        if (!options.hasDisk(spec.diskId))
          throw new AppError('NotPossibleNow', `Disk '${spec.diskId}' does not exist.`);
        const other = userOf(spec.diskId);
        if (other !== null) throw diskInUse(spec.diskId, other);
        machine.spec = spec;
        machine.exit = null;
        machine.run = { startedAt: now(), asleepSince: null, usedMemoryBytes: 0 };
        machine.log.push('started');
        record.open('machine running', spec.id);
      }),
    sleep: (id) =>
      around('compute.sleep', id, () => {
        const run = machines.get(id)?.run;
        if (run == null || run.asleepSince !== null) return;
        if (!abilities().canSleep) throw new AppError('NotPossibleNow', 'Machines cannot be frozen on this host.');
        run.asleepSince = now();
        record.close('machine running', id);
        record.open('machine asleep', id);
      }),
    wake: (id) =>
      around('compute.wake', id, () => {
        const run = machines.get(id)?.run;
        if (run == null || run.asleepSince === null) return;
        run.asleepSince = null;
        record.close('machine asleep', id);
        record.open('machine running', id);
      }),
    limit: (id, limits) =>
      around('compute.limit', id, () => {
        checkLimits(limits, abilities());
        const machine = machines.get(id);
        if (machine === undefined || machine.run === null) return;
        if (!abilities().canLimitLive)
          throw new AppError('NotPossibleNow', 'Limits cannot be changed on this host while a machine runs.');
        if (limits.memoryBytes < machine.run.usedMemoryBytes) {
          const [used, asked] = [machine.run.usedMemoryBytes, limits.memoryBytes].map(gibibytes);
          throw new AppError('NotPossibleNow', `It uses ${used ?? ''} GiB of memory, more than ${asked ?? ''} GiB.`);
        }
        machine.spec = { ...machine.spec, cpus: limits.cpus, memoryBytes: limits.memoryBytes };
      }),
    stop: (id) =>
      around('compute.stop', id, () => {
        end(id, null);
        const machine = machines.get(id);
        if (machine !== undefined) machine.exit = null;
      }),
    delete: (id) =>
      around('compute.delete', id, () => {
        end(id, null);
        if (machines.delete(id)) record.close('machine', id);
      }),
    list: () => around('compute.list', null, () => [...machines.keys()].map(factOf)),
    address: (id) =>
      around('compute.address', id, () => {
        if (machines.get(id)?.run == null) return null;
        const address = addresses.get(id);
        // A path where nothing listens, as long as the test gave none.
        return address ?? { socketPath: `/nonexistent/${id}/agent.sock` };
      }),
    logs: (id) => around('compute.logs', id, () => machines.get(id)?.log.join('\n') ?? ''),
  };

  return {
    driver,
    userOf,
    dies: end,
    setAddress(id, address) {
      addresses.set(id, address);
    },
    setUsedMemory(id, bytes) {
      const run = machines.get(id)?.run;
      if (run != null) run.usedMemoryBytes = bytes;
    },
    limitsOf(id) {
      const machine = machines.get(id);
      if (machine === undefined || machine.run === null) return null;
      return { cpus: machine.spec.cpus, memoryBytes: machine.spec.memoryBytes };
    },
    appendLog(id, line) {
      machines.get(id)?.log.push(line);
    },
  };
}

export function diskInUse(diskId: string, machineId: string): AppError {
  return new AppError(
    'NotPossibleNow',
    `Disk '${diskId}' is attached to the running machine '${machineId}'. Stop that one first.`,
  );
}

function checkSpec(spec: MachineSpec, abilities: MemoryAbilities): void {
  checkId(spec.id);
  checkId(spec.diskId);
  if (spec.image !== image)
    throw new AppError('InvalidInput', `There is no image '${spec.image}' here. Choose '${image}'.`);
  checkLimits(spec, abilities);
}

function checkLimits({ cpus, memoryBytes }: MachineLimits, { maxCpus, maxMemoryBytes }: MemoryAbilities): void {
  if (!(cpus > 0 && cpus <= maxCpus)) {
    throw new AppError('InvalidInput', `A machine here has more than 0 and at most ${String(maxCpus)} CPUs.`);
  }
  if (!(memoryBytes > 0 && memoryBytes <= maxMemoryBytes)) {
    throw new AppError(
      'InvalidInput',
      `A machine here has more than 0 and at most ${gibibytes(maxMemoryBytes)} GiB of memory.`,
    );
  }
}

function gibibytes(bytes: number): string {
  return String(Math.round((bytes / 2 ** 30) * 10) / 10);
}
