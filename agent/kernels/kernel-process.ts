import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { goFirst } from '../activity/go-first.ts';
import { errnoOf } from '../log.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A kernel's process, leader of a process group of its own. */
export interface KernelProcess {
  readonly pid: number;
  /** Settles once, when the process has ended. */
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  /** To the whole group, so that what a cell started is reached too. A group that is gone is no error. */
  signalGroup(signal: NodeJS.Signals): void;
  /** The last lines it printed outside the protocol, usually why it died. */
  lastWords(): string;
}

const keptCharacters = 8000;

/** @throws the system's error when the program cannot be started */
export async function spawnKernel(options: {
  argv: readonly string[];
  env: Record<string, string>;
  cwd: string;
}): Promise<KernelProcess> {
  const [program = '', ...args] = options.argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  const keep = (stream: Readable): void => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-keptCharacters);
    });
    stream.on('error', () => undefined); // the exit event says the same
  };
  keep(child.stdout);
  keep(child.stderr);

  let isOver = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      resolve({ code, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject);
  });
  child.on('error', () => undefined); // a signal that could not be delivered
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${program} was started without a process id`);
  goFirst(pid);

  return {
    pid,
    exited,
    hasExited: () => isOver,
    signalGroup(signal) {
      try {
        process.kill(-pid, signal);
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    },
    lastWords: () => words.trim(),
  };
}
