/** What one key costs in a notebook of 2,000 cells: in the server's room and in an editor's model, against a bare Y.Doc. */
import { YNotebook } from '@jupyter/ydoc';
import * as Y from 'yjs';
import { Change } from '../server/documents/live-notebook.ts';
import { sharedCells, writeSharedNotebook } from '../server/documents/shared-notebook.ts';
import { startRoom } from '../server/documents/testing-room.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';

/** A hundred people who press ten keys a second each take a tenth of one core. */
const mostMicroseconds = { atMost: 100 };
const keys = 2000;

await runBenchmark({
  name: 'typing',
  rounds: 10,
  limitMs: 3 * 60_000,
  async measure(run) {
    const notebook = notebookOf({ cells: 2000, bytes: 5_000_000 });
    const room = await startRoom(notebook);
    run.defer(() => room.stop());
    const everything = Y.encodeStateAsUpdate(room.document.doc);
    const model = new YNotebook();
    run.defer(() => {
      model.dispose();
    });
    const [typist, bare] = [new Y.Doc(), new Y.Doc()];
    for (const doc of [typist, bare, model.ydoc]) Y.applyUpdate(doc, everything);
    if (sharedCells(bare).length !== 2000) writeSharedNotebook(bare, notebook);

    const byPerson = new Change({ accountId: 'ann', name: 'Ann' }, []);
    const sides = {
      server: (update: Uint8Array) => {
        room.document.receive(update, byPerson);
      },
      model: (update: Uint8Array) => {
        Y.applyUpdate(model.ydoc, update);
      },
      bare: (update: Uint8Array) => {
        Y.applyUpdate(bare, update);
      },
    };
    const times: Record<keyof typeof sides, number[][]> = { server: [], model: [], bare: [] };
    const source = sharedCells(typist).get(1000).get('source') as Y.Text;
    const updates: Uint8Array[] = [];
    typist.on('update', (update: Uint8Array) => updates.push(update));
    for (let round = 0; round <= run.rounds; round++) {
      updates.length = 0;
      for (let key = 0; key < keys; key++) source.insert(source.length, 'x');
      // In turn and in another order each time; the first round warms up.
      const order = (['server', 'model', 'bare'] as const).map(
        (_, index, all) => all[(index + round) % all.length] ?? 'bare',
      );
      for (const side of order) {
        const at = performance.now();
        for (const update of updates) sides[side](update);
        const took = ((performance.now() - at) / keys) * 1000;
        if (side === 'server') await room.document.durable();
        if (round > 0) times[side].push([took]);
      }
    }
    const peer = (name: string, rounds: number[][]) => ({ name, rounds });
    return [
      { name: 'a key, in the room', unit: 'µs', ours: times.server, goal: mostMicroseconds },
      {
        name: 'a key, in the room',
        unit: 'µs',
        ours: times.server,
        peer: peer('YNotebook of @jupyter/ydoc', times.model),
      },
      { name: 'a key, in the room', unit: 'µs', ours: times.server, peer: peer('bare Y.Doc', times.bare) },
      { name: "a key, in an editor's model", unit: 'µs', ours: times.model, peer: peer('bare Y.Doc', times.bare) },
    ];
  },
});
