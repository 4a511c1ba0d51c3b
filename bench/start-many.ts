/** Twenty machines asked for at once, until each has given its first result: ours against JupyterHub. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Environment } from '@terrarium/contract';
import { createKernel, type KernelHost } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { runBenchmark, type Run } from './measure/benchmark.ts';
import { median } from './measure/statistics.ts';
import { startJupyterHub, type JupyterHub } from './peers/jupyterhub.ts';
import { kernelspecDirectories, startTerrarium, type Terrarium } from './subject/terrarium.ts';

const goal = { atMost: 0.5 };
const many = 20;
const shape = { cpus: 1, memoryGiB: 0.5, diskGiB: 1 };
const lookMs = 100;
const name = 'bench';

const numbers = Array.from({ length: many }, (_, index) => index + 1);

/** Opens a socket that was closed anew, as JupyterLab does: JupyterHub loses some when so many start at once. */
async function resultFrom(run: Run, host: KernelHost): Promise<number> {
  const kernelId = await createKernel(host, run.signal);
  for (let attempt = 1; ; attempt++) {
    const kernel = await openKernelSocket({ ...host, kernelId });
    try {
      return (await kernel.execute('6 * 7')).resultAt;
    } catch (error) {
      run.signal.throwIfAborted();
      if (attempt === 5) throw error;
      run.progress(`a socket was closed: ${host.url}`);
    } finally {
      kernel.close();
    }
  }
}

async function hubRound(run: Run, hub: JupyterHub, users: readonly string[]): Promise<number[]> {
  const askedAt = performance.now();
  const times = await Promise.all(
    users.map(async (user) => {
      return (await resultFrom(run, await hub.startServer(user))) - askedAt;
    }),
  );
  await Promise.all(users.map((user) => hub.stopServer(user)));
  return times;
}

/** Parts of our side, each with its times. */
type Parts = Map<string, number[]>;

function note(parts: Parts, part: string, ms: number): void {
  parts.set(part, [...(parts.get(part) ?? []), ms]);
}

async function ourRound(run: Run, terrarium: Terrarium, places: readonly Terrarium[], parts: Parts): Promise<number[]> {
  const askedAt = performance.now();
  const accepted = Promise.all(
    places.map(async (place) => {
      await place.createEnvironment(name, shape);
      note(parts, 'accepted', performance.now() - askedAt);
    }),
  );
  const results: Promise<number>[] = [];
  const running = new Set<string>();
  // One look for all of them, as a person's page makes it.
  while (running.size < places.length) {
    await wait(lookMs, undefined, { signal: run.signal });
    for (const environment of await terrarium.client.listAllEnvironments()) {
      if (environment.status === 'Error') throw new Error(`An environment failed: ${environment.reason ?? ''}`);
      const place = places.find(({ workspace }) => workspace.name === environment.workspace.name);
      if (environment.status !== 'Running' || place === undefined || running.has(environment.id)) continue;
      running.add(environment.id);
      note(parts, 'running', performance.now() - askedAt);
      const result = resultOf(run, place, parts).then((resultAt) => resultAt - askedAt);
      // It is awaited below; one that fails sooner must not end the program.
      result.catch(() => undefined);
      results.push(result);
    }
  }
  await accepted;
  const times = await Promise.all(results);
  for (const { workspace } of places) {
    tellSteps(parts, await terrarium.client.getEnvironment({ params: { ...workspace, environment: name } }));
  }
  await Promise.all(places.map((place) => place.deleteEnvironment(name)));
  return times;
}

async function resultOf(run: Run, { door }: Terrarium, parts: Parts): Promise<number> {
  const runningAt = performance.now();
  const resultAt = await resultFrom(run, door);
  note(parts, 'result after running', resultAt - runningAt);
  return resultAt;
}

function tellSteps(parts: Parts, { timeline }: Environment): void {
  for (const { step, startedAt, endedAt } of timeline) {
    if (endedAt !== null) note(parts, `step ${step}`, Date.parse(endedAt) - Date.parse(startedAt));
  }
}

await runBenchmark({
  name: 'start-many',
  rounds: 2,
  limitMs: 15 * 60_000,
  flags: ['ours'],
  async measure(run) {
    const hub = run.hasFlag('ours') ? null : await startJupyterHub(run, kernelspecDirectories());
    const terrarium = await startTerrarium(run);
    const places: Terrarium[] = [];
    for (const number of numbers) places.push(await terrarium.inNewWorkspace(`place-${String(number)}`));

    const ours: number[][] = [];
    const theirs: number[][] = [];
    const parts: Parts = new Map();
    for (let round = 0; round < run.rounds; round++) {
      if (hub !== null) {
        const users = numbers.map((number) => `user-${String(round)}-${String(number)}`);
        for (const user of users) await hub.addUser(user);
        theirs.push(await hubRound(run, hub, users));
        run.progress(`JupyterHub ${median(theirs.at(-1) ?? []).toFixed(0)} ms`);
      }
      ours.push(await ourRound(run, terrarium, places, parts));
      run.progress(`Terrarium  ${median(ours.at(-1) ?? []).toFixed(0)} ms`);
    }
    run.note('Our milliseconds, medians (the slowest):');
    for (const [part, times] of parts) {
      run.note(`  ${part} ${median(times).toFixed(0)} (${Math.max(...times).toFixed(0)})`);
    }
    const last = (rounds: number[][]) => rounds.map((times) => [Math.max(...times)]);
    const peer = (rounds: number[][]) => (hub === null ? {} : { peer: { name: 'JupyterHub', rounds }, goal });
    return [
      { name: 'first result of one of 20', unit: 'ms', ours, ...peer(theirs) },
      { name: 'first result of the last of 20', unit: 'ms', ours: last(ours), ...peer(last(theirs)) },
    ];
  },
});
