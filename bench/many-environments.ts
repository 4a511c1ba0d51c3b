/** A control plane that has 10,000 environments of 1,000 people, 1,000 of them running. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '@terrarium/contract';
import * as z from 'zod';
import { accountIdOf, people, project, workspaceNameOf } from './environments/population.ts';
import { timeRequests, type Asked } from './environments/requests.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { memoryOf } from './measure/memory.ts';
import { complete, startProcess, until } from './measure/processes.ts';
import { percentile } from './measure/statistics.ts';
import { root, serverSettings, untilReady } from './subject/terrarium.ts';

const answerMs = { atMost: 50 };
const sweepMs = { atMost: 2000 };
const residentMB = { atMost: 300 };
const pauseMs = { atMost: 5000 };
const requestsPerRound = 400;
const connections = 4;
/** As scripts/paths.mjs has them. */
const serverFlags = ['--max-semi-space-size=4'];
const silentMs = 30_000;
const settleMs = 15_000;

const Tokens = z.record(z.string(), z.string());
const Round = z.object({ sweepMs: z.number(), looked: z.number() });

await runBenchmark({
  name: 'many-environments',
  rounds: 4,
  limitMs: 10 * 60_000,
  async measure(run) {
    const { signal } = run;
    const socket = path.join(run.directory, 'agents.sock');
    const script = (name: string) => path.join(import.meta.dirname, 'environments', name);
    const program = (name: string, env = {}) => {
      const args = [...serverFlags, script(`${name}.ts`), socket];
      return { name, command: process.execPath, args, cwd: root, env };
    };
    const start = (name: string, env = {}) => startProcess(run, program(name, env));
    const settings = await serverSettings(run);
    await complete(run, { ...program('populate', settings), timeoutMs: 5 * 60_000 });
    const agents = await start('agents');
    const server = await start('serve', settings);
    const ready = await untilReady(run, settings.TERRARIUM_DATA, server);
    const port = Number(new URL(ready.url).port);
    const tokensFile = path.join(settings.TERRARIUM_DATA, 'tokens.json');
    const tokens = await until('Tokens of some people', { signal, timeoutMs: 60_000, process: server }, () =>
      existsSync(tokensFile) ? Tokens.parse(JSON.parse(readFileSync(tokensFile, 'utf8'))) : undefined,
    );
    run.progress('10,000 environments are there');

    const asked = (pathOf: (person: number, turn: number) => string): Asked[] =>
      Object.entries(tokens)
        .flatMap(([person, token]) => [0, 1, 2, 3].map((turn) => ({ path: pathOf(Number(person), turn), token })))
        .slice(0, requestsPerRound);
    const lists = {
      'your environments': asked(() => '/api/environments'),
      'your environments in a workspace': asked(
        (person, turn) => `/api/workspaces/${project}/${workspaceNameOf(person, turn)}/environments`,
      ),
      'your workspaces': asked(() => '/api/workspaces'),
    };
    const wholeProject = [{ path: `/api/billing-projects/${project}/environments`, token: ready.token }];

    const p99: Record<string, number[][]> = {};
    const note = (name: string, value: number) => (p99[name] ??= []).push([value]);
    const askLists = async (when: string): Promise<void> => {
      for (const [name, requests] of Object.entries(lists)) {
        const times = await timeRequests(port, requests, { connections, signal });
        note(`${name}, p99${when}`, percentile(times, 99));
      }
    };
    const atRest = async (): Promise<number> => {
      await wait(settleMs, undefined, { signal });
      return memoryOf(server.pid).rssMB;
    };
    const everything: number[][] = [];
    const sweeps: number[][] = [];
    for (let round = 0; round < run.rounds; round++) {
      await askLists('');
      everything.push(await timeRequests(port, wholeProject, { connections: 1, signal }));
      const before = server.printed();
      process.kill(server.pid, 'SIGUSR2');
      const printed = await until('A look at all machines', { signal, timeoutMs: 60_000, process: server }, () =>
        server.printed() === before ? undefined : server.printed().split('\n').at(-1),
      );
      sweeps.push([Round.parse(JSON.parse(printed)).sweepMs]);
    }
    const resident = await atRest();

    process.kill(agents.pid, 'SIGUSR2');
    run.progress('no agent answers any more');
    await wait(silentMs, undefined, { signal });
    for (let round = 0; round < run.rounds; round++) await askLists(', no agent answers');
    const pauses = [await timePause(`http://127.0.0.1:${String(port)}`, tokens, signal)];
    const residentSilent = await atRest();

    return [
      ...Object.entries(p99).map(([name, ours]) => ({ name, unit: 'ms', ours, goal: answerMs })),
      { name: 'all environments of a project', unit: 'ms', ours: everything },
      { name: 'a look at all machines', unit: 'ms', ours: sweeps, goal: sweepMs },
      { name: 'a pause, no agent answers', unit: 'ms', ours: [pauses], goal: pauseMs },
      { name: 'control plane', unit: 'MB RSS', ours: [[resident]], goal: residentMB },
      { name: 'control plane, no agent answers', unit: 'MB RSS', ours: [[residentSilent]], goal: residentMB },
    ];
  },
});

/** From a person's wish to pause a running environment until it is paused. */
async function timePause(baseUrl: string, tokens: Record<string, string>, signal: AbortSignal): Promise<number> {
  const person = people / 2;
  const client = createClient({ baseUrl, token: tokens[String(person)] ?? '' });
  const mine = (await client.listAllEnvironments()).find(({ status }) => status === 'Running');
  if (mine === undefined) throw new Error(`Nothing of ${accountIdOf(person)} runs.`);
  const { namespace, name } = mine.workspace;
  const params = { namespace, name, environment: mine.name };
  const startedAt = performance.now();
  await client.stopEnvironment({ params });
  await until('The environment is paused', { signal, timeoutMs: 120_000 }, async () =>
    (await client.getEnvironment({ params })).status === 'Stopped' ? true : undefined,
  );
  return performance.now() - startedAt;
}
