import { descendants, type ProcessFacts } from './processes.ts';

export interface KernelFacts {
  readonly name: string;
  readonly label: string | null;
  readonly pid: number | null;
  readonly isBusy: boolean;
}

export interface ActivityFacts {
  readonly kernels: readonly KernelFacts[];
  /** The kernel that waits to be claimed: its start is nobody's work. */
  readonly unclaimed: readonly number[];
  /** The startup script while it runs. */
  readonly startup: number | null;
  readonly shells: readonly { readonly name: string; readonly pid: number }[];
  readonly before: readonly ProcessFacts[];
  readonly now: readonly ProcessFacts[];
  readonly elapsedMs: number;
}

/** Below this an idle program's timers are heard; above, it works. Shares of one core. */
const workingShare = 0.01;
/** An idle kernel itself looks after sockets and its parent. */
const workingKernelShare = 0.1;
const ticksPerSecond = 100;

/** Why the environment must not be paused, a phrase each; empty when it is idle. Connections do not count. */
export function busyReasons(facts: ActivityFacts): string[] {
  const { kernels, shells, now } = facts;
  const reasons: string[] = [];
  const kernelName = ({ name, label }: KernelFacts): string => (label === null ? name : `${name} (${label})`);
  const explained = new Set(facts.unclaimed.flatMap((pid) => [pid, ...descendants(pid, now).map((one) => one.pid)]));

  for (const kernel of kernels) {
    const { name, label, isBusy, pid } = kernel;
    if (isBusy) reasons.push(label === null ? `kernel ${name} is busy` : `kernel ${name} is busy (${label})`);
    else if (pid !== null && share(pid, facts) >= workingKernelShare) {
      reasons.push(`kernel ${kernelName(kernel)} works in the background`);
    }
    if (pid !== null) explained.add(pid);
  }

  for (const { name, pid } of shells) {
    explained.add(pid);
    const children = descendants(pid, now);
    for (const child of children) explained.add(child.pid);
    const running = children.find((child) => child.group === child.foregroundGroup) ?? children[0];
    if (running !== undefined) reasons.push(`terminal ${name} runs ${running.command}`);
  }

  if (facts.startup !== null) {
    reasons.push('startup script');
    for (const { pid } of [{ pid: facts.startup }, ...descendants(facts.startup, now)]) explained.add(pid);
  }

  for (const process of now) {
    if (explained.has(process.pid) || share(process.pid, facts) < workingShare) continue;
    const owner = kernels.find(
      ({ pid }) => pid !== null && descendants(pid, now).some((one) => one.pid === process.pid),
    );
    const of = owner === undefined ? '' : `, started by kernel ${kernelName(owner)}`;
    reasons.push(`process ${process.command} (${String(process.pid)}) is at work${of}`);
  }
  return [...new Set(reasons)];
}

/** CPU used since the sample before, as a share of one core. A process that is new counts from nothing. */
function share(pid: number, { before, now, elapsedMs }: ActivityFacts): number {
  const current = now.find((one) => one.pid === pid);
  if (current === undefined || elapsedMs <= 0) return 0;
  const previous = before.find((one) => one.pid === pid && one.startedAtTicks === current.startedAtTicks);
  return (current.ticks - (previous?.ticks ?? 0)) / ticksPerSecond / (elapsedMs / 1000);
}
