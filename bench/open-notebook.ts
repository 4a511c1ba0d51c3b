/** Opening a notebook of 5 MB until an editor's model holds it, against jupyter_server and the same model. */
import { YNotebook } from '@jupyter/ydoc';
import { ask } from './peers/answers.ts';
import { startJupyterServer } from './peers/jupyter-server.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { kernelspecDirectories, startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 1 };
const perRound = 4;

await runBenchmark({
  name: 'open-notebook',
  rounds: 5,
  limitMs: 5 * 60_000,
  async measure(run) {
    const { signal } = run;
    const server = await startJupyterServer(run, kernelspecDirectories());
    const terrarium = await startTerrarium(run);
    const door = roomDoor(terrarium);
    const notebook = notebookOf({ cells: 200, bytes: 5_000_000 });
    const peerFile = `${server.url}/api/contents/opened.ipynb`;
    const { authorization } = server;
    await ask('PUT', peerFile, {
      authorization,
      signal,
      body: { type: 'notebook', format: 'json', content: notebook },
    });

    const expectAll = (model: YNotebook): void => {
      if (model.cells.length !== notebook.cells.length)
        throw new Error(`The model has ${String(model.cells.length)} cells.`);
    };
    const ours = async (path: string): Promise<number> => {
      const at = performance.now();
      const model = new YNotebook();
      const client = await openNotebook(door, path, model.ydoc);
      expectAll(model);
      const took = performance.now() - at;
      await client.close();
      model.dispose();
      return took;
    };
    const times: Record<'first' | 'joined' | 'peer' | 'parsed', number[][]> = {
      first: [],
      joined: [],
      peer: [],
      parsed: [],
    };
    for (let round = 0; round < run.rounds; round++) {
      const [first, joined, peer, parsed]: number[][] = [[], [], [], []];
      for (let turn = 0; turn < perRound; turn++) {
        signal.throwIfAborted();
        const path = `opened-${String(round)}-${String(turn)}.ipynb`;
        await putNotebook(terrarium, path, notebook);
        first?.push(await ours(path));
        joined?.push(await ours(path));

        const at = performance.now();
        const { value } = await ask('GET', `${peerFile}?content=1`, { authorization, signal });
        parsed?.push(performance.now() - at);
        const model = YNotebook.create({ data: Reflect.get(Object(value) as object, 'content') as never });
        expectAll(model);
        peer?.push(performance.now() - at);
        model.dispose();
      }
      times.first.push(first ?? []);
      times.joined.push(joined ?? []);
      times.peer.push(peer ?? []);
      times.parsed.push(parsed ?? []);
    }
    const peer = { name: 'jupyter_server, same model', rounds: times.peer };
    return [
      { name: 'open 5 MB, by the first', unit: 'ms', ours: times.first, peer, goal },
      { name: 'open 5 MB, where others are', unit: 'ms', ours: times.joined, peer, goal },
      {
        name: 'open 5 MB, where others are',
        unit: 'ms',
        ours: times.joined,
        peer: { name: 'GET and parse alone', rounds: times.parsed },
      },
    ];
  },
});
