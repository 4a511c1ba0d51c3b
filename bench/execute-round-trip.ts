/** One `execute_request` of "1": through the workspace door, by ZeroMQ to the same kernel, through a jupyter_server. */
import type { KernelConnection } from './kernel/kernel-connection.ts';
import { createKernel } from './kernel/first-result.ts';
import { openKernelSocket } from './kernel/kernel-socket.ts';
import { findRawKernel } from './kernel/raw-kernel.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { startJupyterServer } from './peers/jupyter-server.ts';
import { kernelspecDirectories, startTerrarium } from './subject/terrarium.ts';

const goal = { atMost: 1.3 };
const perBlock = 60;
/** A stock jupyter_server takes eight times as long; fewer say enough. */
const perBlockOfServer = 20;
const warmUp = 10;

async function block(kernel: KernelConnection, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < warmUp + count; turn++) {
    const askedAt = performance.now();
    const { text, doneAt } = await kernel.execute('1');
    if (text !== '1') throw new Error(`The cell gave "${text}" instead of 1.`);
    if (turn >= warmUp) times.push(doneAt - askedAt);
  }
  return times;
}

async function withSocket<T>(
  where: Parameters<typeof openKernelSocket>[0],
  work: (kernel: KernelConnection) => Promise<T>,
): Promise<T> {
  const kernel = await openKernelSocket(where);
  try {
    return await work(kernel);
  } finally {
    kernel.close();
  }
}

await runBenchmark({
  name: 'execute-round-trip',
  rounds: 6,
  limitMs: 4 * 60_000,
  async measure(run) {
    const server = await startJupyterServer(run, kernelspecDirectories());
    const stock = { ...server, kernelId: await createKernel(server, run.signal) };
    const terrarium = await startTerrarium(run);
    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const ours = { ...terrarium.door, kernelId: await createKernel(terrarium.door, run.signal) };
    const raw = await withSocket(ours, (kernel) => findRawKernel(run, kernel));

    const times: Record<'ours' | 'raw' | 'stock', number[][]> = { ours: [], raw: [], stock: [] };
    for (let round = 0; round < run.rounds; round++) {
      run.signal.throwIfAborted();
      // Each with a connection of its own, so that neither side listens to what the other one runs.
      const pair = [
        async () => times.ours.push(await withSocket(ours, (kernel) => block(kernel, perBlock))),
        async () => times.raw.push(await raw.alone((kernel) => block(kernel, perBlock))),
      ];
      for (const side of round % 2 === 0 ? pair : pair.reverse()) await side();
      times.stock.push(await withSocket(stock, (kernel) => block(kernel, perBlockOfServer)));
    }
    return [
      {
        name: 'execute_request',
        unit: 'ms',
        ours: times.ours,
        peer: { name: 'ZeroMQ, same kernel', rounds: times.raw },
        goal,
      },
      {
        name: 'execute_request',
        unit: 'ms',
        ours: times.ours,
        peer: { name: 'jupyter_server', rounds: times.stock },
      },
    ];
  },
});
