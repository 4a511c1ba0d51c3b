import { createKindOf, type ProcessKind } from './jobs.ts';
import type { ProcessDetails } from './process-details.ts';
import { descendants, type ProcessFacts } from './processes.ts';

export interface KernelFacts {
  readonly name: string;
  readonly label: string | null;
  readonly pid: number | null;
  readonly isBusy: boolean;
}

export interface MeasuredProcess extends ProcessFacts {
  /** Read and written since its start; null where the system does not say. */
  readonly ioBytes: number | null;
}

export interface ActivityFacts {
  readonly kernels: readonly KernelFacts[];
  /** The kernel that waits to be claimed: its start is nobody's work. */
  readonly unclaimed: readonly number[];
  /** The startup script while it runs. */
  readonly startup: number | null;
  /** What the startup script has started, also after its end. */
  readonly ofStartup: ReadonlySet<number>;
  readonly shells: readonly { readonly name: string; readonly pid: number }[];
  readonly before: readonly MeasuredProcess[];
  readonly now: readonly MeasuredProcess[];
  readonly elapsedMs: number;
  readonly details: (pid: number) => ProcessDetails;
}

/** Below this an idle program's timers are heard; above, it works. Shares of one core. */
const workingShare = 0.01;
/** An idle kernel itself looks after sockets and its parent. */
const workingKernelShare = 0.1;
/** Reading and writing more than this is work, however little it takes of a processor. */
const workingBytesPerSecond = 256 * 1024;
const ticksPerSecond = 100;

/**
 * Why the environment must not be paused, a phrase each; empty when it is idle. Connections do not count.
 *
 * The rule: a cell that runs or waits is work; so is every command that somebody has started and that has not ended,
 * however silent, in a terminal or left in the background; but what waits for others (it listens on a socket, or the
 * startup script left it), a kernel's own worker processes, a shell at its prompt and what was stopped are work only
 * while they use a processor or move data.
 */
export function busyReasons(facts: ActivityFacts): string[] {
  const { kernels, shells, now, startup } = facts;
  const reasons: string[] = [];
  const isAtWork = workOf(facts);
  // Made when first asked: where only idle kernels run nobody asks, and what it needs takes most of a look.
  let known: ReturnType<typeof createKindOf> | null = null;
  const kindOf = (process: MeasuredProcess): ProcessKind => (known ??= createKindOf({ ...facts, all: now }))(process);
  const byPid = new Map(now.map((one) => [one.pid, one]));
  const explained = new Set(facts.unclaimed.flatMap((pid) => [pid, ...descendants(pid, now).map((one) => one.pid)]));

  for (const kernel of kernels) {
    const { name, label, isBusy, pid } = kernel;
    if (isBusy) reasons.push(label === null ? `kernel ${name} is busy` : `kernel ${name} is busy (${label})`);
    else if (pid !== null && isAtWork(pid, workingKernelShare)) {
      reasons.push(`kernel ${nameOf(kernel)} works in the background`);
    }
    if (pid !== null) explained.add(pid);
  }
  if (startup !== null) {
    reasons.push('startup script');
    for (const pid of [startup, ...facts.ofStartup]) explained.add(pid);
  }
  for (const { pid } of shells) explained.add(pid);

  const isBusy = (process: MeasuredProcess): boolean =>
    isAtWork(process.pid, workingShare) || (kindOf(process) === 'job' && process.state !== 'T');
  const busy = now.filter((process) => !explained.has(process.pid) && isBusy(process));

  for (const { name, pid } of shells) {
    const running = descendants(pid, busy.length === 0 ? [] : now).filter((one) =>
      busy.some((other) => other.pid === one.pid),
    );
    const inFront = running.find((one) => one.group === one.foregroundGroup);
    if (inFront !== undefined) reasons.push(`terminal ${name} runs ${inFront.command}`);
    else if (running[0] !== undefined) reasons.push(`terminal ${name} runs ${running[0].command} in the background`);
    for (const one of running) explained.add(one.pid);
  }

  const elsewhere = new Map<number, MeasuredProcess[]>();
  for (const process of busy) {
    if (explained.has(process.pid)) continue;
    const top = topOf(process, byPid, explained);
    elsewhere.set(top, [...(elsewhere.get(top) ?? []), process]);
  }
  for (const tree of elsewhere.values()) {
    const working = tree.find(({ pid }) => isAtWork(pid, workingShare));
    const shown = working ?? tree[0];
    if (shown === undefined) continue;
    const owner = kernels.find(({ pid }) => pid !== null && descendants(pid, now).some((one) => one.pid === shown.pid));
    const does = working === undefined ? 'runs in the background' : 'is at work';
    const of = owner === undefined ? '' : `, started by kernel ${nameOf(owner)}`;
    reasons.push(`process ${shown.command} (${String(shown.pid)}) ${does}${of}`);
  }
  return [...new Set(reasons)];
}

function nameOf({ name, label }: KernelFacts): string {
  return label === null ? name : `${name} (${label})`;
}

/** The uppermost process above this one that is not explained by itself. */
function topOf(
  process: MeasuredProcess,
  byPid: ReadonlyMap<number, MeasuredProcess>,
  explained: ReadonlySet<number>,
): number {
  let top = process;
  for (
    let parent = byPid.get(top.parent);
    parent !== undefined && !explained.has(parent.pid);
    parent = byPid.get(parent.parent)
  ) {
    top = parent;
  }
  return top.pid;
}

/** Whether a process used a processor or moved data since the sample before. One that is new counts from nothing. */
function workOf({ before, now, elapsedMs }: ActivityFacts): (pid: number, share: number) => boolean {
  const keyOf = ({ pid, startedAtTicks }: ProcessFacts): string => `${String(pid)}/${String(startedAtTicks)}`;
  const earlier = new Map(before.map((one) => [keyOf(one), one]));
  const current = new Map(now.map((one) => [one.pid, one]));
  return (pid, share) => {
    const one = current.get(pid);
    if (one === undefined || elapsedMs <= 0) return false;
    const previous = earlier.get(keyOf(one));
    const seconds = elapsedMs / 1000;
    const used = (one.ticks - (previous?.ticks ?? 0)) / ticksPerSecond / seconds;
    const moved = ((one.ioBytes ?? 0) - (previous?.ioBytes ?? 0)) / seconds;
    return used >= share || moved >= workingBytesPerSecond;
  };
}
