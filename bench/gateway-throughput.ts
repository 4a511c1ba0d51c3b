/** 1 KiB answers at 32 connections: our gateway, which checks every request, against configurable-http-proxy. */
import { load, type Target } from './gateway/http-load.ts';
import { runBenchmark } from './measure/benchmark.ts';
import { cpuSecondsOf } from './measure/memory.ts';
import { freePort } from './measure/processes.ts';
import { startProxy } from './peers/proxy.ts';
import { startTerrarium } from './subject/terrarium.ts';

const goal = { atLeast: 1.3 };
const shape = { connections: 32, bodyBytes: 1024 };
const forMs = 3000;
const warmUpMs = 4000;

interface Side {
  readonly target: Target;
  readonly pid: number;
  readonly perSecond: number[][];
  readonly latenciesMs: number[][];
  /** Processor time of the proxy's own process for a request, which noise on the machine moves least. */
  readonly cpuMicroseconds: number[][];
}

async function measure(side: Side): Promise<void> {
  const cpuBefore = cpuSecondsOf(side.pid);
  const { perSecond, latenciesMs } = await load(side.target, { ...shape, forMs });
  side.cpuMicroseconds.push([((cpuSecondsOf(side.pid) - cpuBefore) * 1e6) / latenciesMs.length]);
  side.perSecond.push([perSecond]);
  side.latenciesMs.push(latenciesMs);
}

await runBenchmark({
  name: 'gateway-throughput',
  rounds: 5,
  limitMs: 4 * 60_000,
  async measure(run) {
    const upstreamPort = await freePort();
    const terrarium = await startTerrarium(run, { script: 'bench/gateway/serve.ts', args: [String(upstreamPort)] });
    await terrarium.createEnvironment('bench');
    await terrarium.untilStatus('bench', 'Running');
    const door = new URL(terrarium.door.url);
    // Any route that is the environment's to answer; the upstream answers all of them alike.
    const path = `${door.pathname}/api/kernels/bench`;
    const proxy = await startProxy(run, { path: door.pathname, target: `http://127.0.0.1:${String(upstreamPort)}` });
    const sideOf = (port: number, pid: number): Side => ({
      target: { port, path, authorization: terrarium.authorization },
      pid,
      perSecond: [],
      latenciesMs: [],
      cpuMicroseconds: [],
    });
    const ours = sideOf(Number(door.port), terrarium.pid);
    const theirs = sideOf(proxy.port, proxy.pid);

    for (const side of [ours, theirs]) await load(side.target, { ...shape, forMs: warmUpMs });
    for (let round = 0; round < run.rounds; round++) {
      run.signal.throwIfAborted();
      for (const side of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await measure(side);
    }
    const peer = (rounds: number[][]) => ({ name: 'configurable-http-proxy', rounds });
    return [
      { name: 'throughput', unit: 'req/s', ours: ours.perSecond, peer: peer(theirs.perSecond), goal },
      { name: 'latency', unit: 'ms', ours: ours.latenciesMs, peer: peer(theirs.latenciesMs) },
      { name: 'processor time', unit: 'µs/req', ours: ours.cpuMicroseconds, peer: peer(theirs.cpuMicroseconds) },
    ];
  },
});
