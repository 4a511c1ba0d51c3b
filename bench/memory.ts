/** Resident memory of the control plane and of an agent, at rest. */
import { setTimeout as wait } from 'node:timers/promises';
import { createKernel } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { findKernelProcesses } from './kernel/processes.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { memoryOf, type Memory } from './measure/memory.ts';
import { startTerrarium } from './subject/terrarium.ts';

const controlPlaneMB = { atMost: 150 };
const agentMB = { atMost: 70 };
const samples = 5;
const settleMs = 5000;
const cells = 50;

await runBenchmark({
  name: 'memory',
  rounds: 1,
  limitMs: 3 * 60_000,
  async measure(run) {
    // The way people start it, since how Node is told to run decides much of its memory.
    const terrarium = await startTerrarium(run, { script: 'scripts/start.mjs' });
    const sample = async (pid: number): Promise<Memory[]> => {
      await wait(settleMs, undefined, { signal: run.signal });
      const found: Memory[] = [];
      for (let turn = 0; turn < samples; turn++) {
        found.push(memoryOf(pid));
        await wait(500, undefined, { signal: run.signal });
      }
      return found;
    };
    const alone = await sample(terrarium.pid);

    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const kernelId = await createKernel(terrarium.door, run.signal);
    const kernel = await openKernelSocket({ ...terrarium.door, kernelId });
    for (let turn = 0; turn < cells; turn++) await kernel.execute('1');
    const { holder } = await findKernelProcesses(kernel);
    kernel.close();
    const withEnvironment = await sample(terrarium.pid);
    const agent = await sample(holder);

    const figure = (name: string, found: Memory[], goal?: { atMost: number }) => [
      { name, unit: 'MB RSS', ours: [found.map(({ rssMB }) => rssMB)], ...(goal === undefined ? {} : { goal }) },
      { name, unit: 'MB PSS', ours: [found.map(({ pssMB }) => pssMB)] },
    ];
    return [
      ...figure('control plane, just started', alone, controlPlaneMB),
      ...figure('control plane, one environment, after cells', withEnvironment, controlPlaneMB),
      ...figure('agent, one kernel and one warm, after cells', agent, agentMB),
    ];
  },
});
