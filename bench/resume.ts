/** A paused environment: from the wish to run a cell to its first output, over what the kernel alone takes to start. */
import type * as Y from 'yjs';
import { timeBareStart } from './kernel/bare-start.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 1000 };

await runBenchmark({
  name: 'resume',
  rounds: 7,
  limitMs: 5 * 60_000,
  async measure(run) {
    const terrarium = await startTerrarium(run);
    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const params = { ...terrarium.workspace, environment: 'bench' };
    const notebook = notebookOf({ cells: 10, bytes: 20_000 });
    const [first] = notebook.cells;
    if (first !== undefined) first['source'] = 'import time; print(time.time_ns())';
    await putNotebook(terrarium, 'resume.ipynb', notebook);
    const client = await openNotebook(roomDoor(terrarium), 'resume.ipynb');
    run.defer(async () => {
      await client.close();
    });
    const outputs = (): string => JSON.stringify(client.doc.getArray<Y.Map<unknown>>('cells').get(0).get('outputs'));
    let request = 0;

    async function resume(): Promise<number> {
      await terrarium.client.stopEnvironment({ params });
      await terrarium.untilStatus('bench', 'Stopped');
      const before = outputs();
      const askedAt = performance.now();
      await terrarium.client.startEnvironment({ params });
      client.say({ type: 'run', request: ++request, cells: ['c0'] });
      await client.until(() => outputs() !== before && outputs() !== '[]', 'the output', 60_000);
      const took = performance.now() - askedAt;
      await client.until(() => client.notices.some(({ type }) => type === 'run-ended'), 'the end of the run', 60_000);
      client.notices.length = 0;
      return took;
    }

    const [ours, bare]: [number[][], number[][]] = [[], []];
    // The round before the first warms both up and does not count.
    for (let round = 0; round <= run.rounds; round++) {
      run.signal.throwIfAborted();
      const times = { bare: await timeBareStart(run), ours: await resume() };
      run.progress(`bare kernel ${times.bare.toFixed(0)} ms, resume ${times.ours.toFixed(0)} ms`);
      if (round === 0) continue;
      ours.push([times.ours]);
      bare.push([times.bare]);
    }
    const more = ours.map(([time = NaN], round) => [time - (bare[round]?.[0] ?? NaN)]);
    return [
      { name: 'resume to first output', unit: 'ms', ours, peer: { name: 'bare kernel', rounds: bare } },
      { name: 'more than the bare kernel', unit: 'ms', ours: more, goal },
    ];
  },
});
