import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { Holding, LiveDocument } from '../documents/live-document.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import { agentKernels } from './agent-kernels.ts';
import { consequenceOf, interruptedReason, type Ending } from './endings.ts';
import { executeRequest, inputReply } from './execution-requests.ts';
import { Feed } from './feed.ts';
import { answeredInput, errorOutput } from './jupyter-output.ts';
import { KernelLink } from './kernel-link.ts';
import { followPath } from './notebook-kernel.ts';
import { newProgress, type Progress, type Reply } from './progress.ts';
import { resumptionOf, type Resumed } from './resumption.ts';
import { msgIdOf, outcomeOf, type Run, type RunCell } from './run.ts';
import { createRunWriter, type RunWriter } from './run-writer.ts';
import {
  addOutput,
  clearExecution,
  executionIn,
  executionsIn,
  findCell,
  hasTag,
  isCode,
  lastError,
  setExecution,
  sourceOf,
} from './shared-cells.ts';
import type { RunStore } from './store.ts';

export interface QueueOptions {
  readonly holding: Holding;
  /** Whose kernel it is. */
  readonly author: Author;
  /** Where the account's environment answers; null when it does not run. */
  readonly findDoor: () => Promise<AgentDoor | null>;
  /** Starts it, and waits. @throws AppError  with the reason for people */
  readonly startEnvironment: (signal: AbortSignal) => Promise<AgentDoor>;
  /** Why the environment does not run, in a sentence. */
  readonly environmentEnding: () => Promise<string>;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly log: Log;
  /** There is nothing to run and no kernel to listen to: the queue can be let go. */
  readonly onIdle: () => void;
}

/** The cell that the kernel works on for us. */
interface Sent {
  readonly run: Run;
  readonly position: number;
  readonly cell: RunCell;
}

/** How long late output of a kernel without work is waited for. */
const idleMs = 10 * 60_000;

/**
 * The runs of one document by one account, which all go to one kernel, one cell at a time.
 *
 * INVARIANTS
 * - `#sent` is the one cell that the kernel works on for us. When its reply and its idle status are in the document, the
 *   next one is sent in the same tick.
 * - A run's row is there and names the kernel before its first cell is sent, and says that a cell has ended only once the document that shows
 *   it is on disk. Whether a cell was sent, the agent knows: the id of its message is that of run and position.
 * - A run leaves `#runs` when it is over.
 */
export class Queue {
  readonly #options: QueueOptions;
  readonly #document: LiveDocument;
  readonly #writer: RunWriter;
  readonly #feed: Feed;
  readonly #link: KernelLink;
  #runs: Run[] = [];
  #sent: Sent | null = null;
  /** What the kernel was at when it said that it is being taken away. */
  #lostWith: Progress | null = null;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: QueueOptions) {
    const { holding, store, clock, log } = options;
    this.#options = options;
    this.#document = holding.document;
    this.#writer = createRunWriter({ document: this.#document, store, log });
    this.#feed = new Feed({
      document: this.#document,
      clock,
      show: (progress) => this.#showProgress(progress),
      onEnded: (progress) => this.#ended(progress),
    });
    this.#link = new KernelLink({
      ...options,
      document: this.#document,
      accountId: options.author.accountId,
      feed: this.#feed,
      onLost: (reason) => this.#lose({ status: 'interrupted', reason }),
    });
  }

  get document(): LiveDocument {
    return this.#document;
  }

  /** Whether a kernel takes what is queued, without a start or a connection. */
  get isConnected(): boolean {
    return this.#link.isOpen;
  }

  /** The run as it is now, while it is not over. */
  find(runId: string): Run | undefined {
    return this.#runs.find(({ id }) => id === runId);
  }

  /** Queues a run. Its first cell has been sent when this resolves, unless the kernel has other work or is not there yet. */
  async enqueue(run: Run): Promise<void> {
    run.kernelId = this.#link.kernelId;
    await this.#options.store.insert(run);
    clearTimeout(this.#idleTimer);
    if (this.#runs.length === 0) this.#hideStale();
    const isNext = this.#runs.length === 0 && this.#link.isOpen;
    this.#runs.push(run);
    // What is sent at once is shown once, as running.
    if (!isNext || run.cells.length > 1) this.#showQueued(run, isNext ? 1 : 0);
    this.#advance();
  }

  /** Takes over what a control plane before this one left, oldest first. */
  resume(runs: readonly Run[]): void {
    this.#runs = [...runs];
    this.#hideStale();
    const kernelId = runs.find((run) => run.kernelId !== null)?.kernelId ?? null;
    if (kernelId === null) {
      for (const run of runs) this.#showQueued(run, 0);
      this.#advance();
      return;
    }
    this.#connect((signal) =>
      this.#link.reopen(
        kernelId,
        (executions, last) => {
          const resumptions = resumptionOf(this.#runs, executions, last);
          for (const { run, position, resumed } of resumptions) this.#takeUp(run, position, resumed);
          for (const run of this.#runs) this.#showQueued(run, 0);
        },
        signal,
      ),
    );
  }

  /** Interrupts the kernel if it works for us, and takes back all that waits. */
  async interrupt(): Promise<void> {
    const isWorking = this.#sent !== null;
    this.#endQueued({ status: 'interrupted', reason: interruptedReason });
    this.#link.stopOpening();
    const { door, kernelId } = this.#link;
    if (isWorking && door !== null && kernelId !== null) await agentKernels.interrupt(door, kernelId);
  }

  /** The notebook got another path. */
  async followPath(): Promise<void> {
    const { door, kernelId } = this.#link;
    if (door !== null && kernelId !== null) await followPath(door, kernelId, this.#document.key);
  }

  /** Answers `input()`. @throws AppError NotPossibleNow; EnvironmentNotReady just after a restart */
  answer(cellId: string, value: string): void {
    this.#feed.write();
    const progress = this.#feed.current;
    const question = progress?.question ?? null;
    if (progress === null || question === null || progress.cellId !== cellId) {
      throw new AppError('NotPossibleNow', 'This cell does not wait for input any more.');
    }
    if (!this.#link.isOpen) {
      throw new AppError('EnvironmentNotReady', 'The kernel is being connected to again. Answer in a moment.');
    }
    this.#link.send(inputReply(newId(), question.header, value));
    progress.question = null;
    this.#feed.change(() => {
      addOutput(this.#document.doc, progress, answeredInput(question, value));
      this.#showProgress(progress);
    });
  }

  /** Writes what has come and lets go. The kernel works on, and the next control plane resumes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#link.close();
    this.#feed.stop();
    await this.#writer.close();
    this.#options.holding[Symbol.dispose]();
  }

  /** Sends the next cell if the kernel is free. */
  #advance(): void {
    // What waits for a kernel that is being lost ends with it.
    while (this.#sent === null && !this.#isClosed && !this.#link.isEnding) {
      const run = this.#runs[0];
      if (run === undefined) {
        this.#restUntilNext();
        return;
      }
      const position = run.cells.findIndex(({ status }) => status === 'queued');
      const cell = run.cells[position];
      if (cell === undefined) this.#endRun(run, { status: outcomeOf(run), reason: run.reason });
      else if (this.#link.isOpen) this.#begin(run, position, cell);
      else {
        this.#connect((signal) => this.#open(run.startsEnvironment, signal));
        return;
      }
    }
  }

  async #open(startsEnvironment: boolean, signal: AbortSignal): Promise<void> {
    const notice = await this.#link.open(startsEnvironment, signal, (kernelId) => {
      for (const run of this.#runs) run.kernelId = kernelId;
      return this.#options.store.setKernel(this.#runs, kernelId);
    });
    if (notice === null || signal.aborted) return;
    for (const run of this.#runs) run.reason ??= notice;
    this.#document.tell({ type: 'notice', message: notice });
  }

  #begin(run: Run, position: number, cell: RunCell): void {
    const { doc } = this.#document;
    const now = this.#options.clock.now();
    const shared = findCell(doc, cell.cellId);
    const code = shared === null || !isCode(shared) ? null : sourceOf(shared);
    run.status = 'running';
    run.startedAt ??= now;
    if (shared === null || code === null || code.trim() === '') {
      // What was deleted meanwhile is skipped; an empty cell is run by emptying it.
      Object.assign(cell, { status: code === null ? 'skipped' : 'succeeded', endedAt: now });
      this.#feed.change(() => {
        if (shared !== null && code !== null) clearExecution(shared);
        this.#hide(cell.cellId);
      });
      this.#writer.write(run, [position]);
      return;
    }
    const msgId = msgIdOf(run, position);
    this.#link.send(executeRequest(msgId, shared, code));
    Object.assign(cell, { status: 'running', startedAt: now });
    const progress = newProgress(msgId, cell.cellId);
    this.#sent = { run, position, cell };
    this.#feed.begin(progress);
    this.#feed.change(() => {
      clearExecution(shared);
      this.#showProgress(progress);
    });
    this.#writer.write(run, [position]);
  }

  #takeUp(run: Run, position: number, resumed: Resumed): void {
    const cell = run.cells[position];
    // An earlier cell of this run may have ended it.
    if (cell === undefined || !this.#runs.includes(run)) return;
    cell.status = 'queued';
    switch (resumed.kind) {
      case 'not sent':
        return;
      case 'ended': {
        const reply = resumed.reply ?? this.#replyOf(resumed.outcome, cell.cellId);
        this.#feed.change(() => this.#hide(cell.cellId));
        this.#settle(run, position, reply, resumed.endedAt, resumed.executionCount);
        return;
      }
      case 'unheard':
      case 'under way': {
        const progress =
          resumed.kind === 'unheard' ? newProgress(msgIdOf(run, position), cell.cellId) : resumed.progress;
        run.status = 'running';
        run.startedAt ??= this.#options.clock.now();
        Object.assign(cell, { status: 'running', startedAt: cell.startedAt ?? run.startedAt });
        this.#sent = { run, position, cell };
        this.#feed.begin(progress);
        this.#feed.change(() => {
          const shared = findCell(this.#document.doc, cell.cellId);
          if (shared !== null && resumed.kind === 'unheard') clearExecution(shared);
          this.#showProgress(progress);
        });
        return;
      }
    }
  }

  /** The document has what the error was; the agent only knows that there was one. */
  #replyOf(outcome: 'ok' | 'error' | 'aborted' | 'died' | null, cellId: string): Reply {
    if (outcome === 'ok' || outcome === 'aborted') return { status: outcome };
    if (outcome === 'died')
      return { status: 'error', name: 'KernelDied', message: 'The kernel ended while it ran this.' };
    const { name, message } = lastError(this.#document.doc, cellId) ?? { name: 'Error', message: '' };
    return { status: 'error', name, message };
  }

  #ended(progress: Progress): void {
    const sent = this.#sent;
    if (sent === null || progress.reply === null) return;
    const consequence = consequenceOf(progress.reply);
    if (consequence.kind === 'kernel lost') {
      this.#lostWith = progress;
      this.#link.lose(consequence.ending.reason);
      return;
    }
    this.#sent = null;
    this.#settle(sent.run, sent.position, progress.reply, this.#options.clock.now(), progress.executionCount);
    this.#advance();
  }

  /** Records how a cell ended, and ends what does not go on because of it. */
  #settle(run: Run, position: number, reply: Reply, endedAt: number | null, executionCount: number | null): void {
    const cell = run.cells[position];
    if (cell === undefined) return;
    const consequence = consequenceOf(reply);
    cell.status = consequence.kind === 'none' ? 'succeeded' : consequence.ending.status;
    cell.error = reply.status === 'error' ? { name: reply.name, message: reply.message } : null;
    cell.endedAt = endedAt ?? this.#options.clock.now();
    cell.executionCount = executionCount;
    this.#writer.write(run, [position]);
    switch (consequence.kind) {
      case 'none':
        return;
      case 'run ends': {
        const shared = findCell(this.#document.doc, cell.cellId);
        if (shared === null || !hasTag(shared, 'raises-exception')) this.#endRun(run, consequence.ending);
        return;
      }
      case 'queue ends':
      case 'kernel lost':
        this.#endQueued(consequence.ending);
    }
  }

  /** The kernel is gone, and with it everything that waited for it. */
  #lose(ending: Ending): void {
    const sent = this.#sent;
    const progress = this.#feed.current ?? this.#lostWith;
    this.#sent = null;
    this.#lostWith = null;
    if (sent !== null) {
      Object.assign(sent.cell, { status: ending.status, endedAt: this.#options.clock.now() });
      this.#feed.change(() => {
        if (progress !== null) addOutput(this.#document.doc, progress, errorOutput('Interrupted', ending.reason));
        this.#hide(sent.cell.cellId);
      });
      this.#writer.write(sent.run, [sent.position]);
    }
    this.#feed.forget();
    this.#endQueued(ending);
    this.#advance();
  }

  #connect(open: (signal: AbortSignal) => Promise<void>): void {
    if (this.#link.isOpening) return;
    this.#link
      .whileOpening(open)
      .catch((error: unknown) => this.#failToStart(error))
      .finally(() => this.#advance());
  }

  /** Nothing could be run. The first cell says why, so that whoever comes back sees it. */
  #failToStart(error: unknown): void {
    const isKnown = error instanceof AppError;
    if (!isKnown)
      this.#options.log.error({ err: error, documentId: this.#document.id }, 'runs: no kernel could be had');
    const reason = isKnown ? error.message : 'The kernel could not be started. The log of the server has the details.';
    const run = this.#runs[0];
    const position = run?.cells.findIndex(({ status }) => status === 'queued') ?? -1;
    const cell = run?.cells[position];
    if (run !== undefined && cell !== undefined) {
      const failure = { name: 'NotStarted', message: reason };
      Object.assign(cell, { status: 'failed', error: failure, endedAt: this.#options.clock.now() });
      this.#feed.change(() => {
        const shared = findCell(this.#document.doc, cell.cellId);
        if (shared !== null) clearExecution(shared);
        addOutput(this.#document.doc, newProgress('', cell.cellId), errorOutput(failure.name, reason));
        this.#hide(cell.cellId);
      });
      this.#writer.write(run, [position]);
    }
    this.#endQueued({ status: 'failed', reason });
  }

  /** Ends all that waits, but for the cell that the kernel works on: its run ends with it. */
  #endQueued(ending: Ending): void {
    const working = this.#sent?.run;
    for (const run of [...this.#runs]) {
      if (run !== working) this.#endRun(run, ending);
      else if (this.#dropQueued(run, ending)) run.reason = ending.reason;
    }
  }

  #endRun(run: Run, ending: { readonly status: 'succeeded' | Ending['status']; readonly reason: string | null }): void {
    this.#dropQueued(run, { status: ending.status, reason: '' });
    Object.assign(run, { ...ending, endedAt: this.#options.clock.now() });
    this.#runs = this.#runs.filter((other) => other !== run);
    this.#writer.write(run, []);
    this.#document.tell({ type: 'run-ended', run: run.id, status: run.status, reason: run.reason });
  }

  /** @returns whether anything waited */
  #dropQueued(run: Run, { status }: { readonly status: Run['status']; readonly reason: string }): boolean {
    const waiting = run.cells.flatMap((cell, position) => (cell.status === 'queued' ? [{ cell, position }] : []));
    if (waiting.length === 0) return false;
    const { doc } = this.#document;
    const endedAt = this.#options.clock.now();
    for (const { cell } of waiting) {
      Object.assign(cell, { status: status === 'interrupted' ? 'interrupted' : 'skipped', endedAt });
    }
    this.#feed.change(() => {
      // Another run may have the same cell.
      for (const { cell } of waiting) {
        if (executionIn(doc, cell.cellId)?.run === run.id) this.#hide(cell.cellId);
      }
    });
    this.#writer.write(
      run,
      waiting.map(({ position }) => position),
    );
    return true;
  }

  #showQueued(run: Run, from: number): void {
    const waiting = run.cells.slice(from).filter(({ status }) => status === 'queued');
    if (waiting.length === 0) return;
    this.#feed.change(() => {
      for (const cell of waiting) this.#show(run, cell, null);
    });
  }

  #showProgress(progress: Progress): void {
    const sent = this.#sent;
    if (sent === null || sent.cell.cellId !== progress.cellId) return;
    if (progress.reply !== null && progress.isIdle) this.#hide(progress.cellId);
    else this.#show(sent.run, sent.cell, progress);
  }

  /** Takes back what was shown of a cell that has ended, or will not be run; it may wait in another run as well. */
  #hide(cellId: string): void {
    setExecution(this.#document.doc, cellId, null);
    for (const run of this.#runs) {
      const cell = run.cells.find((one) => one.cellId === cellId && one.status === 'queued');
      if (cell === undefined) continue;
      this.#show(run, cell, null);
      return;
    }
  }

  /** After a power cut the document can know of a run that nothing else knows of. */
  #hideStale(): void {
    const { doc } = this.#document;
    const stale = executionsIn(doc).filter(
      ({ execution: { accountId, run } }) =>
        accountId === this.#options.author.accountId && this.find(run) === undefined,
    );
    if (stale.length === 0) return;
    this.#feed.change(() => {
      for (const { cellId } of stale) setExecution(doc, cellId, null);
    });
  }

  #show(run: Run, cell: RunCell, progress: Progress | null): void {
    const { doc } = this.#document;
    const question = progress?.question ?? null;
    const state = progress === null ? 'queued' : question === null ? 'running' : 'input';
    const before = executionIn(doc, cell.cellId);
    // A cell that runs and is queued again runs, to those who look.
    if (progress === null && before !== null && before.run !== run.id && this.find(before.run) !== undefined) return;
    if (before?.run === run.id && before.state === state && state !== 'input') return;
    setExecution(doc, cell.cellId, {
      state,
      run: run.id,
      kernel: this.#link.kernelId ?? run.kernelId,
      accountId: this.#options.author.accountId,
      by: this.#options.author.name,
      queuedAt: run.queuedAt,
      startedAt: cell.startedAt,
      ...(question === null ? {} : { input: { prompt: question.prompt, password: question.password } }),
    });
  }

  #restUntilNext(): void {
    clearTimeout(this.#idleTimer);
    if (this.#isClosed) return;
    this.#idleTimer = setTimeout(this.#options.onIdle, this.#link.isOpen ? idleMs : 0).unref();
  }
}
