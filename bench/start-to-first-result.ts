/** From asking for a machine to the first cell's result, and again after a pause: ours against JupyterHub. */
import type { Environment } from '@terrarium/contract';
import { firstResult, type FirstResult } from './kernel/first-result.ts';
import { runBenchmark, type Run } from './measure/benchmark.ts';
import { median } from './measure/statistics.ts';
import { startJupyterHub, type JupyterHub } from './peers/jupyterhub.ts';
import { kernelspecDirectories, startTerrarium, type Terrarium } from './subject/terrarium.ts';

const goal = { atMost: 0.5 };

type Times = Record<'start' | 'resume', number[]>;

/** Milliseconds of each part of our side, by its name. */
class Parts {
  readonly #times = new Map<string, number[]>();

  add(part: string, ms: number): void {
    this.#times.set(part, [...(this.#times.get(part) ?? []), ms]);
  }

  text(prefix: string): string {
    return [...this.#times]
      .filter(([part]) => part.startsWith(prefix))
      .map(([part, times]) => `${part.slice(prefix.length)} ${median(times).toFixed(0)}`)
      .join(', ');
  }

  clear(): void {
    this.#times.clear();
  }
}

async function hubRound(run: Run, hub: JupyterHub, round: number): Promise<{ start: number; resume: number }> {
  const user = `user${String(round)}`;
  await hub.addUser(user);
  const once = async () => {
    const askedAt = performance.now();
    const { resultAt } = await firstResult(await hub.startServer(user), run.signal);
    await hub.stopServer(user);
    return resultAt - askedAt;
  };
  const start = await once();
  return { start, resume: await once() };
}

async function ourRound(
  run: Run,
  terrarium: Terrarium,
  round: number,
  parts: Parts,
): Promise<{ start: number; resume: number }> {
  const environment = `round-${String(round)}`;
  const params = { ...terrarium.workspace, environment };
  const once = async (what: 'start' | 'resume', begin: () => Promise<unknown>) => {
    const askedAt = performance.now();
    await begin();
    const acceptedAt = performance.now();
    const running = await terrarium.untilStatus(environment, 'Running');
    const runningAt = performance.now();
    const first = await firstResult(terrarium.door, run.signal);
    tell(parts, what, { askedAt, acceptedAt, runningAt, first, running });
    return first.resultAt - askedAt;
  };
  const start = await once('start', () => terrarium.createEnvironment(environment));
  await terrarium.client.stopEnvironment({ params });
  await terrarium.untilStatus(environment, 'Stopped');
  const resume = await once('resume', () => terrarium.client.startEnvironment({ params }));
  await terrarium.deleteEnvironment(environment);
  return { start, resume };
}

function keep(times: Times, { start, resume }: { start: number; resume: number }): void {
  times.start.push(start);
  times.resume.push(resume);
}

function tell(
  parts: Parts,
  what: string,
  at: { askedAt: number; acceptedAt: number; runningAt: number; first: FirstResult; running: Environment },
): void {
  const { kernelAt, socketAt, resultAt } = at.first;
  parts.add(`${what}: accepted`, at.acceptedAt - at.askedAt);
  parts.add(`${what}: running`, at.runningAt - at.acceptedAt);
  parts.add(`${what}: kernel`, kernelAt - at.runningAt);
  parts.add(`${what}: socket`, socketAt - kernelAt);
  parts.add(`${what}: result`, resultAt - socketAt);
  const latest = new Map(at.running.timeline.map((step) => [step.step, step]));
  for (const { step, startedAt, endedAt } of latest.values()) {
    if (endedAt !== null && Date.now() - Date.parse(startedAt) < resultAt - at.askedAt + 50)
      parts.add(`${what} timeline: ${step}`, Date.parse(endedAt) - Date.parse(startedAt));
  }
}

await runBenchmark({
  name: 'start-to-first-result',
  rounds: 5,
  limitMs: 6 * 60_000,
  async measure(run) {
    const hub = await startJupyterHub(run, kernelspecDirectories());
    const terrarium = await startTerrarium(run);
    const ours: Times = { start: [], resume: [] };
    const theirs: Times = { start: [], resume: [] };
    const parts = new Parts();
    // The round before the first warms both sides up and does not count.
    for (let round = 0; round <= run.rounds; round++) {
      const sides = [
        async () => {
          const { start, resume } = await hubRound(run, hub, round);
          run.progress(`JupyterHub ${start.toFixed(0)} ms, again ${resume.toFixed(0)} ms`);
          if (round > 0) keep(theirs, { start, resume });
        },
        async () => {
          const { start, resume } = await ourRound(run, terrarium, round, parts);
          run.progress(`Terrarium  ${start.toFixed(0)} ms, again ${resume.toFixed(0)} ms`);
          if (round > 0) keep(ours, { start, resume });
          else parts.clear();
        },
      ];
      for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
    }
    run.note('Our milliseconds, medians:');
    for (const what of ['start: ', 'start timeline: ', 'resume: ', 'resume timeline: ']) {
      run.note(`  ${what}${parts.text(what)}`);
    }
    const figure = (what: 'start' | 'resume') => ({
      name: `${what} to first result`,
      unit: 'ms',
      ours: ours[what].map((time) => [time]),
      peer: { name: 'JupyterHub', rounds: theirs[what].map((time) => [time]) },
      goal,
    });
    return [figure('start'), figure('resume')];
  },
});
