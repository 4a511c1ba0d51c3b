/** A cell that the control plane runs for an editor, against the same code sent to a kernel by the editor itself. */
import type { RoomClient } from '../server/documents/testing-client.ts';
import { createKernel } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 1.3 };
const perRound = 40;
const warmUp = 8;

/** From the wish until the result is in the editor's document and the run is over. */
async function runCell(client: RoomClient, request: number): Promise<number> {
  const ended = () => client.notices.find(({ type }) => type === 'run-ended');
  client.notices.length = 0;
  const at = performance.now();
  client.say({ type: 'run', request, cells: ['c0'] });
  await client.until(() => ended() !== undefined, 'the end of the run', 60_000);
  const took = performance.now() - at;
  if (ended()?.['status'] !== 'succeeded') throw new Error(`The run ended so: ${JSON.stringify(client.notices)}`);
  return took;
}

await runBenchmark({
  name: 'cell-round-trip',
  rounds: 6,
  limitMs: 4 * 60_000,
  async measure(run) {
    const terrarium = await startTerrarium(run);
    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const notebook = notebookOf({ cells: 10, bytes: 20_000 });
    const [first] = notebook.cells;
    if (first !== undefined) first['source'] = '1';
    await putNotebook(terrarium, 'run.ipynb', notebook);
    const client = await openNotebook(roomDoor(terrarium), 'run.ipynb');
    const kernelId = await createKernel(terrarium.door, run.signal);
    const kernel = await openKernelSocket({ ...terrarium.door, kernelId });
    run.defer(async () => {
      kernel.close();
      await client.close();
    });

    const times: Record<'ours' | 'direct', number[][]> = { ours: [], direct: [] };
    for (let round = 0; round < run.rounds; round++) {
      const [ours, direct]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < warmUp + perRound; turn++) {
        run.signal.throwIfAborted();
        const took = await runCell(client, turn + 1);
        if (turn >= warmUp) ours.push(took);
      }
      for (let turn = 0; turn < warmUp + perRound; turn++) {
        const at = performance.now();
        const { text, doneAt } = await kernel.execute('1');
        if (text !== '1') throw new Error(`The cell gave "${text}" instead of 1.`);
        if (turn >= warmUp) direct.push(doneAt - at);
      }
      times.ours.push(ours);
      times.direct.push(direct);
    }
    const peer = { name: 'execute_request at the door', rounds: times.direct };
    return [{ name: 'cell run by the server', unit: 'ms', ours: times.ours, peer, goal }];
  },
});
