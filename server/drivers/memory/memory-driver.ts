import type { DiskDriver } from '../../disks/disk-driver.ts';
import type { AgentAddress, ComputeDriver, MachineLimits } from '../../environments/compute-driver.ts';
import type { Clock } from '../../plumbing/clock.ts';
import { fullAbilities, type MemoryAbilities } from './abilities.ts';
import { createDisks, type DiskMethod } from './disks.ts';
import { createFaults, type Around, type Faults } from './faults.ts';
import { createIntervalRecord, type Interval } from './intervals.ts';
import { createMachines, type ComputeMethod } from './machines.ts';

export type MemoryMethod = ComputeMethod | DiskMethod;

/** What a test does to the machines, and what it can ask afterwards. */
export interface MemoryControl {
  readonly faults: Faults<MemoryMethod>;
  /** Ends a running or sleeping machine by itself, for this reason. */
  dies(id: string, reason: string): void;
  /** Where the agent of the machine answers from now on; null for an address where nothing does. */
  setAddress(id: string, address: AgentAddress | null): void;
  /** What a running or sleeping machine uses: its limit cannot go below that. */
  setUsedMemory(id: string, bytes: number): void;
  /** The limits that hold now; null when the machine neither runs nor sleeps. */
  limitsOf(id: string): MachineLimits | null;
  setUsedBytes(diskId: string, usedBytes: number): void;
  /** Makes `text` all that is on the disk. */
  writeDisk(diskId: string, text: string): void;
  /** What is on the disk; null when there is none. */
  readDisk(diskId: string): string | null;
  appendLog(id: string, line: string): void;
  /** Makes the host able to do less, or more, from now on. At first it can do everything but GPUs. */
  setAbilities(changes: Partial<MemoryAbilities>): void;
  /** Every time a machine existed, ran awake, or slept, or a disk existed, by the driver's clock, in order of their start. */
  intervals(): readonly Interval[];
  /** Every call, in the order in which they began. */
  calls(): readonly { method: MemoryMethod; id: string | null }[];
}

export interface MemoryDriver {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  readonly control: MemoryControl;
}

/** Machines and disks that exist in this object only, made for tests of everything above the ports. */
export function createMemoryDriver({ clock }: { clock: Clock }): MemoryDriver {
  const record = createIntervalRecord(clock);
  const faults = createFaults<MemoryMethod>();
  const calls: { method: MemoryMethod; id: string | null }[] = [];
  let abilities = fullAbilities;

  const around: Around<MemoryMethod> = (method, id, effect) => {
    calls.push({ method, id });
    return faults.around(method, effect);
  };
  const machines = createMachines({
    clock,
    around,
    record,
    abilities: () => abilities,
    hasDisk: (id) => disks.has(id),
  });
  const disks = createDisks({ around, record, abilities: () => abilities, userOf: machines.userOf });

  return {
    compute: machines.driver,
    disks: disks.driver,
    control: {
      faults,
      dies: machines.dies,
      setAddress: machines.setAddress,
      setUsedMemory: machines.setUsedMemory,
      limitsOf: machines.limitsOf,
      setUsedBytes: disks.setUsedBytes,
      writeDisk: disks.write,
      readDisk: disks.read,
      appendLog: machines.appendLog,
      setAbilities(changes) {
        abilities = { ...abilities, ...changes };
      },
      intervals: () => record.all(),
      calls: () => calls,
    },
  };
}
