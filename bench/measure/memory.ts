import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface Memory {
  readonly rssMB: number;
  /** Shared pages counted by the share of each process that maps them. */
  readonly pssMB: number;
}

/** MB of 1,000,000 bytes; the kernel's kB are 1024. */
export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  const field = (name: string) => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1024) / 1e6;
  return { rssMB: field('Rss'), pssMB: field('Pss') };
}

/** Seconds of processor time that a process has used, in user and kernel mode. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The name may hold spaces and brackets; fields are counted from behind it. Ticks are 100 a second on Linux.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The processes that see the same processes as this one: for a kernel or an agent, those of its environment. */
export function neighboursOf(pid: number): number[] {
  const namespaceOf = (one: string): string => {
    try {
      return readlinkSync(`/proc/${one}/ns/pid`);
    } catch {
      return '';
    }
  };
  const own = namespaceOf(String(pid));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && namespaceOf(name) === own)
    .map(Number);
}

/** Processes whose command line matches, by the ids of this machine. */
export function processesWith(pattern: RegExp): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }))
    .filter(({ pid, command }) => pid !== process.pid && pattern.test(command));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
