import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { log, messageOf } from '../log.ts';
import { HttpError } from '../http-error.ts';
import { describeDeath, readOomKills } from './death.ts';
import { Executions } from './executions.ts';
import type { ChannelMessage } from './framing.ts';
import { Journal, type JournalEntry, type JournalLimits } from './journal.ts';
import { spawnKernel, type Exit, type KernelProcess } from './kernel-process.ts';
import type { Kernelspec } from './kernelspecs.ts';
import { openLink, type KernelLink, type RequestChannel } from './link.ts';
import { composeMessage, headerFacts, jsonObject, newHeader, type Channel, type WireMessage } from './wire.ts';

export type ExecutionState = 'starting' | 'idle' | 'busy' | 'restarting' | 'dead';

export interface KernelSetting {
  readonly spec: Kernelspec;
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly stateDirectory: string;
  readonly socketDirectory: string;
  readonly journalLimits?: JournalLimits;
}

interface KernelEvents {
  /** Something was appended to the journal. */
  entry: [JournalEntry];
  /** It died and will not be restarted. */
  gone: [];
}

/** One run of the process and its sockets. */
interface Run {
  readonly process: KernelProcess;
  readonly link: KernelLink;
  /** Settles when the kernel answers and its outputs reach us; rejects when it ends before. */
  readonly ready: Promise<void>;
  isReady: boolean;
}

/** Quick deaths in a row before giving up, as jupyter_client's restarter does. */
const restartLimit = 5;
const stableMs = 10_000;
const nudgeAgainMs = 20;
const politeShutdownMs = 1500;
const termMs = 500;
const lastMessagesMs = 50;

/** Requests that say nothing about a person at work. @see jupyter_server, MappingKernelManager.untracked_message_types */
const untracked =
  /^(comm_info|kernel_info|shutdown|interrupt|debug|is_complete|complete|inspect|history)_(request|reply)$|^debug_event$/;

/**
 * A kernel: its process over all restarts, its journal and its state.
 *
 * INVARIANTS: at most one run is current; messages of an earlier run are ignored. What clients submit before a run is
 * ready waits in `#waiting` and is sent in order. Every message that passes is journaled before anybody gets it.
 */
export class Kernel extends EventEmitter<KernelEvents> {
  readonly id = randomUUID();
  readonly journal: Journal;
  readonly executions = new Executions();
  executionState: ExecutionState = 'starting';
  lastActivityAt = Date.now();
  /** Why it is dead, for people. */
  reason: string | null = null;
  /** Open WebSockets. */
  connections = 0;
  /** Path of the notebook or file it was started for, relative to home. */
  label: string | null = null;
  #setting: KernelSetting;
  #run: Run | null = null;
  #waiting: ChannelMessage[] = [];
  #isPreparing = false;
  /** Who asked, by message id, so that shell and stdin replies go back to that session alone. */
  readonly #askers = new Map<string, string>();
  readonly #ourSession = `terrarium-${this.id}`;
  readonly #ourRequests = new Map<string, (reply: WireMessage) => void>();
  #onOurOutput: (() => void) | null = null;
  #quickDeaths = 0;
  #isClosing = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(setting: KernelSetting) {
    super();
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

  /** Where the next run starts; the current one is moved by `prepareWith`. */
  setWorkingDirectory(cwd: string): void {
    this.#setting = { ...this.#setting, cwd };
  }

  get pid(): number | null {
    return this.#run?.process.pid ?? null;
  }

  /** A cell runs or waits, or something else keeps it busy. */
  get isWorking(): boolean {
    return this.executionState === 'busy' || this.executions.current() !== undefined;
  }

  /** Resolves once the process is spawned. @throws HttpError 500 when its program cannot be started */
  async start(): Promise<void> {
    try {
      this.#run = await this.#launch();
    } catch (cause) {
      this.executionState = 'dead';
      const program = this.spec.argv[0] ?? '';
      this.reason = `Kernel ${this.spec.name} could not be started: ${program}: ${messageOf(cause)}`;
      throw new HttpError(500, this.reason, null, { cause });
    }
  }

  /** Resolves when the current run answers. @throws Error when it ends before */
  async ready(): Promise<void> {
    if (this.#run === null) throw new Error(`kernel ${this.spec.name} is not running`);
    await this.#run.ready;
  }

  /** Sends a client's message, at once or as soon as the kernel answers. Replies go to `audience`. */
  submit(message: ChannelMessage, audience: string): void {
    const { msgId, msgType } = headerFacts(message.header);
    if (msgId === '' || message.channel === 'iopub' || this.executionState === 'dead') return;
    this.#askers.set(msgId, audience);
    this.#forgetOldAskers();
    this.#record({
      ...message,
      direction: 'in',
      audience,
      msgId,
      msgType,
      parentId: headerFacts(message.parentHeader).msgId,
    });
    if (msgType === 'execute_request') this.lastActivityAt = Date.now();
    if (this.#run?.isReady === true) this.#send(message);
    else this.#waiting.push(message);
  }

  async interrupt(): Promise<void> {
    const run = this.#run;
    if (run === null) throw new HttpError(500, 'The kernel is not running.');
    if (this.spec.interruptMode === 'message') await this.#ask('control', 'interrupt_request', {});
    else run.process.signalGroup('SIGINT');
  }

  /** Resolves when the new run answers. */
  async restart(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isClosing) throw new HttpError(404, `Kernel does not exist: ${this.id}`);
      const old = this.#run;
      this.#run = null;
      this.#waiting = [];
      this.#isPreparing = false;
      this.executionState = 'restarting';
      this.executions.endAll(Date.now());
      if (old !== null) await this.#end(old, true);
      this.#quickDeaths = 0;
      await this.start();
    });
    await this.ready();
  }

  /** Ends the process group and forgets the journal. */
  async shutdown(): Promise<void> {
    this.#isClosing = true;
    await this.#inTurn(async () => {
      const old = this.#run;
      this.#run = null;
      if (old !== null) await this.#end(old, false);
      this.executions.endAll(Date.now());
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

  /** Runs code without a trace in history, outputs or journal, ahead of whatever clients submit from now on. */
  prepareWith(code: string): void {
    const run = this.#run;
    if (run === null) return;
    run.isReady = false;
    run.ready
      .then(() => this.#runSilently(code))
      .catch((error: unknown) => log('warn', 'a kernel was not prepared', { kernel: this.id, cause: messageOf(error) }))
      .then(() => {
        if (this.#run === run) this.#flush(run);
      })
      .catch((error: unknown) => log('error', 'a kernel is stuck', { kernel: this.id, cause: messageOf(error) }));
    this.#isPreparing = true;
  }

  async #runSilently(code: string): Promise<void> {
    const reply = await this.#ask('shell', 'execute_request', {
      code,
      silent: true,
      store_history: false,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: false,
    });
    const status = jsonObject(reply.content)?.['status'];
    if (status !== 'ok') throw new Error(`kernel ${this.spec.name} refused: ${reply.content.toString().slice(0, 300)}`);
  }

  async #launch(): Promise<Run> {
    const { spec, env, cwd, stateDirectory, socketDirectory } = this.#setting;
    this.executionState = this.executionState === 'restarting' ? 'restarting' : 'starting';
    let run: Run | null = null;
    const link = await openLink({
      kernelName: spec.name,
      // Both were seen to work; others may know only tcp.
      transport: ['python', 'R'].includes(spec.language) ? 'ipc' : 'tcp',
      stateDirectory,
      socketDirectory,
      onMessage: (channel, message) => {
        if (run === null || this.#run === run || this.#run === null) this.#receive(channel, message);
      },
    });
    const fill = (text: string): string =>
      text.replaceAll('{connection_file}', link.connectionFile).replaceAll('{resource_dir}', spec.directory);
    const startedAt = Date.now();
    const oomKillsBefore = readOomKills();
    let child: KernelProcess;
    try {
      const specEnv = Object.fromEntries(Object.entries(spec.env).map(([name, text]) => [name, expand(text, env)]));
      child = await spawnKernel({ argv: spec.argv.map(fill), env: { ...env, ...specEnv }, cwd });
    } catch (error) {
      await link.close();
      throw error;
    }
    const ready = this.#nudge(link, child);
    run = { process: child, link, ready, isReady: false };
    const current = run;
    ready.then(
      () => {
        if (this.#run !== current) return;
        this.executionState = 'idle';
        log('info', 'kernel ready', { kernel: spec.name, id: this.id, ms: Date.now() - startedAt });
        if (!this.#isPreparing) this.#flush(current);
      },
      () => undefined, // the exit below tells
    );
    child.exited
      .then((exit) => this.#exited(current, exit, startedAt, oomKillsBefore))
      .catch((error: unknown) => log('error', 'a kernel could not be restarted', { cause: messageOf(error) }));
    return run;
  }

  #flush(run: Run): void {
    this.#isPreparing = false;
    run.isReady = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#send(message);
  }

  /**
   * Asks for kernel_info until both the reply and its iopub status arrive: a subscription that becomes live after the
   * first execute would miss its outputs. The first request waits in the socket until the kernel listens.
   */
  async #nudge(link: KernelLink, child: KernelProcess): Promise<void> {
    const ended = child.exited.then(({ code, signal }) => {
      throw new Error(`kernel ${this.spec.name} ended before it answered (${signal ?? `exit code ${String(code)}`})`);
    });
    ended.catch(() => undefined); // raced below; nobody else listens
    const heard = new Promise<void>((resolve) => {
      this.#onOurOutput = resolve;
    });
    let isHeard = false;
    while (!isHeard) {
      await Promise.race([this.#ask('shell', 'kernel_info_request', {}, link), ended]);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, nudgeAgainMs, false);
      });
      isHeard = await Promise.race([heard.then(() => true), late, ended]);
      clearTimeout(timer);
    }
    this.#onOurOutput = null;
  }

  #ask(
    channel: RequestChannel,
    msgType: string,
    content: Record<string, unknown>,
    link = this.#run?.link,
  ): Promise<WireMessage> {
    const run = this.#run;
    return new Promise((resolve, reject) => {
      if (link === undefined) {
        reject(new Error(`kernel ${this.spec.name} is not running`));
        return;
      }
      const header = newHeader(msgType, this.#ourSession);
      const msgId = String(header['msg_id']);
      this.#ourRequests.set(msgId, resolve);
      link.send(channel, composeMessage({ header, content })).catch(reject);
      run?.process.exited.then(() => {
        this.#ourRequests.delete(msgId);
        reject(new Error(`kernel ${this.spec.name} ended before it answered`));
      }, reject);
    });
  }

  #send(message: ChannelMessage): void {
    const { channel } = message;
    if (channel === 'iopub') return;
    this.#run?.link.send(channel, message).catch((error: unknown) => {
      log('warn', 'a message did not reach its kernel', { kernel: this.id, channel, cause: messageOf(error) });
    });
  }

  #receive(channel: Channel, message: WireMessage): void {
    const header = headerFacts(message.header);
    const parent = headerFacts(message.parentHeader);
    if (parent.session === this.#ourSession) {
      if (channel === 'iopub') this.#onOurOutput?.();
      else {
        this.#ourRequests.get(parent.msgId)?.(message);
        this.#ourRequests.delete(parent.msgId);
      }
      return;
    }
    const isTracked = !untracked.test(parent.msgType);
    if (channel === 'iopub' && header.msgType === 'status') {
      const state = jsonObject(message.content)?.['execution_state'];
      if ((state === 'busy' || state === 'idle') && isTracked && this.#run?.isReady === true)
        this.executionState = state;
    }
    if (isTracked && parent.msgId !== '') this.lastActivityAt = Date.now();
    const audience = channel === 'iopub' ? null : (this.#askers.get(parent.msgId) ?? parent.session);
    this.#record({ channel, ...message, direction: 'out', audience, ...header, parentId: parent.msgId });
  }

  #record(
    fields: ChannelMessage & Pick<JournalEntry, 'direction' | 'audience' | 'msgId' | 'msgType' | 'parentId'>,
  ): void {
    const { channel, direction, audience, msgId, msgType, parentId } = fields;
    const { header, parentHeader, metadata, content, buffers } = fields;
    const message = { header, parentHeader, metadata, content, buffers };
    const entry = this.journal.append({
      at: Date.now(),
      direction,
      channel,
      audience,
      msgId,
      msgType,
      parentId,
      message,
    });
    this.executions.observe(entry);
    this.emit('entry', entry);
  }

  #forgetOldAskers(): void {
    if (this.#askers.size <= 10_000) return;
    const oldest = this.#askers.keys().next().value;
    if (oldest !== undefined) this.#askers.delete(oldest);
  }

  /** Tells everybody something the kernel itself can no longer say. */
  #announce(msgType: 'status' | 'stream', content: Record<string, unknown>, parentHeader?: Buffer): void {
    const header = newHeader(msgType, this.id);
    const message = composeMessage({ header, content, ...(parentHeader === undefined ? {} : { parentHeader }) });
    const parentId = parentHeader === undefined ? '' : headerFacts(parentHeader).msgId;
    this.#record({
      channel: 'iopub',
      ...message,
      direction: 'out',
      audience: null,
      msgId: String(header['msg_id']),
      msgType,
      parentId,
    });
  }

  async #exited(run: Run, exit: Exit, startedAt: number, oomKillsBefore: number | null): Promise<void> {
    // Its last messages may still be on their way.
    await setTimeoutPromise(lastMessagesMs);
    // Ended by restart() or shutdown(), which have taken the run away already.
    if (this.#run !== run || this.#isClosing) return;
    const reason = describeDeath({ name: this.spec.name, exit, oomKillsBefore, oomKillsAfter: readOomKills() });
    log('warn', reason, { kernel: this.spec.name, id: this.id, lastWords: run.process.lastWords().slice(-2000) });
    this.#run = null;
    this.#waiting = [];
    this.#isPreparing = false;
    this.#ourRequests.clear();
    this.#announce('stream', { name: 'stderr', text: `${reason}\n` }, this.executions.current()?.header);
    this.executions.endAll(Date.now());
    run.process.signalGroup('SIGKILL');
    await run.link.close();

    this.#quickDeaths = run.isReady && Date.now() - startedAt > stableMs ? 1 : this.#quickDeaths + 1;
    if (this.#quickDeaths > restartLimit) {
      this.#die(reason, run.process.lastWords());
      return;
    }
    this.executionState = 'restarting';
    // jupyter_server says `restarting` when it restarts a kernel by itself; JupyterLab shows it as `autorestarting`.
    this.#announce('status', { execution_state: 'restarting', reason });
    await this.#inTurn(async () => {
      if (this.#run === null && !this.#isClosing) await this.start();
    }).catch(() => {
      this.#die(this.reason ?? reason, '');
    });
  }

  #die(reason: string, lastWords: string): void {
    this.executionState = 'dead';
    this.reason = lastWords === '' ? reason : `${reason} It said: ${lastWords.slice(-500)}`;
    this.#announce('status', { execution_state: 'dead', reason: this.reason });
    this.emit('gone');
  }

  /** Politely, then firmly, then the whole group. Takes about two seconds at most. */
  async #end(run: Run, isRestart: boolean): Promise<void> {
    const { process: child, link } = run;
    if (!child.hasExited() && run.isReady) {
      const request = composeMessage({
        header: newHeader('shutdown_request', this.#ourSession),
        content: { restart: isRestart },
      });
      await link.send('control', request).catch(() => undefined);
      await settledWithin(child.exited, politeShutdownMs);
    }
    if (!child.hasExited()) {
      child.signalGroup('SIGTERM');
      await settledWithin(child.exited, termMs);
    }
    child.signalGroup('SIGKILL');
    await child.exited;
    await link.close();
  }
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

/** kernel.json's env may refer to the environment as `${NAME}`. @see jupyter_client, KernelSpec.env */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\{(\w+)\}|\$(\w+)/g,
    (whole, braced?: string, bare?: string) => env[braced ?? bare ?? ''] ?? whole,
  );
}
