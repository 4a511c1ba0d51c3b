import type { Author } from '../accounts/author.ts';
import type { LiveDocument } from '../documents/live-document.ts';
import type { Clock } from '../plumbing/clock.ts';
import { consequenceOf, type Consequence, type Ending } from './endings.ts';
import type { Progress, Reply } from './progress.ts';
import type { Run, RunCell } from './run.ts';
import type { RunWriter } from './run-writer.ts';
import { executionIn, executionsIn, findCell, hasTag, setExecution } from './shared-cells.ts';

/** The cell that the kernel works on for us. */
export interface Sent {
  readonly run: Run;
  readonly position: number;
  readonly cell: RunCell;
}

export interface RunListOptions {
  readonly document: LiveDocument;
  readonly author: Author;
  readonly writer: RunWriter;
  readonly clock: Clock;
  /** Changes the document together with what is known of the kernel. */
  readonly change: (work: () => void) => void;
}

/**
 * The runs of a queue that are not over, in their order: their state in memory, in their rows and as everybody sees it in
 * the document.
 *
 * INVARIANT: a run leaves the list in the moment it is over, and no cell of it is shown as waiting after that.
 */
export class RunList {
  readonly #options: RunListOptions;
  #runs: Run[] = [];

  constructor(options: RunListOptions) {
    this.#options = options;
  }

  get all(): readonly Run[] {
    return this.#runs;
  }

  get first(): Run | undefined {
    return this.#runs[0];
  }

  find(runId: string): Run | undefined {
    return this.#runs.find(({ id }) => id === runId);
  }

  add(...runs: readonly Run[]): void {
    if (this.#runs.length === 0) this.#hideStale(new Set(runs.map(({ id }) => id)));
    this.#runs = [...this.#runs, ...runs];
  }

  /** Shows the cells of a run that wait, from a position on. */
  showQueued(run: Run, from = 0): void {
    const waiting = run.cells.slice(from).filter(({ status }) => status === 'queued');
    if (waiting.length === 0) return;
    this.#options.change(() => {
      for (const cell of waiting) this.#show(run, cell, null);
    });
  }

  /** Shows how far the cell is that the kernel works on. Called inside a change. */
  showProgress({ run, cell }: Sent, progress: Progress): void {
    if (progress.reply !== null && progress.isIdle) this.hide(cell.cellId);
    else this.#show(run, cell, progress);
  }

  /** Takes back what was shown of a cell that has ended, or will not be run. Called inside a change. */
  hide(cellId: string): void {
    setExecution(this.#options.document.doc, cellId, null);
    // It may wait in another run as well.
    for (const run of this.#runs) {
      const cell = run.cells.find((one) => one.cellId === cellId && one.status === 'queued');
      if (cell === undefined) continue;
      this.#show(run, cell, null);
      return;
    }
  }

  /**
   * Records how a cell ended, and ends what does not go on because of it.
   * @param sent  what the kernel works on now
   */
  settle(
    run: Run,
    position: number,
    how: { readonly reply: Reply; readonly endedAt: number | null; readonly executionCount: number | null },
    sent: Sent | null,
  ): void {
    const cell = run.cells[position];
    if (cell === undefined) return;
    const { reply, executionCount } = how;
    const consequence = consequenceOf(reply);
    cell.status = consequence.kind === 'none' ? 'succeeded' : consequence.ending.status;
    cell.error = reply.status === 'error' ? { name: reply.name, message: reply.message } : null;
    cell.endedAt = how.endedAt ?? this.#options.clock.now();
    cell.executionCount = executionCount;
    this.#options.writer.write(run, [position]);
    this.#follow(run, cell, consequence, sent);
  }

  /** Ends all that waits, but for the cell that the kernel works on: its run ends with it. */
  endQueued(ending: Ending, sent: Sent | null): void {
    for (const run of this.#runs) {
      if (run !== sent?.run) this.end(run, ending);
      else if (this.#dropQueued(run, ending.status)) run.reason = ending.reason;
    }
  }

  /** Ends a run. What of it still waits is not run any more. */
  end(run: Run, ending: { readonly status: 'succeeded' | Ending['status']; readonly reason: string | null }): void {
    this.#runs = this.#runs.filter((other) => other !== run);
    this.#dropQueued(run, ending.status);
    run.status = ending.status;
    run.reason = ending.reason;
    run.endedAt = this.#options.clock.now();
    this.#options.writer.write(run, []);
    this.#options.document.tell({ type: 'run-ended', run: run.id, status: run.status, reason: run.reason });
  }

  #follow(run: Run, cell: RunCell, consequence: Consequence, sent: Sent | null): void {
    switch (consequence.kind) {
      case 'none':
        return;
      case 'run ends': {
        const shared = findCell(this.#options.document.doc, cell.cellId);
        if (shared !== null && hasTag(shared, 'raises-exception')) return;
        this.end(run, consequence.ending);
        // As Jupyter's kernels do: what was asked for after it may build on it.
        this.endQueued({ status: 'interrupted', reason: 'A cell that ran before it failed.' }, sent);
        return;
      }
      case 'queue ends':
      case 'kernel lost':
        this.endQueued(consequence.ending, sent);
    }
  }

  /** @returns whether anything waited */
  #dropQueued(run: Run, status: Run['status']): boolean {
    const waiting = run.cells.flatMap((cell, position) => (cell.status === 'queued' ? [{ cell, position }] : []));
    if (waiting.length === 0) return false;
    const { document, clock, change, writer } = this.#options;
    for (const { cell } of waiting) {
      cell.status = status === 'interrupted' ? 'interrupted' : 'skipped';
      cell.endedAt = clock.now();
    }
    change(() => {
      for (const { cell } of waiting) {
        if (executionIn(document.doc, cell.cellId)?.run === run.id) this.hide(cell.cellId);
      }
    });
    writer.write(
      run,
      waiting.map(({ position }) => position),
    );
    return true;
  }

  /** After a power cut the document can know of a run that nothing else knows of. */
  #hideStale(known: ReadonlySet<string>): void {
    const { document, author, change } = this.#options;
    const stale = executionsIn(document.doc).filter(
      ({ execution: { accountId, run } }) => accountId === author.accountId && !known.has(run),
    );
    if (stale.length === 0) return;
    change(() => {
      for (const { cellId } of stale) setExecution(document.doc, cellId, null);
    });
  }

  #show(run: Run, cell: RunCell, progress: Progress | null): void {
    const { document, author } = this.#options;
    const question = progress?.question ?? null;
    const state = progress === null ? 'queued' : question === null ? 'running' : 'input';
    const before = executionIn(document.doc, cell.cellId);
    // A cell that runs and is queued again runs, to those who look.
    if (progress === null && before !== null && before.run !== run.id && this.find(before.run) !== undefined) return;
    if (before?.run === run.id && before.state === state && state !== 'input') return;
    setExecution(document.doc, cell.cellId, {
      state,
      run: run.id,
      kernel: run.kernelId,
      accountId: author.accountId,
      by: author.name,
      queuedAt: run.queuedAt,
      startedAt: cell.startedAt,
      ...(question === null ? {} : { input: { prompt: question.prompt, password: question.password } }),
    });
  }
}
