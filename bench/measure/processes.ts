import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Run } from './benchmark.ts';

export interface RunningProcess {
  readonly pid: number;
  /** Its exit code or signal, or null while it runs. */
  ended(): string | null;
  /** The last lines of what it printed. */
  printed(): string;
  stop(): Promise<void>;
}

const graceMs = 20_000;

/**
 * Starts a program in a process group of its own, with its output in a log file, and ends the whole group at the end of
 * the run at the latest.
 */
export async function startProcess(
  run: Run,
  options: {
    name: string;
    command: string;
    args: readonly string[];
    cwd?: string;
    env?: Readonly<Record<string, string>>;
  },
): Promise<RunningProcess> {
  const logFile = path.join(run.directory, `${options.name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(options.command, options.args, {
    cwd: options.cwd ?? run.directory,
    env: { ...process.env, ...run.mark, ...options.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let ending: string | null = null;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ending = signal ?? `exit code ${String(code)}`;
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject);
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.command} was started without a process id.`);

  const started: RunningProcess = {
    pid,
    ended: () => ending,
    printed: () => readFileSync(logFile, 'utf8').trim().split('\n').slice(-20).join('\n'),
    async stop() {
      if (ending === null) {
        // To the program alone: it ends its own children, in its own order.
        process.kill(pid, 'SIGTERM');
        await Promise.race([exited, wait(graceMs, undefined, { ref: false })]);
      }
      signalGroup(pid, 'SIGKILL');
      await Promise.race([exited, wait(graceMs, undefined, { ref: false })]);
    },
  };
  run.defer(() => started.stop());
  return started;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Asks again until there is an answer other than undefined. @throws Error with `what` when it does not come in time */
export async function until<T>(
  what: string,
  options: { signal: AbortSignal; timeoutMs: number; everyMs?: number; process?: RunningProcess },
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    const ending = options.process?.ended() ?? null;
    if (ending !== null)
      throw new Error(`${what}: the process ended (${ending}):\n${options.process?.printed() ?? ''}`);
    if (performance.now() > deadline) {
      const seconds = String(Math.round(options.timeoutMs / 1000));
      throw new Error(`${what}: not within ${seconds} s.\n${options.process?.printed() ?? ''}`);
    }
    await wait(options.everyMs ?? 20);
  }
}

/** Runs a program to its end. @throws Error with what it printed when it fails */
export async function complete(
  run: Run,
  options: Parameters<typeof startProcess>[1] & { timeoutMs: number },
): Promise<void> {
  const program = await startProcess(run, options);
  const { signal } = run;
  const ending = await until(options.name, { signal, timeoutMs: options.timeoutMs, everyMs: 100 }, () =>
    program.ended() === null ? undefined : (program.ended() ?? ''),
  );
  if (ending !== 'exit code 0') throw new Error(`${options.name} failed (${ending}):\n${program.printed()}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('The system gave no port.'));
      });
    });
  });
}
