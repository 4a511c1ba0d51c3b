import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentStartup, AgentStartupRequest } from '@terrarium/contract/agent';
import { endProcesses } from '../activity/end-processes.ts';
import { goFirst } from '../activity/go-first.ts';
import { Processes } from '../activity/processes.ts';
import { log, messageOf } from '../log.ts';
import { BoundedLog } from './bounded-log.ts';

export interface StartupOptions {
  readonly home: string;
  readonly stateDirectory: string;
  readonly environment: () => Promise<Record<string, string>>;
  readonly environmentId: string;
}

type Facts = Omit<AgentStartup, 'output' | 'nextOffset'>;

const mark = 'TERRARIUM_STARTUP';
const killMs = 20_000;
/** Timers know no longer time. */
const longestTimerMs = 2 ** 31 - 1;
/** What is printed so soon after is told with it. */
const togetherMs = 50;
const quietMs = 20;
const quietRounds = 25;

/**
 * The environment's startup script. It runs at most once in the agent's life; what it leaves in the background when it
 * ends by itself lives on.
 */
export class Startup {
  readonly #options: StartupOptions;
  readonly #processes: Processes;
  readonly #log = new BoundedLog();
  readonly #changes = new EventEmitter<{ change: [] }>();
  #facts: Facts = { state: 'none', exitCode: null, signal: null, startedAt: null, endedAt: null };
  #pid: number | null = null;

  constructor(options: StartupOptions) {
    this.#options = options;
    this.#processes = new Processes(`${mark}=${options.environmentId}`);
    this.#changes.setMaxListeners(0);
  }

  get isRunning(): boolean {
    return this.#facts.state === 'running';
  }

  /** The script's process while it runs. */
  get pid(): number | null {
    return this.isRunning ? this.#pid : null;
  }

  /** What it has started, also when it has ended itself. */
  started(): ReadonlySet<number> {
    return this.#facts.state === 'none' ? new Set() : this.#processes.carriers();
  }

  /** Starts it, unless one was started already. What keeps it from starting is told as its failure. */
  start(request: AgentStartupRequest): void {
    if (this.#facts.state !== 'none') return;
    this.#facts = { ...this.#facts, state: 'running', startedAt: Date.now() };
    this.#run(request).catch((error: unknown) => {
      this.#print(`The startup script could not be started: ${messageOf(error)}\n`);
      this.#end('failed', null, null);
    });
  }

  /** What it printed from `after` on: at once where there is something or it has ended, else when that comes to be. */
  async status(after: number, waitMs: number): Promise<AgentStartup> {
    const end = performance.now() + waitMs;
    while (this.isRunning && this.#log.length <= after) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) break;
      await once(this.#changes, 'change', { signal: AbortSignal.timeout(Math.ceil(leftMs)) }).catch(() => undefined);
      if (this.isRunning && this.#log.length > after) await delay(togetherMs);
    }
    return { ...this.#facts, output: this.#log.from(after), nextOffset: this.#log.length };
  }

  async #run({ script, timeoutMs }: AgentStartupRequest): Promise<void> {
    if (script.includes('\0')) throw new Error('there is a NUL character in it. Remove that, then start again.');
    const { home, stateDirectory, environment, environmentId } = this.#options;
    const file = path.join(stateDirectory, 'startup-script');
    await rm(file, { force: true });
    // Line ends of Windows would be a part of every last word.
    const text = script.replaceAll('\r\n', '\n');
    await writeFile(file, text, { mode: 0o700 });
    const env = { PYTHONUNBUFFERED: '1', ...(await environment()), [mark]: environmentId };
    // One pipe for both, so that errors stand where they happened; `exec` leaves no shell in between.
    const child = spawn('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', ...interpreterOf(text), file], {
      cwd: home,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      this.#print(part);
    });
    child.stdout.on('error', () => undefined); // the exit says the same
    const exited = once(child, 'exit'); // rejects when there was nothing to start
    await Promise.race([once(child, 'spawn'), exited]);
    this.#pid = child.pid ?? null;
    if (child.pid !== undefined) giveWay(child.pid);
    const hasExited = await Promise.race([
      exited.then(() => true),
      delay(Math.min(timeoutMs, longestTimerMs), false, { ref: false }),
    ]);
    if (!hasExited) {
      await this.#kill(child);
      await exited;
    }
    await this.#quiet(child);
    if (!hasExited) this.#end('timedOut', child.exitCode, child.signalCode);
    else this.#end(child.exitCode === 0 ? 'succeeded' : 'failed', child.exitCode, child.signalCode);
  }

  async #kill({ pid }: ChildProcess): Promise<void> {
    if (pid === undefined) return;
    const areGone = await endProcesses(() => this.#processes.reachOf(pid), killMs);
    if (!areGone) log('error', 'some processes of the startup script could not be ended');
  }

  /** What was printed before the end may still be on its way; what it left in the background may go on printing. */
  async #quiet({ stdout }: ChildProcess): Promise<void> {
    for (let round = 0; round < quietRounds; round++) {
      const before = this.#log.length;
      await delay(quietMs);
      if (stdout?.readableEnded !== false || this.#log.length === before) return;
    }
  }

  #print(text: string): void {
    this.#log.append(text);
    this.#changes.emit('change');
  }

  #end(state: 'succeeded' | 'failed' | 'timedOut', exitCode: number | null, signal: string | null): void {
    this.#facts = { ...this.#facts, state, exitCode, signal, endedAt: Date.now() };
    log('info', 'the startup script ended', { state, exitCode, signal });
    this.#changes.emit('change');
  }
}

/** However many processes it starts, the agent still has its turn. */
function giveWay(pid: number): void {
  goFirst(pid);
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // it has ended already
  }
}

/** What the first line names, as the system itself reads it: one program and at most one argument. */
function interpreterOf(script: string): string[] {
  const [, program, argument] = /^#![ \t]*(\S+)(?:[ \t]+([^\n]*?))?[ \t]*(?:\n|$)/.exec(script) ?? [];
  if (program !== undefined) return argument === undefined || argument === '' ? [program] : [program, argument];
  return [['/bin/bash', '/usr/bin/bash'].find((shell) => existsSync(shell)) ?? '/bin/sh'];
}
