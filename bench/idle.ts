/** What an environment in which nothing happens costs in processor time, alone and below an open JupyterLab, and asleep. */
import { setTimeout as wait } from 'node:timers/promises';
import { openIdleLab } from './environments/lab-client.ts';
import { createKernel } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { findKernelProcesses } from './kernel/processes.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { cpuSecondsOf, neighboursOf } from './measure/memory.ts';
import { notebookOf } from './room/notebooks.ts';
import { putNotebook } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const percentOfACore = { atMost: 1 };
const nothing = { atMost: 0 };
const windowMs = 60_000;
/** The warm kernel starts, and what had been started settles. */
const settleMs = 15_000;
const name = 'bench';
const notebook = 'idle.ipynb';

await runBenchmark({
  name: 'idle',
  rounds: 1,
  limitMs: 30 * 60_000,
  async measure(run) {
    const { signal } = run;
    const terrarium = await startTerrarium(run);
    /** Percent of a core that these take from now on, for a while. */
    const share = async (pids: () => number[]): Promise<{ environment: number; controlPlane: number }> => {
      const inside = pids();
      const used = () => ({ at: performance.now(), seconds: new Map([terrarium.pid, ...inside].map(secondsOf)) });
      const before = used();
      await wait(windowMs, undefined, { signal });
      const after = used();
      const percent = (pid: number): number => {
        const seconds = (after.seconds.get(pid) ?? NaN) - (before.seconds.get(pid) ?? NaN);
        // What has ended meanwhile is told by whoever had started it.
        return Number.isNaN(seconds) ? 0 : (seconds / ((after.at - before.at) / 1000)) * 100;
      };
      return {
        environment: inside.reduce((sum, pid) => sum + percent(pid), 0),
        controlPlane: percent(terrarium.pid),
      };
    };
    const settle = () => wait(settleMs, undefined, { signal });

    const figures = { alone: [], lab: [], asleep: [], inLab: [], inSleep: [], without: [] } as Record<
      string,
      number[][]
    >;
    const note = (figure: string, value: number): void => {
      figures[figure]?.push([value]);
    };
    await putNotebook(terrarium, notebook, notebookOf({ cells: 10, bytes: 20_000 }));
    for (let round = 0; round < run.rounds; round++) {
      await settle();
      const without = (await share(() => [])).controlPlane;
      note('without', without);

      await terrarium.createEnvironment(name);
      await terrarium.untilStatus(name, 'Running');
      const kernelId = await createKernel(terrarium.door, signal);
      const kernel = await openKernelSocket({ ...terrarium.door, kernelId });
      await kernel.execute('1');
      const { holder } = await findKernelProcesses(kernel);
      kernel.close();
      const inside = () => neighboursOf(holder);
      await settle();
      const alone = await share(inside);
      note('alone', alone.environment + Math.max(0, alone.controlPlane - without));
      run.progress(
        `${String(inside().length)} processes: ${told(alone)}; the control plane without it ${without.toFixed(2)} %`,
      );

      const lab = await openIdleLab(terrarium, { environment: name, notebook, kernelId });
      await settle();
      const open = await share(inside);
      note('lab', open.environment + Math.max(0, open.controlPlane - without));
      note('inLab', open.environment);
      run.progress(`with a JupyterLab: ${told(open)}`);
      await lab.close();

      await terrarium.client.sleepEnvironment({ params: { ...terrarium.workspace, environment: name } });
      await terrarium.untilStatus(name, 'Asleep');
      const asleep = await share(inside);
      note('inSleep', asleep.environment);
      note('asleep', Math.max(0, asleep.controlPlane - without));
      run.progress(`asleep: ${told(asleep)}`);
      await terrarium.deleteEnvironment(name);
    }
    const figure = (label: string, which: string, goal?: { atMost: number }) => ({
      name: label,
      unit: '% of a core',
      ours: figures[which] ?? [],
      ...(goal === undefined ? {} : { goal }),
    });
    return [
      figure('idle, and what it adds to the control plane', 'alone', percentOfACore),
      figure('idle below an open JupyterLab, the same', 'lab', percentOfACore),
      figure('  of which its own processes', 'inLab'),
      figure('asleep, its own processes', 'inSleep', nothing),
      figure('asleep, added to the control plane', 'asleep', percentOfACore),
      figure('the control plane alone', 'without'),
    ];
  },
});

function told({ environment, controlPlane }: { environment: number; controlPlane: number }): string {
  return `environment ${environment.toFixed(2)} %, control plane ${controlPlane.toFixed(2)} %`;
}

function secondsOf(pid: number): [pid: number, seconds: number] {
  try {
    return [pid, cpuSecondsOf(pid)];
  } catch {
    return [pid, NaN]; // it has ended
  }
}
