import type { AgentUsage } from '@terrarium/contract/agent';
import { read, readGroup } from './cgroup.ts';
import type { DiskMeter } from './disk-use.ts';
import type { Processes } from './processes.ts';

interface CpuSample {
  readonly at: number;
  readonly microseconds: number;
}

const shortestIntervalMs = 500;
const microsecondsPerTick = 10_000;

/** Measures the environment: by its control group where it has one, else by the sum of its processes. */
export class Usage {
  readonly #disk: DiskMeter;
  readonly #processes: Processes;
  readonly #latestOutOfMemory: () => AgentUsage['outOfMemory'];
  #last: CpuSample;
  #cpuCores: number | null = null;

  constructor(parts: { disk: DiskMeter; processes: Processes; latestOutOfMemory: () => AgentUsage['outOfMemory'] }) {
    this.#disk = parts.disk;
    this.#processes = parts.processes;
    this.#latestOutOfMemory = parts.latestOutOfMemory;
    this.#last = this.#read().cpu;
  }

  async measure(): Promise<AgentUsage> {
    const { cpu, memoryBytes, memoryLimitBytes } = this.#read();
    const elapsedMs = cpu.at - this.#last.at;
    if (elapsedMs >= shortestIntervalMs) {
      // The sum over processes falls when one ends with its parent already gone.
      this.#cpuCores = Math.max(0, (cpu.microseconds - this.#last.microseconds) / (elapsedMs * 1000));
      this.#last = cpu;
    }
    const disk = await this.#disk.look();
    return {
      cpuCores: this.#cpuCores,
      memoryBytes,
      memoryLimitBytes,
      diskUsedBytes: disk?.usedBytes ?? null,
      diskTotalBytes: disk?.totalBytes ?? null,
      outOfMemory: this.#latestOutOfMemory(),
    };
  }

  #read(): { cpu: CpuSample; memoryBytes: number; memoryLimitBytes: number | null } {
    const group = readGroup(read('/proc/self/cgroup'));
    const at = Date.now();
    const { cpuMicroseconds, memoryLimitBytes } = group;
    if (cpuMicroseconds !== null && group.memoryBytes !== null) {
      return { cpu: { at, microseconds: cpuMicroseconds }, memoryBytes: group.memoryBytes, memoryLimitBytes };
    }
    const processes = this.#processes.sample();
    const own = process.cpuUsage();
    const ticks = processes.reduce((sum, one) => sum + one.ticks, 0);
    const ownBytes = processes.reduce((sum, one) => sum + one.ownBytes, process.memoryUsage.rss());
    return {
      cpu: { at, microseconds: cpuMicroseconds ?? ticks * microsecondsPerTick + own.user + own.system },
      memoryBytes: group.memoryBytes ?? ownBytes,
      memoryLimitBytes,
    };
  }
}
