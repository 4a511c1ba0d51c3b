import { setTimeout as delay } from 'node:timers/promises';
import type { LiveDocument } from '../documents/live-document.ts';
import type { Log } from '../plumbing/log.ts';
import type { Run, RunCell } from './run.ts';
import type { RunStore } from './store.ts';

export interface RunWriter {
  /** Writes the run as it is now, and these of its cells, as soon as the document as it is now is on disk. */
  write(run: Run, positions: readonly number[]): void;
  /** Resolves when all is written, or cannot be for now. */
  close(): Promise<void>;
}

const retryMs = 1000;

/**
 * Writes how far runs have come, behind the document.
 *
 * INVARIANT: a row never says more than the document on disk shows. What is asked for while one write is under way is
 * one write after it. A write that fails is tried again; after a crash the kernel is asked instead.
 */
export function createRunWriter(options: { document: LiveDocument; store: RunStore; log: Log }): RunWriter {
  const { document, store, log } = options;
  const waiting = new Map<string, { run: Run; cells: Map<number, RunCell> }>();
  const closing = new AbortController();
  let writing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting.clear();
      try {
        await document.durable();
        await store.save(batch);
      } catch (error) {
        log.warn({ err: error, documentId: document.id }, 'runs: how far they have come could not be written yet');
        for (const { run, cells } of batch) {
          const newer = waiting.get(run.id);
          waiting.set(run.id, { run: newer?.run ?? run, cells: new Map([...cells, ...(newer?.cells ?? [])]) });
        }
        if (closing.signal.aborted) break;
        await delay(retryMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    // In the same moment as the last look at what waits, so that nothing comes in between and is forgotten.
    writing = null;
  }

  return {
    write(run, positions) {
      const cells = waiting.get(run.id)?.cells ?? new Map<number, RunCell>();
      for (const position of positions) {
        const cell = run.cells[position];
        if (cell !== undefined) cells.set(position, { ...cell });
      }
      waiting.set(run.id, { run: { ...run }, cells });
      writing ??= writeAll();
    },
    async close() {
      closing.abort();
      await writing;
    },
  };
}
