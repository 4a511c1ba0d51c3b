/** `npm start` until it is ready: the second time, and with --fresh the first time in a clone of this repository. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { runBenchmark, type Run } from './measure/benchmark.ts';
import { complete, startProcess } from './measure/processes.ts';
import { root, serverSettings, untilReady } from './subject/terrarium.ts';

const againSeconds = { atMost: 5 };
const freshSeconds = { atMost: 300 };

/** From `npm start` to ready, in seconds; ends it again. */
async function timeStart(
  run: Run,
  checkout: string,
  name: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<number> {
  const settings = await serverSettings(run);
  const startedAt = performance.now();
  const npm = await startProcess(run, {
    name,
    command: 'npm',
    args: ['start'],
    cwd: checkout,
    env: { ...settings, ...variables, PATH: pathWithoutProject() },
  });
  await untilReady(run, settings.TERRARIUM_DATA, npm, 10 * 60_000);
  const seconds = (performance.now() - startedAt) / 1000;
  await npm.stop();
  await rm(settings.TERRARIUM_DATA, { recursive: true, force: true });
  run.progress(`${name}: ${seconds.toFixed(1)} s`);
  return seconds;
}

/** So that a fresh start fetches everything; packages of the machine itself, such as R, stay where they are. */
function emptyCaches(run: Run): Record<string, string> {
  return {
    npm_config_cache: path.join(run.directory, 'npm-cache'),
    PIP_CACHE_DIR: path.join(run.directory, 'pip-cache'),
  };
}

/** The machine's own Node, as a person has it who has just cloned. */
function pathWithoutProject(): string {
  const entries = (process.env['PATH'] ?? '').split(path.delimiter);
  return entries.filter((entry) => !path.resolve(entry).startsWith(root + path.sep)).join(path.delimiter);
}

await runBenchmark({
  name: 'start',
  rounds: 3,
  limitMs: 15 * 60_000,
  flags: ['fresh'],
  async measure(run) {
    const isFresh = run.hasFlag('fresh');
    const checkout = isFresh ? path.join(run.directory, 'clone') : root;
    if (isFresh) {
      const args = ['clone', '--quiet', '--depth', '1', `file://${root}`, checkout];
      await complete(run, { name: 'git clone', command: 'git', args, timeoutMs: 60_000 });
    }
    // In this checkout the first start may have something left to do, and does not count.
    const first = await timeStart(run, checkout, 'first npm start', isFresh ? emptyCaches(run) : {});
    const again: number[][] = [];
    for (let round = 0; round < run.rounds; round++) again.push([await timeStart(run, checkout, 'npm start again')]);
    return [
      ...(isFresh ? [{ name: 'npm start, fresh clone', unit: 's', ours: [[first]], goal: freshSeconds }] : []),
      { name: 'npm start, second time', unit: 's', ours: again, goal: againSeconds },
    ];
  },
});
