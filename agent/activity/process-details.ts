import { readFileSync } from 'node:fs';
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

/** Reads when asked, each process once: the system takes milliseconds to list what listens. */
export function createDetails(): (pid: number) => ProcessDetails {
  const known = new Map<number, ProcessDetails>();
  let listening: ReadonlyMap<string, unknown> | null = null;
  return (pid) => {
    listening ??= listeners();
    const details = known.get(pid) ?? read(pid, listening);
    known.set(pid, details);
    return details;
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
