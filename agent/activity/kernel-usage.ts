import type { AgentKernel } from '@terrarium/contract/agent';
import type { Kernel } from '../kernels/kernel.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { descendants, proportionalBytes, type ProcessFacts, type Processes } from './processes.ts';

interface CpuSample {
  readonly at: number;
  readonly pid: number;
  readonly ticks: number;
  readonly cores: number | null;
}

/** CPU time is counted in hundredths of a second: over a shorter time a single tick would look like work. */
const shortestIntervalMs = 500;
const msPerTick = 10;

/** What each kernel does and what it takes of the machine. */
export class KernelUsage {
  readonly #kernels: Kernels;
  readonly #processes: Processes;
  #samples = new Map<string, CpuSample>();

  constructor(parts: { kernels: Kernels; processes: Processes }) {
    this.#kernels = parts.kernels;
    this.#processes = parts.processes;
  }

  /** Measures now. CPU is since the call before; calls in quick succession share their samples. */
  async look(): Promise<AgentKernel[]> {
    const kernels = this.#kernels.list();
    const processes = this.#processes.sample();
    const samples = new Map<string, CpuSample>();
    for (const kernel of kernels) {
      const sample = this.#sample(kernel, processes);
      if (sample !== null) samples.set(kernel.id, sample);
    }
    this.#samples = samples;
    return Promise.all(
      kernels.map(async (kernel) => ({
        ...describe(kernel),
        memoryBytes: await memoryOf(treeOf(kernel, processes)),
        cpuCores: samples.get(kernel.id)?.cores ?? null,
      })),
    );
  }

  #sample({ id, pid }: Kernel, processes: readonly ProcessFacts[]): CpuSample | null {
    if (pid === null) return null;
    const at = Date.now();
    const before = this.#samples.get(id);
    if (before?.pid === pid && at - before.at < shortestIntervalMs) return before;
    const ticks = treeOf({ pid }, processes).reduce((sum, one) => sum + one.ticks, 0);
    // A restarted kernel is another process, which counts from nothing.
    if (before?.pid !== pid) return { at, pid, ticks, cores: null };
    // The sum falls when a process below it ends with its parent already gone.
    return { at, pid, ticks, cores: Math.max(0, ((ticks - before.ticks) * msPerTick) / (at - before.at)) };
  }
}

function describe(kernel: Kernel): Omit<AgentKernel, 'memoryBytes' | 'cpuCores'> {
  const { id, spec, executionState, label, connections, lastActivityAt, executions, death } = kernel;
  const current = executions.current();
  const unfinished = executions.unfinished().length;
  return {
    id,
    name: spec.name,
    displayName: spec.displayName,
    language: spec.language,
    // Between the request and the kernel's own word for it.
    state: executionState === 'idle' && current !== undefined ? 'busy' : executionState,
    path: label,
    connections,
    lastActivityAt,
    execution:
      current === undefined ? null : { cell: current.cellId, startedAt: current.startedAt ?? current.queuedAt },
    queued: Math.max(0, unfinished - 1),
    death,
  };
}

function treeOf({ pid }: Pick<Kernel, 'pid'>, processes: readonly ProcessFacts[]): ProcessFacts[] {
  if (pid === null) return [];
  return [...processes.filter((one) => one.pid === pid), ...descendants(pid, processes)];
}

async function memoryOf(tree: readonly ProcessFacts[]): Promise<number | null> {
  if (tree.length === 0) return null;
  const sizes = await Promise.all(tree.map(async ({ pid, ownBytes }) => (await proportionalBytes(pid)) ?? ownBytes));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
