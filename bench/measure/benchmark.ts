import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate, table, type Figure } from './figure.ts';
import { removeLeftovers } from './leftovers.ts';

/** One run of a benchmark, and the owner of everything it starts. */
export interface Run {
  /** Its own folder, removed at the end. */
  readonly directory: string;
  /** Environment of every process that it starts, by which what was left behind is found. */
  readonly mark: Readonly<Record<string, string>>;
  /** Aborted by Ctrl-C, SIGTERM and the time limit. */
  readonly signal: AbortSignal;
  readonly rounds: number;
  hasFlag(name: string): boolean;
  /** Later ones are undone first. */
  defer(undo: () => Promise<void> | void): void;
  /** Says something beside the table, such as where the time went. */
  note(text: string): void;
  progress(text: string): void;
}

export interface Benchmark {
  readonly name: string;
  readonly rounds: number;
  readonly limitMs: number;
  readonly flags?: readonly string[];
  measure(run: Run): Promise<Figure[]>;
}

/**
 * Runs one benchmark from the command line: prints its table and one line of JSON, and removes all that it made, also
 * after a failure. Exit codes: 0 measured, 1 could not be measured, 2 measured with --strict and a goal was missed.
 */
export async function runBenchmark(benchmark: Benchmark): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      strict: { type: 'boolean' },
      ...Object.fromEntries((benchmark.flags ?? []).map((name) => [name, { type: 'boolean' as const }])),
    },
  });
  const given: Record<string, unknown> = values;
  const rounds = Number(values.rounds ?? benchmark.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number from 1 on.');

  const abort = new AbortController();
  const onSignal = (signal: string) => {
    abort.abort(new Error(`Ended by ${signal}.`));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const limit = setTimeout(() => {
    abort.abort(new Error(`Not done within ${String(benchmark.limitMs / 60_000)} minutes.`));
  }, benchmark.limitMs).unref();

  const id = randomUUID();
  // Short, because sockets inside have paths of at most 107 bytes.
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), 'tbench-')));
  const undos: (() => Promise<void> | void)[] = [];
  const notes: string[] = [];
  const run: Run = {
    directory,
    mark: { BENCH_RUN: id },
    signal: abort.signal,
    rounds,
    hasFlag: (name) => given[name] === true,
    defer: (undo) => undos.push(undo),
    note: (text) => notes.push(text),
    progress: (text) => process.stderr.write(`  ${text}\n`),
  };
  process.stderr.write(`${benchmark.name}\n`);
  const loadBefore = loadavg()[0] ?? NaN;
  const startedAt = performance.now();
  try {
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => {
        reject(abort.signal.reason as Error); // both aborts above give an Error
      });
    });
    const figures = await Promise.race([benchmark.measure(run), aborted]);
    const outcomes = figures.map(evaluate);
    const facts = {
      benchmark: benchmark.name,
      figures: outcomes,
      notes,
      machine: { cpus: cpus().length, node: process.version, loadBefore },
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };
    process.stdout.write(
      `\n${table(outcomes)}\n${notes.map((note) => `${note}\n`).join('')}\n${JSON.stringify(facts)}\n`,
    );
    if (values.strict === true && outcomes.some(({ isMet }) => isMet === false)) process.exitCode = 2;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    clearTimeout(limit);
    for (const undo of undos.reverse()) {
      try {
        await undo();
      } catch (error) {
        process.stderr.write(`While cleaning up: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
    for (const found of await removeLeftovers(directory, `BENCH_RUN=${id}`)) {
      process.stderr.write(`Left behind, and ended: ${found}\n`);
    }
  }
  // A socket that a peer keeps open must not keep us.
  process.exit();
}
