/** Resident memory of a control plane with a hundred notebooks open, somebody in each. */
import { setTimeout as wait } from 'node:timers/promises';
import { runBenchmark } from './measure/benchmark.ts';
import { memoryOf } from './measure/memory.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const goalMB = { atMost: 300 };
const notebooks = 100;
const settleMs = 10_000;
const samples = 5;

await runBenchmark({
  name: 'open-documents',
  rounds: 1,
  limitMs: 3 * 60_000,
  async measure(run) {
    // The way people start it, since how Node is told to run decides much of its memory.
    const terrarium = await startTerrarium(run, { script: 'scripts/start.mjs' });
    const door = roomDoor(terrarium);
    const sample = async (): Promise<number[]> => {
      await wait(settleMs, undefined, { signal: run.signal });
      const found: number[] = [];
      for (let turn = 0; turn < samples; turn++) {
        found.push(memoryOf(terrarium.pid).rssMB);
        await wait(500, undefined, { signal: run.signal });
      }
      return found;
    };
    const notebook = notebookOf({ cells: 20, bytes: 100_000 });
    const paths = Array.from({ length: notebooks }, (_, number) => `n${String(number)}.ipynb`);
    for (const path of paths) await putNotebook(terrarium, path, notebook);
    const before = await sample();
    for (const path of paths) {
      const client = await openNotebook(door, path);
      run.defer(async () => void (await client.close()));
      client.source(0).insert(0, '# typed\n');
      await client.saved();
    }
    const open = await sample();
    return [
      { name: `${String(notebooks)} notebooks stored, none open`, unit: 'MB RSS', ours: [before] },
      { name: `all of them open, 100 kB each`, unit: 'MB RSS', ours: [open], goal: goalMB },
    ];
  },
});
