import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** One process as /proc shows it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly state: string;
  readonly group: number;
  /** Leader of its session. */
  readonly session: number;
  /** Process group in the foreground of its terminal, or -1 without one. */
  readonly foregroundGroup: number;
  /** CPU time of the process and of its children that have ended, in clock ticks (1/100 s). */
  readonly ticks: number;
  readonly startedAtTicks: number;
  /** Memory that is its own, in bytes. */
  readonly ownBytes: number;
}

const pageBytes = 4096;

/** @see proc_pid_stat(5) */
export function parseStat(text: string): Omit<ProcessFacts, 'ownBytes'> | null {
  const open = text.indexOf('(');
  // The command may hold anything, closing parentheses too.
  const close = text.lastIndexOf(')');
  if (open === -1 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  return {
    pid: Number(text.slice(0, open)),
    command: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parent: number(1),
    group: number(2),
    session: number(3),
    foregroundGroup: number(5),
    ticks: number(11) + number(12) + number(13) + number(14),
    startedAtTicks: number(19),
  };
}

/** The processes below `pid`, at any depth. */
export function descendants(pid: number, all: readonly ProcessFacts[]): ProcessFacts[] {
  const children = all.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...descendants(child.pid, all)]);
}

/**
 * Memory of a process in bytes, with what it shares counted in proportion; null where the system does not say.
 * @see proc_pid_smaps(5), smaps_rollup
 */
export async function proportionalBytes(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'latin1').catch(() => '');
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** The processes of this environment: what the agent started, and what they left behind when they ended. */
export class Processes {
  readonly #marker: string;
  /** Whether a process carries our mark, by pid and start: its environment does not change. */
  #marked = new Map<string, boolean>();

  /** @param marker  `NAME=value` in the environment of everything that kernels and terminals start */
  constructor(marker: string) {
    this.#marker = `\0${marker}\0`;
  }

  /** Those that carry the mark, wherever they hang now. */
  marked(): number[] {
    return [...readAll().keys()].filter((pid) => pid !== process.pid && this.#isMarked(pid));
  }

  /** Those that `pid` has started: what carries the mark, and what is in its session or below it. */
  reachOf(pid: number): number[] {
    const all = readAll();
    return [...all.values()]
      .filter((one) => one.pid !== process.pid)
      .filter((one) => one.pid === pid || one.session === pid || isBelow(one, pid, all) || this.#isMarked(one.pid))
      .map((one) => one.pid);
  }

  /** All of them but the agent itself. */
  sample(): ProcessFacts[] {
    const all = readAll();
    return this.#remembering((isMarked) =>
      [...all.values()].filter(
        (facts) => facts.pid !== process.pid && (isBelow(facts, process.pid, all) || isMarked(facts)),
      ),
    );
  }

  /** Those that carry the mark, as it was when each was first asked about. */
  carriers(): ReadonlySet<number> {
    const all = [...readAll().values()];
    return this.#remembering((isMarked) => new Set(all.filter(isMarked).map(({ pid }) => pid)));
  }

  /** Remembers the answers for what is asked about now, and forgets the others. */
  #remembering<T>(look: (isMarked: (facts: ProcessFacts) => boolean) => T): T {
    const marked = new Map<string, boolean>();
    const found = look((facts) => {
      const key = `${String(facts.pid)}/${String(facts.startedAtTicks)}`;
      const isMarked = this.#marked.get(key) ?? this.#isMarked(facts.pid);
      marked.set(key, isMarked);
      return isMarked;
    });
    this.#marked = marked;
    return found;
  }

  #isMarked(pid: number): boolean {
    return `\0${readOrEmpty(`/proc/${String(pid)}/environ`)}`.includes(this.#marker);
  }
}

/** The process of a number now, or null. */
export function processAt(pid: number): ProcessFacts | null {
  return read(pid);
}

function readAll(): Map<number, ProcessFacts> {
  const all = new Map<number, ProcessFacts>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const facts = read(Number(name));
    if (facts !== null && facts.state !== 'Z') all.set(facts.pid, facts);
  }
  return all;
}

function isBelow(facts: ProcessFacts, ancestor: number, all: ReadonlyMap<number, ProcessFacts>): boolean {
  let current: ProcessFacts | undefined = facts;
  for (let depth = 0; current !== undefined && depth < 1000; depth++) {
    if (current.parent === ancestor) return true;
    current = all.get(current.parent);
  }
  return false;
}

function read(pid: number): ProcessFacts | null {
  const stat = parseStat(readOrEmpty(`/proc/${String(pid)}/stat`));
  if (stat === null) return null;
  const [, resident = 0, shared = 0] = readOrEmpty(`/proc/${String(pid)}/statm`)
    .split(' ')
    .map(Number);
  return { ...stat, ownBytes: Math.max(0, resident - shared) * pageBytes };
}

function readOrEmpty(file: string): string {
  try {
    // Node reads a file of unknown size in one go in this encoding alone; in others it takes 64 KiB for each.
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
