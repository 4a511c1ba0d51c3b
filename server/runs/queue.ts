import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { Holding, LiveDocument } from '../documents/live-document.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import { agentKernels, type AgentExecution } from './agent-kernels.ts';
import { consequenceOf, interruptedReason, type Ending } from './endings.ts';
import { executeRequest, inputReply } from './execution-requests.ts';
import { Feed } from './feed.ts';
import { answeredInput, errorOutput } from './jupyter-output.ts';
import { KernelLink } from './kernel-link.ts';
import { followPath } from './notebook-kernel.ts';
import { newProgress, type Progress, type Reply } from './progress.ts';
import { resumptionOf, type Resumed } from './resumption.ts';
import { RunList, type Sent } from './run-list.ts';
import { msgIdOf, outcomeOf, type Run } from './run.ts';
import { createRunWriter, type RunWriter } from './run-writer.ts';
import { addOutput, clearExecution, findCell, isCode, lastError, sourceOf } from './shared-cells.ts';
import type { RunStore } from './store.ts';

export interface QueueOptions {
  readonly holding: Holding;
  /** Whose kernel it is. */
  readonly author: Author;
  /** Where the account's environment answers; null when it does not run. */
  readonly findDoor: () => Promise<AgentDoor | null>;
  /** Starts it, and waits. @throws AppError  with the reason for people */
  readonly startEnvironment: (signal: AbortSignal) => Promise<AgentDoor>;
  /** Waits for one that somebody has started. @throws AppError  with the reason for people */
  readonly awaitEnvironment: (signal: AbortSignal) => Promise<AgentDoor>;
  /** Why the environment does not run, in a sentence. */
  readonly environmentEnding: () => Promise<string>;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly log: Log;
  /** There is nothing to run and no kernel to listen to: the queue can be let go. */
  readonly onIdle: () => void;
}

/** How long late output of a kernel without work is waited for. */
const idleMs = 10 * 60_000;

/**
 * The runs of one document by one account, which all go to one kernel, one cell at a time.
 *
 * INVARIANTS
 * - `#sent` is the one cell that the kernel works on for us. When its reply and its idle status are in the document, the
 *   next one is sent in the same tick.
 * - A run's row is there and names the kernel before its first cell is sent, and says that a cell has ended only once the
 *   document that shows it is on disk. Whether a cell was sent, the agent knows: the id of its message is that of run
 *   and position.
 */
export class Queue {
  readonly #options: QueueOptions;
  readonly #document: LiveDocument;
  readonly #writer: RunWriter;
  readonly #feed: Feed;
  readonly #link: KernelLink;
  readonly #runs: RunList;
  #sent: Sent | null = null;
  /** Cells that another control plane sent, by message id: what they said is in the kernel's journal, in their order. */
  readonly #unheard = new Set<string>();
  /** What the kernel was at when it said that it is being taken away. */
  #lostWith: Progress | null = null;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: QueueOptions) {
    const { holding, author, store, clock, log } = options;
    const { document } = holding;
    this.#options = options;
    this.#document = document;
    this.#writer = createRunWriter({ document, store, log });
    this.#feed = new Feed({
      document,
      accountId: author.accountId,
      clock,
      show: (progress) => this.#showProgress(progress),
      send: (request) => this.#link.send(request),
      onEnded: (progress) => this.#ended(progress),
    });
    this.#link = new KernelLink({
      ...options,
      document,
      accountId: author.accountId,
      feed: this.#feed,
      onLost: (reason) => this.#lose({ status: 'interrupted', reason }),
    });
    const change = (work: () => void): void => this.#feed.change(work);
    this.#runs = new RunList({ document, author, writer: this.#writer, clock, change });
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
    return this.#runs.find(runId);
  }

  /** Queues a run. Its first cell has been sent when this resolves, unless the kernel has other work or is not there yet. */
  async enqueue(run: Run): Promise<void> {
    run.kernelId = this.#link.kernelId;
    await this.#options.store.insert(run);
    clearTimeout(this.#idleTimer);
    const isNext = this.#runs.first === undefined && this.#link.isOpen;
    this.#runs.add(run);
    // What is sent at once is shown once, as running.
    this.#runs.showQueued(run, isNext ? 1 : 0);
    this.#advance();
  }

  /** Takes over what a control plane before this one left, oldest first. */
  resume(runs: readonly Run[]): void {
    this.#runs.add(...runs);
    const kernelId = runs.find((run) => run.kernelId !== null)?.kernelId ?? null;
    if (kernelId === null) {
      for (const run of runs) this.#runs.showQueued(run);
      this.#advance();
      return;
    }
    const takeUp = (executions: readonly AgentExecution[], last: Progress | null): void => {
      this.#unheard.clear();
      for (const { run, position, resumed } of resumptionOf(this.#runs.all, executions, last)) {
        this.#takeUp(run, position, resumed);
      }
      for (const run of this.#runs.all) this.#runs.showQueued(run);
      // What was sent is followed from its place in the journal, which is read from there once the kernel is connected.
      this.#advance();
    };
    this.#connect((signal) => this.#link.reopen(kernelId, takeUp, signal));
  }

  /** Interrupts the kernel if it works for us, and takes back all that waits. */
  async interrupt(): Promise<void> {
    const isWorking = this.#sent !== null;
    this.#runs.endQueued({ status: 'interrupted', reason: interruptedReason }, this.#sent);
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
      const run = this.#runs.first;
      if (run === undefined) {
        this.#restUntilNext();
        return;
      }
      const position = run.cells.findIndex(({ status }) => status === 'queued');
      const cell = run.cells[position];
      const isSent = this.#unheard.delete(msgIdOf(run, position));
      if (cell === undefined) this.#runs.end(run, { status: outcomeOf(run), reason: run.reason });
      else if (isSent) this.#followUnheard({ run, position, cell });
      else if (this.#link.isOpen) this.#begin({ run, position, cell });
      else if (this.#link.isOpening) return;
      else {
        this.#connect((signal) => this.#open(signal));
        return;
      }
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const startsEnvironment = this.#runs.all.some((run) => run.startsEnvironment);
    const notice = await this.#link.open(startsEnvironment, signal, (kernelId) => {
      for (const run of this.#runs.all) run.kernelId = kernelId;
      return this.#options.store.setKernel(this.#runs.all, kernelId);
    });
    if (notice === null || signal.aborted) return;
    for (const run of this.#runs.all) run.reason ??= notice;
    this.#document.tell({ type: 'notice', message: notice });
  }

  #begin(sent: Sent): void {
    const { run, position, cell } = sent;
    const shared = findCell(this.#document.doc, cell.cellId);
    const code = shared === null || !isCode(shared) ? null : sourceOf(shared);
    const now = this.#options.clock.now();
    run.status = 'running';
    run.startedAt ??= now;
    if (shared === null || code === null || code.trim() === '') {
      // What was deleted meanwhile is skipped; an empty cell is run by emptying it.
      cell.status = code === null ? 'skipped' : 'succeeded';
      cell.endedAt = now;
      this.#feed.change(() => {
        if (shared !== null && code !== null) clearExecution(shared);
        this.#runs.hide(cell.cellId);
      });
      this.#writer.write(run, [position]);
      return;
    }
    const msgId = msgIdOf(run, position);
    this.#feed.tellKernel();
    this.#link.send(executeRequest(msgId, shared, code));
    cell.startedAt = now;
    this.#follow(sent, newProgress(msgId, cell.cellId), true);
    this.#writer.write(run, [position]);
  }

  #followUnheard(sent: Sent): void {
    const { run, position, cell } = sent;
    run.status = 'running';
    run.startedAt ??= this.#options.clock.now();
    cell.startedAt ??= this.#options.clock.now();
    this.#follow(sent, newProgress(msgIdOf(run, position), cell.cellId), true);
    this.#writer.write(run, [position]);
  }

  /** Takes a cell for the one that the kernel works on. */
  #follow(sent: Sent, progress: Progress, isNew: boolean): void {
    sent.cell.status = 'running';
    this.#sent = sent;
    this.#feed.begin(progress);
    this.#feed.change(() => {
      const shared = findCell(this.#document.doc, progress.cellId);
      if (isNew && shared !== null) clearExecution(shared);
      this.#showProgress(progress);
    });
  }

  #takeUp(run: Run, position: number, resumed: Resumed): void {
    const cell = run.cells[position];
    // An earlier cell may have ended it.
    if (cell === undefined || !this.#runs.all.includes(run)) return;
    cell.status = 'queued';
    if (resumed.kind === 'not sent') return;
    if (resumed.kind === 'unheard') {
      this.#unheard.add(msgIdOf(run, position));
      return;
    }
    run.status = 'running';
    run.startedAt ??= cell.startedAt ?? this.#options.clock.now();
    cell.startedAt ??= run.startedAt;
    switch (resumed.kind) {
      case 'ended': {
        const reply = resumed.reply ?? this.#replyOf(resumed.outcome, cell.cellId);
        this.#runs.settle(run, position, { ...resumed, reply }, this.#sent);
        this.#feed.change(() => this.#runs.hide(cell.cellId));
        return;
      }
      case 'under way':
        this.#follow({ run, position, cell }, resumed.progress, false);
    }
  }

  /** The document has what the error was; the agent only knows that there was one. */
  #replyOf(outcome: AgentExecution['outcome'], cellId: string): Reply {
    if (outcome === 'ok' || outcome === 'aborted') return { status: outcome };
    if (outcome === 'died')
      return { status: 'error', name: 'KernelDied', message: 'The kernel ended while it ran this.' };
    const { name, message } = lastError(this.#document.doc, cellId) ?? { name: 'Error', message: '' };
    return { status: 'error', name, message };
  }

  #ended(progress: Progress): void {
    const sent = this.#sent;
    const { reply, executionCount } = progress;
    if (sent === null || reply === null) return;
    const consequence = consequenceOf(reply);
    if (consequence.kind === 'kernel lost') {
      this.#lostWith = progress;
      this.#link.lose(consequence.ending.reason);
      return;
    }
    this.#sent = null;
    this.#runs.settle(sent.run, sent.position, { reply, executionCount, endedAt: null }, null);
    this.#advance();
  }

  /** The kernel is gone, and with it everything that waited for it. */
  #lose(ending: Ending): void {
    const sent = this.#sent;
    const progress = this.#feed.current ?? this.#lostWith;
    this.#sent = null;
    this.#lostWith = null;
    if (sent !== null) {
      sent.cell.status = ending.status;
      sent.cell.endedAt = this.#options.clock.now();
      this.#feed.change(() => {
        if (progress !== null) addOutput(this.#document.doc, progress, errorOutput('Interrupted', ending.reason));
        this.#runs.hide(sent.cell.cellId);
      });
      this.#writer.write(sent.run, [sent.position]);
    }
    this.#feed.forget();
    this.#runs.endQueued(ending, null);
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
    const run = this.#runs.first;
    const position = run?.cells.findIndex(({ status }) => status === 'queued') ?? -1;
    const cell = run?.cells[position];
    if (run !== undefined && cell !== undefined) {
      cell.status = 'failed';
      cell.error = { name: 'NotStarted', message: reason };
      cell.endedAt = this.#options.clock.now();
      this.#feed.change(() => {
        const shared = findCell(this.#document.doc, cell.cellId);
        if (shared !== null) clearExecution(shared);
        addOutput(this.#document.doc, newProgress('', cell.cellId), errorOutput('NotStarted', reason));
        this.#runs.hide(cell.cellId);
      });
      this.#writer.write(run, [position]);
    }
    this.#runs.endQueued({ status: 'failed', reason }, this.#sent);
  }

  #showProgress(progress: Progress): void {
    if (this.#sent?.cell.cellId === progress.cellId) this.#runs.showProgress(this.#sent, progress);
  }

  #restUntilNext(): void {
    clearTimeout(this.#idleTimer);
    if (this.#isClosed) return;
    this.#idleTimer = setTimeout(this.#options.onIdle, this.#link.isOpen ? idleMs : 0).unref();
  }
}
