import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { IPty } from '@lydell/node-pty';
import type { RawData, WebSocket } from 'ws';
import { goFirst } from '../activity/go-first.ts';
import { HttpError } from '../http-error.ts';

interface Terminal {
  readonly name: string;
  readonly pty: IPty;
  readonly clients: Set<WebSocket>;
  /** The latest output, for a client that joins. */
  scrollback: string;
  lastActivityAt: number;
  /** Settles when the shell has ended. */
  readonly ended: Promise<void>;
}

export interface TerminalsOptions {
  readonly home: string;
  readonly environment: () => Promise<Record<string, string>>;
  readonly onKeystroke: () => void;
}

const scrollbackCharacters = 200_000;
const endMs = 500;

/** Shells, each with any number of WebSockets that speak terminado's protocol. */
export class Terminals {
  readonly #options: TerminalsOptions;
  readonly #terminals = new Map<string, Terminal>();

  constructor(options: TerminalsOptions) {
    this.#options = options;
  }

  list(): Record<string, unknown>[] {
    return [...this.#terminals.values()].map(modelOf);
  }

  model(name: string): Record<string, unknown> {
    return modelOf(this.#find(name));
  }

  /** The process of each terminal's shell. */
  shells(): { name: string; pid: number }[] {
    return [...this.#terminals.values()].map(({ name, pty }) => ({ name, pid: pty.pid }));
  }

  async create(asked: { name: unknown; cwd: unknown }): Promise<Record<string, unknown>> {
    const name = typeof asked.name === 'string' && asked.name !== '' ? asked.name : this.#freeName();
    if (!/^\w+$/.test(name)) throw new HttpError(400, 'The name of a terminal consists of letters, digits and _.');
    const existing = this.#terminals.get(name);
    if (existing !== undefined) return modelOf(existing);
    const env = await this.#options.environment();
    const cwd = await this.#folder(asked.cwd);
    // Loaded on first use: most environments never open a terminal.
    const { spawn } = await import('./pty.ts');
    const shell = await findShell(env['SHELL']);
    const pty = spawn(shell, ['-l'], {
      name: 'xterm-256color',
      cols: 80,
      rows: 24,
      cwd,
      env: { ...env, SHELL: shell, TERM: 'xterm-256color' },
    });
    goFirst(pty.pid);
    const ended = new Promise<void>((resolve) => {
      pty.onExit(() => {
        resolve();
      });
    });
    const terminal: Terminal = { name, pty, clients: new Set(), scrollback: '', lastActivityAt: Date.now(), ended };
    this.#terminals.set(name, terminal);
    pty.onData((text) => {
      terminal.scrollback = (terminal.scrollback + text).slice(-scrollbackCharacters);
      terminal.lastActivityAt = Date.now();
      for (const client of terminal.clients) client.send(JSON.stringify(['stdout', text]));
    });
    void ended.then(() => {
      this.#terminals.delete(name);
      for (const client of terminal.clients) {
        client.send(JSON.stringify(['disconnect', 1]));
        client.close(1000);
      }
    });
    return modelOf(terminal);
  }

  /** What to do with a socket of this terminal. @throws HttpError 404 */
  connect(name: string): (socket: WebSocket) => void {
    const terminal = this.#find(name);
    return (socket) => {
      socket.send(JSON.stringify(['setup', {}]));
      if (terminal.scrollback !== '') socket.send(JSON.stringify(['stdout', terminal.scrollback]));
      terminal.clients.add(socket);
      socket.on('message', (data) => {
        this.#take(terminal, data);
      });
      socket.once('close', () => terminal.clients.delete(socket));
    };
  }

  async remove(name: string): Promise<void> {
    await end(this.#find(name));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#terminals.values()].map(end));
  }

  #take(terminal: Terminal, data: RawData): void {
    let message: unknown;
    try {
      message = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '');
    } catch {
      return;
    }
    if (!Array.isArray(message)) return;
    const [kind, first, second]: unknown[] = message;
    terminal.lastActivityAt = Date.now();
    if (kind === 'stdin' && typeof first === 'string') {
      this.#options.onKeystroke();
      terminal.pty.write(first);
    } else if (kind === 'set_size' && isSize(first) && isSize(second)) terminal.pty.resize(second, first);
  }

  #find(name: string): Terminal {
    const terminal = this.#terminals.get(name);
    if (terminal === undefined) throw new HttpError(404, `Terminal not found: ${name}`);
    return terminal;
  }

  #freeName(): string {
    for (let number = 1; ; number++) if (!this.#terminals.has(String(number))) return String(number);
  }

  async #folder(asked: unknown): Promise<string> {
    const { home } = this.#options;
    if (typeof asked !== 'string' || asked === '' || asked.includes('\0')) return home;
    for (const folder of [path.join(home, asked), asked]) {
      const isFolder = await stat(folder).then(
        (facts) => facts.isDirectory(),
        () => false,
      );
      if (isFolder && path.isAbsolute(folder)) return folder;
    }
    return home;
  }
}

/** Hangs up, as a closed window does, then ends what does not listen. */
async function end({ pty, ended }: Terminal): Promise<void> {
  signalGroup(pty.pid, 'SIGHUP');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, endMs);
  });
  await Promise.race([ended, late]);
  clearTimeout(timer);
  signalGroup(pty.pid, 'SIGKILL');
  await ended;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it is over already
  }
}

async function findShell(preferred: string | undefined): Promise<string> {
  for (const shell of [preferred, '/bin/bash', '/usr/bin/bash', '/bin/sh']) {
    if (shell === undefined || /(nologin|false)$/.test(shell)) continue;
    const exists = await stat(shell).then(
      (facts) => facts.isFile(),
      () => false,
    );
    if (exists) return shell;
  }
  throw new HttpError(500, 'This image has no shell: neither bash nor sh is there.');
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 10_000;
}

function modelOf({ name, lastActivityAt }: Terminal): Record<string, unknown> {
  return { name, last_activity: new Date(lastActivityAt).toISOString() };
}
