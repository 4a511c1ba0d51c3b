/** A key that one person presses: until another one has it, and until it is on the server's disk. */
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openSession } from '../server/testing/room-typist.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { notebookOf } from './room/notebooks.ts';
import { openNotebook, putNotebook, roomDoor } from './room/rooms.ts';
import { startTerrarium } from './subject/terrarium.ts';

const otherScreenMs = { atMost: 50 };
const keys = 60;
const warmUp = 10;
/** A person who types fast. */
const betweenKeysMs = 60;

await runBenchmark({
  name: 'keystroke',
  rounds: 5,
  limitMs: 3 * 60_000,
  async measure(run) {
    const terrarium = await startTerrarium(run);
    const door = roomDoor(terrarium);
    await putNotebook(terrarium, 'typed.ipynb', notebookOf({ cells: 20, bytes: 100_000 }));
    const typist = await openNotebook(door, 'typed.ipynb');
    const room = await openSession(door, 'notebooks/typed.ipynb');
    const other = new Worker(path.join(import.meta.dirname, 'room/watcher.ts'), { workerData: { door, room } });
    run.defer(async () => {
      await other.terminate();
      await typist.close();
    });
    await once(other, 'message', { signal: run.signal });

    const text = typist.source(0);
    const pressedAt = new Map<number, bigint>();
    let seen: number[] = [];
    other.on('message', ({ length, at }: { length: number; at: bigint }) => {
      const pressed = pressedAt.get(length);
      if (pressed !== undefined) seen.push(Number(at - pressed) / 1e6);
    });
    const screens: number[][] = [];
    const disks: number[][] = [];
    for (let round = 0; round < run.rounds; round++) {
      seen = [];
      const durable: number[] = [];
      for (let key = 0; key < warmUp + keys; key++) {
        run.signal.throwIfAborted();
        const at = process.hrtime.bigint();
        pressedAt.set(text.length + 1, at);
        text.insert(text.length, 'x');
        await typist.saved();
        if (key >= warmUp) durable.push(Number(process.hrtime.bigint() - at) / 1e6);
        await wait(betweenKeysMs, undefined, { signal: run.signal });
      }
      if (seen.length < keys) throw new Error(`Of ${String(warmUp + keys)} keys ${String(seen.length)} arrived.`);
      screens.push(seen.slice(-keys));
      disks.push(durable);
    }
    return [
      { name: "key to the other's screen", unit: 'ms', ours: screens, goal: otherScreenMs },
      { name: 'key to acknowledged on disk', unit: 'ms', ours: disks },
    ];
  },
});
