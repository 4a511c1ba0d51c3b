/** A sleeping environment: from the wish to run something until its first output. */
import type * as Y from 'yjs';
import { createKernel } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 50 };
const perRound = 5;

await runBenchmark({
  name: 'wake',
  rounds: 4,
  limitMs: 3 * 60_000,
  async measure(run) {
    const terrarium = await startTerrarium(run);
    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const params = { ...terrarium.workspace, environment: 'bench' };
    const notebook = notebookOf({ cells: 10, bytes: 20_000 });
    const [first] = notebook.cells;
    if (first !== undefined) first['source'] = 'kept = globals().get("kept", 0) + 1; print(kept)';
    await putNotebook(terrarium, 'wake.ipynb', notebook);
    const client = await openNotebook(roomDoor(terrarium), 'wake.ipynb');
    const kernel = await openKernelSocket({
      ...terrarium.door,
      kernelId: await createKernel(terrarium.door, run.signal),
    });
    run.defer(async () => {
      kernel.close();
      await client.close();
    });

    const sleep = async (): Promise<void> => {
      await terrarium.untilStatus('bench', 'Running');
      await terrarium.client.sleepEnvironment({ params });
      await terrarium.untilStatus('bench', 'Asleep');
    };
    const outputs = (): string => JSON.stringify(client.doc.getArray<Y.Map<unknown>>('cells').get(0).get('outputs'));
    let request = 0;
    const runCell = async (): Promise<number> => {
      const before = outputs();
      const at = performance.now();
      client.say({ type: 'run', request: ++request, cells: ['c0'] });
      await client.until(() => outputs() !== before && outputs() !== '[]', 'the output', 60_000);
      const took = performance.now() - at;
      await client.until(() => client.notices.some(({ type }) => type === 'run-ended'), 'the end of the run', 60_000);
      client.notices.length = 0;
      return took;
    };
    const execute = async (): Promise<number> => {
      const at = performance.now();
      const { text, doneAt } = await kernel.execute('1');
      if (text !== '1') throw new Error(`The cell gave "${text}" instead of 1.`);
      return doneAt - at;
    };
    // The first execution of a kernel is slower, awake too.
    await runCell();
    await execute();

    const times: Record<'cell' | 'socket', number[][]> = { cell: [], socket: [] };
    for (let round = 0; round < run.rounds; round++) {
      const [cell, socket]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < perRound; turn++) {
        run.signal.throwIfAborted();
        await sleep();
        cell.push(await runCell());
        await sleep();
        socket.push(await execute());
      }
      times.cell.push(cell);
      times.socket.push(socket);
    }
    return [
      { name: 'a cell run by the server', unit: 'ms', ours: times.cell, goal },
      { name: 'execute_request at the door', unit: 'ms', ours: times.socket, goal },
    ];
  },
});
