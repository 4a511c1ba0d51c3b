/** An edit of a notebook of 1 MB until it is safe, against jupyter_server's PUT of the same notebook. */
import { ask } from './peers/answers.ts';
import { startJupyterServer } from './peers/jupyter-server.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { kernelspecDirectories, startTerrarium } from './subject/terrarium.ts';

const durableGoal = { atMost: 0.5 };
const storedGoal = { atMost: 1 };
const perRound = 10;

await runBenchmark({
  name: 'save',
  rounds: 5,
  limitMs: 4 * 60_000,
  async measure(run) {
    const { signal } = run;
    const server = await startJupyterServer(run, kernelspecDirectories());
    const terrarium = await startTerrarium(run);
    const notebook = notebookOf({ cells: 50, bytes: 1_000_000 });
    await putNotebook(terrarium, 'saved.ipynb', notebook);
    const client = await openNotebook(roomDoor(terrarium), 'saved.ipynb');
    run.defer(async () => void (await client.close()));

    const text = client.source(0);
    const type = (): void => {
      text.insert(text.length, 'x');
    };
    const storedCount = () => client.notices.filter(({ type: kind, at }) => kind === 'stored' && at !== null).length;
    const times: Record<'durable' | 'stored' | 'peer', number[][]> = { durable: [], stored: [], peer: [] };
    for (let round = 0; round < run.rounds; round++) {
      const [durable, stored, peer]: [number[], number[], number[]] = [[], [], []];
      for (let turn = 0; turn < perRound; turn++) {
        signal.throwIfAborted();
        let at = performance.now();
        type();
        await client.saved();
        durable.push(performance.now() - at);

        at = performance.now();
        type();
        const before = storedCount();
        client.save(turn);
        await client.until(() => storedCount() > before, 'the bucket to have it', 30_000);
        stored.push(performance.now() - at);

        const [cell] = notebook.cells;
        if (cell !== undefined) cell['source'] = `${String(cell['source'])}x`;
        at = performance.now();
        await ask('PUT', `${server.url}/api/contents/saved.ipynb`, {
          authorization: server.authorization,
          signal,
          body: { type: 'notebook', format: 'json', content: notebook },
        });
        peer.push(performance.now() - at);
      }
      times.durable.push(durable);
      times.stored.push(stored);
      times.peer.push(peer);
    }
    const peer = { name: 'jupyter_server PUT', rounds: times.peer };
    return [
      { name: 'edit of 1 MB, acknowledged on disk', unit: 'ms', ours: times.durable, peer, goal: durableGoal },
      { name: 'edit of 1 MB, stored in the bucket', unit: 'ms', ours: times.stored, peer, goal: storedGoal },
    ];
  },
});
