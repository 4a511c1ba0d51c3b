import { readFileSync } from 'node:fs';
import type { ProcessFacts } from './processes.ts';
import { listeners, openFiles, socketsIn } from './sockets.ts';

/** What tells a job from a server, beside what /proc/<pid>/stat says. */
export interface ProcessDetails {
  readonly args: readonly string[];
  /** It waits for connections, of TCP or of a Unix socket. */
  readonly isListening: boolean;
  /** The pipe that it reads from as its standard input. */
  readonly input: string | null;
  /** The pipes that its standard output and error go to. */
  readonly outputs: readonly string[];
}

const nothing: ProcessDetails = { args: [], isListening: false, input: null, outputs: [] };

/** Reads them when they are first asked for: the system goes through every socket of the host for what listens. */
export function readDetails(processes: readonly ProcessFacts[]): (pid: number) => ProcessDetails {
  const pids = new Set(processes.map(({ pid }) => pid));
  const details = new Map<number, ProcessDetails>();
  let listening: ReturnType<typeof listeners> | null = null;
  return (pid) => {
    const found = details.get(pid) ?? (pids.has(pid) ? read(pid, (listening ??= listeners())) : nothing);
    details.set(pid, found);
    return found;
  };
}

/**
 * Bytes that a process has read and written, whatever that went through; null where the system does not say.
 * @see proc_pid_io(5), rchar and wchar
 */
export function readIoBytes(pid: number): number | null {
  const text = textOf(`/proc/${String(pid)}/io`);
  const [, read, written] = /^rchar: (\d+)\nwchar: (\d+)$/m.exec(text) ?? [];
  return read === undefined ? null : Number(read) + Number(written);
}

function read(pid: number, listening: ReadonlyMap<string, unknown>): ProcessDetails {
  const files = openFiles(pid);
  const pipe = (number: number): string | null => {
    const target = files.get(number) ?? '';
    return target.startsWith('pipe:') ? target : null;
  };
  return {
    args: textOf(`/proc/${String(pid)}/cmdline`)
      .split('\0')
      .slice(0, -1),
    isListening: socketsIn(files).some((inode) => listening.has(inode)),
    input: pipe(0),
    outputs: [pipe(1), pipe(2)].filter((one) => one !== null),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
