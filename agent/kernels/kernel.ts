import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { kernelEndings, type AgentKernelDeath } from '@terrarium/contract/agent';
import type { MemoryKill } from '../activity/memory-kill.ts';
import { HttpError } from '../http-error.ts';
import { log, messageOf } from '../log.ts';
import { Askers } from './askers.ts';
import { describeDeath } from './death.ts';
import { Executions } from './executions.ts';
import type { ChannelMessage } from './framing.ts';
import { Journal, type JournalEntry, type JournalLimits } from './journal.ts';
import type { Exit } from './kernel-process.ts';
import { startRun, type Incoming, type KernelRun, type RunSetting } from './kernel-run.ts';
import type { Kernelspec } from './kernelspecs.ts';
import { composeMessage, headerFacts, jsonObject, newHeader } from './wire.ts';

export type ExecutionState = 'starting' | 'idle' | 'busy' | 'restarting' | 'dead';

export interface KernelSetting extends Omit<RunSetting, 'env'> {
  /** Asked at each start: a restarted kernel has the variables of now. */
  readonly env: () => Readonly<Record<string, string>>;
  /** Chosen by a client; a new one where absent. */
  readonly id?: string;
  readonly journalLimits?: JournalLimits;
  /** What is known of a kill for want of memory that just ended this kernel; null when there was none. */
  readonly claimMemoryKill: (kernel: { name: string; cell: string | null }) => MemoryKill | 'unknown' | null;
}

interface KernelEvents {
  /** Something was appended to the journal. */
  entry: [JournalEntry];
  /** It was removed, or died and will not be restarted. */
  gone: [];
}

/** Quick deaths in a row before giving up, as jupyter_client's restarter does. */
const restartLimit = 5;
const stableMs = 10_000;
const lastMessagesMs = 50;

/** Requests that say nothing about a person at work. @see jupyter_server, MappingKernelManager.untracked_message_types */
const untracked =
  /^(comm_info|kernel_info|shutdown|interrupt|debug|is_complete|complete|inspect|history)_(request|reply)$|^debug_event$/;

/**
 * A kernel over all its runs, with its journal and its state.
 *
 * INVARIANTS: at most one run is current; messages of an earlier run are ignored. What clients submit before a run is
 * open waits in `#waiting` and is sent in order. Every message that passes is journaled before anybody gets it. Every
 * execute_request is answered: where the kernel cannot, we do.
 */
export class Kernel extends EventEmitter<KernelEvents> {
  readonly id: string;
  readonly journal: Journal;
  readonly executions = new Executions();
  executionState: ExecutionState = 'starting';
  lastActivityAt = Date.now();
  /** Why it is dead, for people. */
  reason: string | null = null;
  /** How it ended last without being asked to. */
  death: AgentKernelDeath | null = null;
  /** Open WebSockets. */
  connections = 0;
  /** Path of the notebook or file it was started for, relative to home. */
  label: string | null = null;
  #setting: KernelSetting;
  #run: KernelRun | null = null;
  #generation = 0;
  /** What the kernel calls itself in the headers of its messages. */
  #session = '';
  /** Whether the current run takes messages: it answers, and is not being prepared. */
  #isOpen = false;
  #waiting: ChannelMessage[] = [];
  /** Code that a kernel which nobody has used runs before it is open, and who waits for it. */
  #preparations: { readonly code: string; readonly done: (isDone: boolean) => void }[] = [];
  readonly #askers = new Askers();
  #quickDeaths = 0;
  #isClosing = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(setting: KernelSetting) {
    super();
    this.id = setting.id ?? randomUUID();
    this.#setting = setting;
    this.journal = new Journal(`${setting.stateDirectory}/journal/${this.id}`, setting.journalLimits);
    this.setMaxListeners(0);
  }

  get spec(): Kernelspec {
    return this.#setting.spec;
  }

  get cwd(): string {
    return this.#setting.cwd;
  }

  get pid(): number | null {
    return this.#run?.pid ?? null;
  }

  /** A cell runs or waits, or something else keeps it busy. */
  get isWorking(): boolean {
    return this.executionState === 'busy' || this.executions.current() !== undefined;
  }

  /** Resolves once the process is spawned. @throws HttpError 500 when its program cannot be started */
  async start(): Promise<void> {
    const generation = ++this.#generation;
    this.#isOpen = false;
    let run: KernelRun;
    try {
      run = await startRun({ ...this.#setting, env: this.#setting.env() }, (incoming) => {
        if (generation === this.#generation) this.#receive(incoming);
      });
    } catch (cause) {
      this.executionState = 'dead';
      this.reason = `Kernel ${this.spec.name} could not be started: ${this.spec.argv[0] ?? ''}: ${messageOf(cause)}`;
      throw new HttpError(500, this.reason, null, { cause });
    }
    this.#run = run;
    this.#open(run).catch((error: unknown) => {
      log('info', messageOf(error), { kernel: this.id });
    });
    run.exited
      .then((exit) => this.#exited(run, exit))
      .catch((error: unknown) => {
        log('error', 'a kernel could not be restarted', { kernel: this.id, cause: messageOf(error) });
      });
  }

  /** Moves a kernel that nobody has used to another folder, by code that runs before anything clients submit. */
  moveTo(cwd: string, code: string): void {
    this.#setting = { ...this.#setting, cwd };
    void this.prepare(code);
  }

  /**
   * Runs code in a kernel that nobody has used, before anything that clients submit; nobody sees it.
   * @returns whether it went well; false when the kernel ended first
   */
  prepare(code: string): Promise<boolean> {
    const { promise, resolve: done } = Promise.withResolvers<boolean>();
    this.#preparations.push({ code, done });
    const run = this.#run;
    if (this.#isOpen && run !== null) {
      this.#isOpen = false;
      this.#open(run).catch((error: unknown) => {
        log('info', messageOf(error), { kernel: this.id });
      });
    }
    return promise;
  }

  /** Whether it answers, and has run what prepares it. */
  get isReady(): boolean {
    return this.#isOpen;
  }

  /** Sends a client's message, at once or as soon as the kernel answers. Replies go to `audience`. */
  submit(message: ChannelMessage, audience: string): void {
    const { msgId, msgType } = headerFacts(message.header);
    if (msgId === '' || message.channel === 'iopub' || this.executionState === 'dead') return;
    this.#askers.note(msgId, audience);
    const parentId = headerFacts(message.parentHeader).msgId;
    this.#record(message, { direction: 'in', audience, msgId, msgType, parentId });
    if (msgType === 'execute_request') this.lastActivityAt = Date.now();
    if (this.#isOpen) this.#send(message);
    else this.#waiting.push(message);
  }

  async interrupt(): Promise<void> {
    if (this.#run === null) throw new HttpError(500, 'The kernel is not running.');
    await this.#run.interrupt();
  }

  /** Resolves when the new run answers. @throws HttpError 500 when it does not come up */
  async restart(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isClosing) throw new HttpError(404, `Kernel does not exist: ${this.id}`);
      this.executionState = 'restarting';
      await this.#endRun(true, kernelEndings.restarted);
      this.#quickDeaths = 0;
      await this.start();
    });
    try {
      await this.#run?.ready;
    } catch (cause) {
      throw new HttpError(500, `The restart failed: ${messageOf(cause)}`, null, { cause });
    }
  }

  /** Ends the process group and forgets the journal. */
  async shutdown(): Promise<void> {
    this.#isClosing = true;
    await this.#inTurn(async () => {
      await this.#endRun(false, kernelEndings.shutDown);
      this.executionState = 'dead';
      this.journal.close();
    });
  }

  /** Starts and ends of runs happen one after another. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #open(run: KernelRun): Promise<void> {
    await run.ready;
    if (this.#run !== run) return;
    log('info', 'kernel ready', { kernel: this.spec.name, id: this.id, ms: Date.now() - run.startedAt });
    for (let next = this.#preparations.shift(); next !== undefined; next = this.#preparations.shift()) {
      const isDone = await this.#askSilently(run, next.code);
      if (!isDone) log('warn', 'a kernel could not be prepared', { kernel: this.id });
      next.done(isDone);
    }
    // Another caller may have opened this run, or begun a newer one, while we waited.
    if (this.#run !== run || this.#isOpen) return;
    this.executionState = 'idle';
    this.#isOpen = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#send(message);
  }

  async #askSilently(run: KernelRun, code: string): Promise<boolean> {
    const silent = { silent: true, store_history: false, user_expressions: {}, allow_stdin: false };
    const answer = await run.ask('shell', 'execute_request', { code, ...silent }).catch(() => null);
    return answer !== null && jsonObject(answer.content)?.['status'] === 'ok';
  }

  #send(message: ChannelMessage): void {
    const { channel } = message;
    if (channel === 'iopub') return;
    this.#run?.send(channel, message).catch((error: unknown) => {
      log('warn', 'a message did not reach its kernel', { kernel: this.id, channel, cause: messageOf(error) });
    });
  }

  #receive({ channel, message, header, parent }: Incoming): void {
    this.#session = header.session;
    const isTracked = !untracked.test(parent.msgType);
    if (channel === 'iopub' && header.msgType === 'status' && isTracked && this.#isOpen) {
      const state = jsonObject(message.content)?.['execution_state'];
      if (state === 'busy' || state === 'idle') this.executionState = state;
    }
    if (isTracked && parent.msgId !== '') this.lastActivityAt = Date.now();
    const audience = channel === 'iopub' ? null : (this.#askers.of(parent.msgId) ?? parent.session);
    const { msgId, msgType } = header;
    this.#record({ channel, ...message }, { direction: 'out', audience, msgId, msgType, parentId: parent.msgId });
    // Clients show the last state they heard, and what a debugger asks ends with `idle` while a cell runs.
    const busy = msgType === 'status' && !isTracked ? this.busyStatus() : null;
    if (busy === null) return;
    const facts = { direction: 'out', audience: null, parentId: '' } as const;
    this.#record(busy, { ...facts, msgId: headerFacts(busy.header).msgId, msgType: 'status' });
  }

  /**
   * The kernel's word for being at work, for those who did not hear it; null when it is not. In the kernel's own name,
   * since JupyterLab drops what it has not handled yet when the name changes.
   */
  busyStatus(): ChannelMessage | null {
    if (this.executionState !== 'busy') return null;
    const header = newHeader('status', this.#session);
    return { channel: 'iopub', ...composeMessage({ header, content: { execution_state: 'busy' } }) };
  }

  #record(
    { channel, ...message }: ChannelMessage,
    facts: Pick<JournalEntry, 'direction' | 'audience' | 'msgId' | 'msgType' | 'parentId'>,
  ): void {
    const entry = this.journal.append({ at: Date.now(), channel, ...facts, message });
    this.executions.observe(entry);
    this.emit('entry', entry);
  }

  /** Shows a sentence under the cell that ran at that moment or has run since. */
  note(sentence: string, at: number, until?: number): void {
    const { header } = this.executions.since(at, until) ?? {};
    this.#say('iopub', 'stream', { name: 'stderr', text: `${sentence}\n` }, header);
  }

  /** Says what the kernel itself can no longer say. */
  #say(
    channel: 'iopub' | 'shell',
    msgType: 'status' | 'stream' | 'execute_reply',
    content: Record<string, unknown>,
    parentHeader: Buffer = Buffer.from('{}'),
  ): void {
    const header = newHeader(msgType, this.id);
    const parentId = headerFacts(parentHeader).msgId;
    const audience = channel === 'iopub' ? null : this.#askers.of(parentId);
    const message = composeMessage({ header, content, parentHeader });
    this.#record(
      { channel, ...message },
      { direction: 'out', audience, msgId: String(header['msg_id']), msgType, parentId },
    );
  }

  /** Takes the run away, so that its exit is expected, and ends it. */
  async #endRun(isRestart: boolean, reason: string): Promise<void> {
    const run = this.#run;
    const isPolite = this.#isOpen;
    this.#forgetRun(reason);
    if (run !== null) await run.end({ isPolite, isRestart });
  }

  /** Whoever waits for an answer gets one. */
  #forgetRun(reason: string): void {
    this.#run = null;
    this.#isOpen = false;
    this.#waiting = [];
    for (const { done } of this.#preparations) done(false);
    this.#preparations = [];
    for (const { header, msgId, outcome } of this.executions.unfinished()) {
      const died = { status: 'error', ename: 'KernelDied', evalue: reason, traceback: [] };
      this.#say('shell', 'execute_reply', outcome === 'died' ? died : { status: 'aborted' }, header);
      this.#say('iopub', 'status', { execution_state: 'idle' }, header);
      this.executions.end(msgId, outcome);
    }
  }

  async #exited(run: KernelRun, exit: Exit): Promise<void> {
    // Its last messages may still be on their way.
    await delay(lastMessagesMs);
    // Ended by restart() or shutdown(), which have taken the run away already.
    if (this.#run !== run || this.#isClosing) return;
    const { name } = this.spec;
    const cell = this.executions.current()?.cellId ?? null;
    const memoryKill = exit.signal === 'SIGKILL' ? this.#setting.claimMemoryKill({ name, cell }) : null;
    this.death = describeDeath({ name, exit, memoryKill, cell, at: Date.now() });
    const { reason } = this.death;
    log('warn', reason, { kernel: this.spec.name, id: this.id, lastWords: run.lastWords().slice(-2000) });
    const livedWell = this.#isOpen && Date.now() - run.startedAt > stableMs;
    this.#quickDeaths = livedWell ? 1 : this.#quickDeaths + 1;
    this.note(reason, this.death.at);
    this.#forgetRun(reason);
    await run.end({ isPolite: false, isRestart: false });

    if (this.#quickDeaths > restartLimit) {
      this.#die(reason, run.lastWords());
      return;
    }
    this.executionState = 'restarting';
    // jupyter_server says `restarting` when it restarts a kernel by itself; JupyterLab shows it as `autorestarting`.
    this.#say('iopub', 'status', { execution_state: 'restarting', reason });
    await this.#inTurn(async () => {
      if (this.#run === null && !this.#isClosing) await this.start();
    }).catch(() => {
      this.#die(this.reason ?? reason, '');
    });
  }

  #die(reason: string, lastWords: string): void {
    this.executionState = 'dead';
    this.reason = lastWords === '' ? reason : `${reason} It said: ${lastWords.slice(-500)}`;
    this.#say('iopub', 'status', { execution_state: 'dead', reason: this.reason });
    this.emit('gone');
  }
}
