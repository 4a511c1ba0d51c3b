import type { AgentKernelDeath } from '@terrarium/contract/agent';
import { memoryAdvice, type MemoryKill } from '../activity/memory-kill.ts';
import type { Exit } from './kernel-process.ts';

/** How a kernel ended that nobody asked to end, with a sentence for its user. */
export function describeDeath(facts: {
  name: string;
  exit: Exit;
  /** What is known of its being killed for want of memory; null when it was not, `unknown` when nobody can say. */
  memoryKill: MemoryKill | 'unknown' | null;
  cell: string | null;
  at: number;
}): AgentKernelDeath {
  const { name, exit, memoryKill, cell, at } = facts;
  const none = { isOutOfMemory: false, peakBytes: null, memoryLimitBytes: null, suggestedGiB: null, cell, at };
  if (memoryKill !== null && memoryKill !== 'unknown') {
    const { suggestedGiB, sentence } = memoryAdvice(`Kernel ${name}`, memoryKill);
    return { ...none, ...memoryKill, reason: sentence, isOutOfMemory: true, suggestedGiB };
  }
  return { ...none, reason: endOf(name, exit, memoryKill === 'unknown' ? ', most likely because memory ran out' : '') };
}

function endOf(name: string, { code, signal }: Exit, likely: string): string {
  if (signal === 'SIGKILL') return `Kernel ${name} was killed from outside (SIGKILL)${likely}.`;
  if (signal !== null) return `Kernel ${name} crashed (${signal}).`;
  return code === 0 ? `Kernel ${name} ended by itself.` : `Kernel ${name} ended with exit code ${String(code)}.`;
}
