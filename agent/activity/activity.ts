import type { AgentActivity } from '@terrarium/contract/agent';
import type { Kernels } from '../kernels/kernels.ts';
import type { Startup } from '../startup/startup.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { busyReasons } from './busy.ts';
import type { ProcessFacts, Processes } from './processes.ts';

interface Sample {
  readonly at: number;
  readonly processes: readonly ProcessFacts[];
}

/** CPU time is counted in hundredths of a second: over a shorter time a single tick would look like work. */
const shortestIntervalMs = 900;

/** What is going on in the environment. */
export class Activity {
  readonly #kernels: Kernels;
  readonly #terminals: Terminals;
  readonly #startup: Startup;
  readonly #processes: Processes;
  readonly #startedAt = Date.now();
  #touchedAt = Date.now();
  #samples: [before: Sample, last: Sample];

  constructor(parts: { kernels: Kernels; terminals: Terminals; startup: Startup; processes: Processes }) {
    this.#kernels = parts.kernels;
    this.#terminals = parts.terminals;
    this.#startup = parts.startup;
    this.#processes = parts.processes;
    const first = this.#sample();
    this.#samples = [first, first];
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  get lastActivityAt(): number {
    return Math.max(this.#touchedAt, ...this.#kernels.list().map(({ lastActivityAt }) => lastActivityAt));
  }

  /** A keystroke or a file change. */
  touch(): void {
    this.#touchedAt = Date.now();
  }

  /** Compares with the call before; calls in quick succession share their samples. */
  look(): AgentActivity {
    const [, last] = this.#samples;
    if (Date.now() - last.at >= shortestIntervalMs) this.#samples = [last, this.#sample()];
    const [before, now] = this.#samples;
    const kernels = this.#kernels.list().map(({ spec, label, pid, isWorking }) => ({
      name: spec.name,
      label,
      pid,
      isBusy: isWorking,
    }));
    const fresh = this.#processes.sample();
    return {
      lastActivityAt: this.lastActivityAt,
      busyReasons: busyReasons({
        kernels,
        unclaimed: this.#kernels.unclaimedProcesses(),
        shells: this.#terminals.shells(),
        startup: this.#startup.pid,
        before: before.processes,
        // Shells are looked at now: what runs in them counts even when it started after the sample.
        now: withTicksOf(fresh, now.processes),
        elapsedMs: now.at - before.at,
      }),
    };
  }

  #sample(): Sample {
    return { at: Date.now(), processes: this.#processes.sample() };
  }
}

/** The processes of now with the CPU time they had at the sample, so that shares fit the sample's interval. */
function withTicksOf(fresh: readonly ProcessFacts[], sampled: readonly ProcessFacts[]): ProcessFacts[] {
  const ticks = new Map(
    sampled.map(({ pid, startedAtTicks, ticks: spent }) => [`${String(pid)}/${String(startedAtTicks)}`, spent]),
  );
  return fresh.map((one) => ({ ...one, ticks: ticks.get(`${String(one.pid)}/${String(one.startedAtTicks)}`) ?? 0 }));
}
