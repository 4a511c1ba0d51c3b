import { readdirSync, readFileSync } from 'node:fs';

/** A live process, as /proc shows it. Zombies are not live. */
export interface ProcessFact {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since the host started; with the pid and the boot id it names a process for ever. */
  readonly startTicks: number;
  readonly uid: number;
  /** Stopped by a signal. */
  readonly isStopped: boolean;
  /** It is a program, neither a thread of the kernel nor about to be gone. */
  readonly isProgram: boolean;
  /** Its pid in each nested pid namespace, outermost first. */
  readonly namespacePids: readonly number[];
}

// Flags of a process, as include/linux/sched.h has them.
const exiting = 0x4;
const kernelThread = 0x20_0000;

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function readProcess(pid: number): ProcessFact | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The command name is in parentheses and may hold anything, parentheses too. proc(5)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return {
      pid,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      startTicks: Number(fields[19]),
      isStopped: fields[0] === 'T',
      isProgram: (Number(fields[6]) & (kernelThread | exiting)) === 0,
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
      namespacePids: (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? String(pid)).split(/\s+/).map(Number),
    };
  } catch {
    return null;
  }
}

export function allPids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** The arguments, or none when the process is gone. */
export function argumentsOf(pid: number): string[] {
  return readList(pid, 'cmdline');
}

/** One variable of the environment that the process was started with; empty when there is none, or it is not ours to read. */
export function variableOf(pid: number, name: string): { value: string | null; isEmpty: boolean } {
  const list = readList(pid, 'environ');
  const entry = list.find((each) => each.startsWith(`${name}=`));
  return { value: entry?.slice(name.length + 1) ?? null, isEmpty: list.every((each) => each === '') };
}

function readList(pid: number, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

type StopSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** Sends a signal to exactly this process; nothing happens when it is gone or its pid is another's by now. */
export function signal(process_: Pick<ProcessFact, 'pid' | 'startTicks'>, name: StopSignal): void {
  if (readProcess(process_.pid)?.startTicks !== process_.startTicks) return;
  try {
    process.kill(process_.pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Waits until `done` says so. @returns false when time is up first */
export async function until(done: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    if (done()) return true;
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
