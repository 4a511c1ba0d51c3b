import type { JournalEntry } from './journal.ts';
import { jsonObject } from './wire.ts';

/** One execute_request and how far it has come. */
export interface Execution {
  readonly msgId: string;
  /** From the request's `metadata.cellId`: which cell of the notebook it runs. */
  readonly cellId: string | null;
  state: 'queued' | 'running' | 'done';
  /** `died`: the kernel ended while at it; `aborted`: it was waiting behind one that failed or died. */
  outcome: 'ok' | 'error' | 'aborted' | 'died' | null;
  readonly queuedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  executionCount: number | null;
  readonly firstSeq: number;
  lastSeq: number;
}

const keptExecutions = 1000;

/** The executions of one kernel, kept by watching its journal. */
export class Executions {
  /** In the order they were asked for. */
  readonly #all = new Map<string, Execution & { header: Buffer }>();

  /** Copies, oldest first. */
  list(): Execution[] {
    return [...this.#all.values()].map(({ header: _, ...execution }) => ({ ...execution }));
  }

  get(msgId: string): (Execution & { readonly header: Buffer }) | undefined {
    return this.#all.get(msgId);
  }

  /** What the kernel is working on: the oldest that is not done. A kernel that dies may not have said that it began. */
  current(): (Execution & { readonly header: Buffer }) | undefined {
    for (const execution of this.#all.values()) if (execution.state !== 'done') return execution;
    return undefined;
  }

  /** What it works on, or worked on last where that was done only after `at`; not what began after `until`. */
  since(at: number, until = Infinity): (Execution & { readonly header: Buffer }) | undefined {
    const hasBegun = ({ startedAt, queuedAt }: Execution): boolean => (startedAt ?? queuedAt) <= until;
    const isRecent = ({ endedAt }: Execution): boolean => endedAt !== null && endedAt >= at;
    const current = this.current();
    if (current !== undefined && hasBegun(current)) return current;
    return [...this.#all.values()].findLast((one) => isRecent(one) && hasBegun(one));
  }

  observe(entry: JournalEntry): void {
    if (entry.direction === 'in') {
      if (entry.msgType === 'execute_request') this.#add(entry);
      return;
    }
    const execution = this.#all.get(entry.parentId);
    if (execution === undefined) return;
    execution.lastSeq = entry.seq;
    if (entry.channel === 'shell' && entry.msgType === 'execute_reply') {
      const content = jsonObject(entry.message.content) ?? {};
      execution.outcome = outcomeOf(content['status']);
      if (typeof content['execution_count'] === 'number') execution.executionCount = content['execution_count'];
      // An aborted request may never have been announced as busy, so no idle will follow.
      if (execution.state === 'queued') finish(execution, entry.at);
    } else if (entry.channel === 'iopub' && entry.msgType === 'status') {
      const state = jsonObject(entry.message.content)?.['execution_state'];
      if (state === 'busy' && execution.state === 'queued') {
        execution.state = 'running';
        execution.startedAt = entry.at;
      } else if (state === 'idle') finish(execution, entry.at);
    } else if (entry.msgType === 'execute_input') {
      const count = jsonObject(entry.message.content)?.['execution_count'];
      if (typeof count === 'number') execution.executionCount = count;
    }
  }

  /** What a kernel that ends leaves behind: the first it was at (`died`), the others waited (`aborted`). */
  unfinished(): { readonly msgId: string; readonly header: Buffer; readonly outcome: 'died' | 'aborted' }[] {
    return [...this.#all.values()]
      .filter(({ state }) => state !== 'done')
      .map(({ msgId, header }, index) => ({ msgId, header, outcome: index === 0 ? 'died' : 'aborted' }));
  }

  end(msgId: string, outcome: 'died' | 'aborted'): void {
    const execution = this.#all.get(msgId);
    if (execution === undefined) return;
    execution.outcome = outcome;
    finish(execution, execution.endedAt ?? Date.now());
  }

  #add(entry: JournalEntry): void {
    const cellId = jsonObject(entry.message.metadata)?.['cellId'];
    this.#all.set(entry.msgId, {
      msgId: entry.msgId,
      cellId: typeof cellId === 'string' ? cellId : null,
      state: 'queued',
      outcome: null,
      queuedAt: entry.at,
      startedAt: null,
      endedAt: null,
      executionCount: null,
      firstSeq: entry.seq,
      lastSeq: entry.seq,
      header: entry.message.header,
    });
    if (this.#all.size <= keptExecutions) return;
    for (const [msgId, { state }] of this.#all) {
      if (state !== 'done') continue;
      this.#all.delete(msgId);
      break;
    }
  }
}

function finish(execution: Execution, at: number): void {
  execution.state = 'done';
  execution.endedAt = at;
}

function outcomeOf(status: unknown): Execution['outcome'] {
  return status === 'ok' || status === 'error' || status === 'aborted' ? status : null;
}
