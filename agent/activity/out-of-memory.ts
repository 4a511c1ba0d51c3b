import type { AgentOutOfMemory } from '@terrarium/contract/agent';
import { read, readGroup, readOomKills } from './cgroup.ts';
import { memoryAdvice, type MemoryKill } from './memory-kill.ts';
import { descendants, type ProcessFacts, type Processes } from './processes.ts';

/** A kernel as far as it matters who started what. */
export interface KernelOfProcess {
  readonly pid: number | null;
  readonly spec: { readonly name: string };
  readonly executions: { since(at: number, until?: number): { readonly cellId: string | null } | undefined };
  /** Shows a sentence where the person looks: in the cell that ran between the two moments. */
  note(sentence: string, at: number, until?: number): void;
}

interface Kill {
  /** When it was noticed. */
  readonly at: number;
  /** When it had not happened yet. */
  readonly notBefore: number;
  /** Who was there before, for finding out who is missing. */
  readonly before: readonly ProcessFacts[];
}

const lookMs = 200;
const sampleMs = 500;
/** A kernel's end is heard of within this time after its kill; what nobody has claimed by then was another process. */
const claimMs = 250;
/** What is killed so soon after a kernel went with it. */
const sameTroubleMs = 2000;
/** From here on it is remembered which processes there are. */
const nearLimit = 0.5;

/**
 * Notices what the system kills for want of memory. A kernel's end is found out from its exit, and claims one kill;
 * a kill that no kernel claims is told of a process that is missing, so the kernel that had started it can say so.
 *
 * What the killed had come to is the most that the environment has held, less what the others hold after the kill: a
 * measurement every so often would miss the last second, in which most is taken.
 */
export class OutOfMemory {
  readonly #processes: Processes;
  readonly #kernels: () => readonly KernelOfProcess[];
  readonly #timer: NodeJS.Timeout;
  #counted = readOomKills();
  #kills: Kill[] = [];
  #countedAt = Date.now();
  #before: readonly ProcessFacts[] = [];
  #sampledAt = 0;
  #claimedAt = 0;
  latest: AgentOutOfMemory | null = null;

  constructor(parts: { processes: Processes; kernels: () => readonly KernelOfProcess[] }) {
    this.#processes = parts.processes;
    this.#kernels = parts.kernels;
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * For a kernel that ended by SIGKILL: what is known when that was for want of memory, else null. Without a group of our
   * own nobody counts for us, and it stays unknown.
   */
  claim(kernel: { name: string; cell: string | null }): MemoryKill | 'unknown' | null {
    this.#count();
    const kill = this.#kills.shift();
    if (kill === undefined) return readGroup(read('/proc/self/cgroup')).memoryLimitBytes === null ? 'unknown' : null;
    this.#claimedAt = Date.now();
    const facts = measure(null);
    this.#tell(`Kernel ${kernel.name}`, { ...facts, ...kernel });
    return facts;
  }

  #look(): void {
    this.#count();
    const now = Date.now();
    const due = this.#kills.filter(({ at }) => now - at >= claimMs);
    if (due.length === 0 && now - this.#sampledAt < sampleMs) return;
    this.#kills = this.#kills.filter((kill) => !due.includes(kill));
    this.#sampledAt = now;
    const { memoryBytes, memoryLimitBytes } = readGroup(read('/proc/self/cgroup'));
    // Without a limit of ours kills are counted for the whole machine, and say nothing about us.
    if (memoryBytes === null || memoryLimitBytes === null) return;
    for (const kill of due) if (kill.at - this.#claimedAt > sameTroubleMs) this.#findOut(kill);
    // What was there before an earlier kill would be missing now as well.
    this.#before = memoryBytes > memoryLimitBytes * nearLimit ? this.#processes.sample() : [];
  }

  #count(): void {
    const count = readOomKills();
    if (count === null) return;
    const [at, notBefore, before] = [Date.now(), this.#countedAt, this.#before];
    for (let counted = this.#counted ?? count; counted < count; counted++) this.#kills.push({ at, notBefore, before });
    this.#counted = count;
    this.#countedAt = at;
  }

  #findOut({ before, notBefore, at }: Kill): void {
    const now = new Set(
      this.#processes.sample().map(({ pid, startedAtTicks }) => `${String(pid)}/${String(startedAtTicks)}`),
    );
    const missing = before.filter(({ pid, startedAtTicks }) => !now.has(`${String(pid)}/${String(startedAtTicks)}`));
    const victim = missing.sort((one, other) => other.ownBytes - one.ownBytes)[0];
    const parent = this.#kernels().find(
      ({ pid }) => pid !== null && victim !== undefined && descendants(pid, before).includes(victim),
    );
    const atWork = this.#kernels().filter(({ executions }) => executions.since(notBefore, at) !== undefined);
    // What grew too fast to be seen was most likely at work for the one cell that ran.
    const kernel = parent ?? (victim === undefined && atWork.length === 1 ? atWork[0] : undefined);
    const name = victim === undefined ? 'A process' : `A process (${victim.command})`;
    const likely = victim === undefined ? ', most likely' : '';
    const what = kernel === undefined ? name : `${name}${likely} started by kernel ${kernel.spec.name}${likely && ','}`;
    const cell = kernel?.executions.since(notBefore, at)?.cellId ?? null;
    const sentence = this.#tell(what, { ...measure(victim?.ownBytes ?? null), name: kernel?.spec.name ?? null, cell });
    kernel?.note(sentence, notBefore, at);
  }

  #tell(what: string, facts: MemoryKill & { name: string | null; cell: string | null }): string {
    const { name: kernel, cell, peakBytes, memoryLimitBytes } = facts;
    const advice = memoryAdvice(what, facts);
    this.latest = { at: Date.now(), kernel, cell, peakBytes, memoryLimitBytes, ...advice };
    return advice.sentence;
  }
}

/** @param sampledBytes  what the killed was seen to have, which is a lower bound */
function measure(sampledBytes: number | null): MemoryKill {
  const { memoryBytes: othersBytes, memoryLimitBytes, memoryPeakBytes } = readGroup(read('/proc/self/cgroup'));
  if (memoryLimitBytes === null || othersBytes === null) return { peakBytes: sampledBytes, memoryLimitBytes: null };
  const most = Math.min(memoryPeakBytes ?? memoryLimitBytes, memoryLimitBytes);
  return { peakBytes: Math.max(sampledBytes ?? 0, most - othersBytes), memoryLimitBytes };
}
