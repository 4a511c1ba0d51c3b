/** From asking for a new environment to the first cell's result, prepared or not, against a bare kernel's start. */
import { setTimeout as wait } from 'node:timers/promises';
import type { EnvironmentCreate } from '@terrarium/contract';
import { bareKernelStart } from './kernel/bare-kernel.ts';
import { firstResult } from './kernel/first-result.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { untilPrepared } from './subject/prepared.ts';
import { kernelspecDirectories, startTerrarium } from './subject/terrarium.ts';

/** "Kernel start at worst". */
const goal = { atMost: 1 };
/** After a result the agent begins with another kernel, and the control plane with another machine. */
const calmMs = 500;

await runBenchmark({
  name: 'create-to-first-result',
  rounds: 7,
  limitMs: 6 * 60_000,
  async measure(run) {
    const specs = kernelspecDirectories();
    const terrarium = await startTerrarium(run, { settings: { TERRARIUM_POOL: '1' } });
    const times = { bare: [] as number[], prepared: [] as number[], other: [] as number[] };

    async function created(name: string, body: EnvironmentCreate): Promise<number> {
      await untilPrepared(terrarium.dataDirectory, 1, run);
      await wait(calmMs);
      const askedAt = performance.now();
      await terrarium.client.createEnvironment({ params: terrarium.workspace, body: { name, ...body } });
      const running = await terrarium.untilStatus(name, 'Running');
      const { resultAt } = await firstResult(terrarium.door, run.signal);
      const isWoken = running.timeline.some(({ step }) => step === 'wake-machine');
      if (isWoken !== (body.bootDiskGiB === undefined)) throw new Error(`${name} took another way than it was to.`);
      await terrarium.deleteEnvironment(name);
      return resultAt - askedAt;
    }

    // The round before the first warms all sides up and does not count.
    for (let round = 0; round <= run.rounds; round++) {
      const sides = [
        async () => {
          const ms = await bareKernelStart(run, specs);
          if (round > 0) times.bare.push(ms);
          run.progress(`bare kernel ${ms.toFixed(0)} ms`);
        },
        async () => {
          const ms = await created(`prepared-${String(round)}`, {});
          if (round > 0) times.prepared.push(ms);
          run.progress(`prepared    ${ms.toFixed(0)} ms`);
        },
        async () => {
          // Any shape but the default one is made when it is asked for.
          const ms = await created(`other-${String(round)}`, { bootDiskGiB: 49 });
          if (round > 0) times.other.push(ms);
          run.progress(`not         ${ms.toFixed(0)} ms`);
        },
      ];
      for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
    }
    const rounds = (all: number[]) => all.map((time) => [time]);
    const peer = { name: 'bare kernel start', rounds: rounds(times.bare) };
    return [
      { name: 'prepared: create to first result', unit: 'ms', ours: rounds(times.prepared), peer, goal },
      { name: 'not prepared: create to first result', unit: 'ms', ours: rounds(times.other), peer },
    ];
  },
});
