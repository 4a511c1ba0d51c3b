import type { AgentActivity } from '@terrarium/contract/agent';
import type { Kernels } from '../kernels/kernels.ts';
import type { Startup } from '../startup/startup.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { busyReasons, type MeasuredProcess } from './busy.ts';
import { createDetails, readIoBytes } from './process-details.ts';
import type { ProcessFacts, Processes } from './processes.ts';

interface Sample {
  readonly at: number;
  readonly processes: readonly MeasuredProcess[];
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
  #wasBusy = false;
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
    const kernels = this.#kernels.list();
    const fresh = this.#processes.sample();
    const reasons = busyReasons({
      kernels: kernels.map(({ spec, label, pid, isWorking }) => ({ name: spec.name, label, pid, isBusy: isWorking })),
      unclaimed: this.#kernels.unclaimedProcesses(),
      shells: this.#terminals.shells(),
      startup: this.#startup.pid,
      ofStartup: this.#startup.started(),
      before: before.processes,
      // What runs is looked at now, even when it started after the sample.
      now: asMeasured(fresh, now.processes),
      elapsedMs: now.at - before.at,
      details: createDetails(),
    });
    // The time until a pause begins when work ends. What is seen once only may be a server that tidied up.
    if (reasons.length > 0 && this.#wasBusy) this.touch();
    this.#wasBusy = reasons.length > 0;
    return {
      lastActivityAt: this.lastActivityAt,
      runningCells: kernels.reduce((sum, { executions }) => sum + executions.unfinished().length, 0),
      busyReasons: reasons,
    };
  }

  #sample(): Sample {
    const processes = this.#processes.sample();
    return { at: Date.now(), processes: processes.map((one) => ({ ...one, ioBytes: readIoBytes(one.pid) })) };
  }
}

/** The processes of now with what they had used at the sample, so that shares fit the sample's interval. */
function asMeasured(fresh: readonly ProcessFacts[], sampled: readonly MeasuredProcess[]): MeasuredProcess[] {
  const keyOf = ({ pid, startedAtTicks }: ProcessFacts): string => `${String(pid)}/${String(startedAtTicks)}`;
  const known = new Map(sampled.map((one) => [keyOf(one), one]));
  return fresh.map((one) => {
    const { ticks = 0, ioBytes = null } = known.get(keyOf(one)) ?? {};
    return { ...one, ticks, ioBytes };
  });
}
