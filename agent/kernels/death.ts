import { groupPath, read } from '../activity/cgroup.ts';
import type { Exit } from './kernel-process.ts';

/** Why a kernel ended that nobody asked to end, as a sentence for its user. */
export function describeDeath(facts: {
  name: string;
  exit: Exit;
  oomKillsBefore: number | null;
  oomKillsAfter: number | null;
}): string {
  const { name, exit, oomKillsBefore, oomKillsAfter } = facts;
  if (exit.signal === 'SIGKILL') {
    const isCertain = oomKillsBefore !== null && oomKillsAfter !== null && oomKillsAfter > oomKillsBefore;
    return isCertain
      ? `Kernel ${name} ran out of memory and was killed by the system. Use less memory, or give the environment more.`
      : `Kernel ${name} was killed from outside (SIGKILL), most likely because memory ran out.`;
  }
  if (exit.signal !== null) return `Kernel ${name} crashed (${exit.signal}).`;
  return exit.code === 0
    ? `Kernel ${name} ended by itself.`
    : `Kernel ${name} ended with exit code ${String(exit.code)}.`;
}

/** How often the system has killed for want of memory, in our cgroup where that can be seen, else on the machine. */
export function readOomKills(): number | null {
  const self = read('/proc/self/cgroup');
  const sources: [file: string, counter: RegExp][] = [
    [`/sys/fs/cgroup${groupPath(self, '') ?? ''}/memory.events`, /^oom_kill (\d+)$/m],
    [`/sys/fs/cgroup/memory${groupPath(self, 'memory') ?? ''}/memory.oom_control`, /^oom_kill (\d+)$/m],
    ['/proc/vmstat', /^oom_kill (\d+)$/m],
  ];
  for (const [file, counter] of sources) {
    const match = counter.exec(read(file));
    if (match?.[1] !== undefined) return Number(match[1]);
  }
  return null;
}
