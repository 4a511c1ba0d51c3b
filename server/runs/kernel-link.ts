import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@terrarium/contract';
import type { LiveDocument } from '../documents/live-document.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import { agentKernels, type AgentExecution } from './agent-kernels.ts';
import type { Feed } from './feed.ts';
import type { KernelRequest } from './kernel-messages.ts';
import { openKernelSession, type KernelSession } from './kernel-session.ts';
import { findKernel } from './notebook-kernel.ts';
import { readMark, type Progress } from './progress.ts';
import { msgIdOf } from './run.ts';
import type { RunStore } from './store.ts';

export interface KernelLinkOptions {
  readonly document: LiveDocument;
  readonly accountId: string;
  readonly feed: Feed;
  readonly findDoor: () => Promise<AgentDoor | null>;
  readonly startEnvironment: (signal: AbortSignal) => Promise<AgentDoor>;
  readonly awaitEnvironment: (signal: AbortSignal) => Promise<AgentDoor>;
  readonly environmentEnding: () => Promise<string>;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The kernel is gone, for this reason. */
  readonly onLost: (reason: string) => void;
}

interface Open {
  readonly session: KernelSession;
  readonly door: AgentDoor;
}

const retryMs = 500;
const goneReason = 'The kernel was shut down.';

/**
 * A queue's way to its kernel: from no environment at all to a session whose messages go to the feed.
 *
 * INVARIANT: it is opened by one at a time; whoever is stopped or closed meanwhile leaves nothing open.
 */
export class KernelLink {
  readonly #options: KernelLinkOptions;
  #open: Open | null = null;
  #opening: AbortController | null = null;
  #isEnding = false;
  #isClosed = false;

  constructor(options: KernelLinkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  get isOpening(): boolean {
    return this.#opening !== null;
  }

  get door(): AgentDoor | null {
    return this.#open?.door ?? null;
  }

  get kernelId(): string | null {
    return this.#open?.session.kernelId ?? null;
  }

  /** The kernel is gone, and why is being found out. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** @returns whether there is a kernel to send it to */
  send(request: KernelRequest): boolean {
    this.#open?.session.send(request);
    return this.isOpen;
  }

  /** Runs one way of opening. What goes wrong after it was stopped does not matter any more. */
  async whileOpening(open: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const opening = new AbortController();
    this.#opening = opening;
    try {
      await open(opening.signal);
    } catch (error) {
      if (!opening.signal.aborted) throw error;
    } finally {
      this.#opening = null;
    }
  }

  stopOpening(): void {
    this.#opening?.abort();
  }

  /**
   * @param found  told which kernel it is, before anything can be sent to it
   * @returns what is unexpected about the kernel that was found, in a sentence
   * @throws AppError  with the reason for people
   */
  async open(
    startsEnvironment: boolean,
    signal: AbortSignal,
    found: (kernelId: string) => Promise<void>,
  ): Promise<string | null> {
    const { document, accountId, findDoor, startEnvironment, awaitEnvironment, store } = this.#options;
    const door = (await findDoor()) ?? (await (startsEnvironment ? startEnvironment : awaitEnvironment)(signal));
    const { kernelId, notice } = await findKernel(door, document, await store.lastKernel(document.id, accountId));
    if (signal.aborted) return null;
    await found(kernelId);
    await this.#attach(door, kernelId, signal);
    return notice;
  }

  /**
   * Goes on with a kernel that an earlier control plane used.
   * @param takeUp  finds out what is under way, from what the kernel was sent and what the document has of it
   */
  async reopen(
    kernelId: string,
    takeUp: (executions: readonly AgentExecution[], last: Progress | null) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const door = await this.#options.findDoor();
      if (signal.aborted) return;
      if (door === null) {
        this.#options.onLost(await this.#options.environmentEnding());
        return;
      }
      try {
        const executions = await agentKernels.executions(door, kernelId);
        if (signal.aborted) return;
        if (executions === null) {
          this.#options.onLost(goneReason);
          return;
        }
        takeUp(executions, readMark(this.#options.document.marks(), kernelId)?.last ?? null);
        await this.#attach(door, kernelId, signal);
        return;
      } catch (error) {
        if (!(error instanceof AppError) || signal.aborted) throw error;
        this.#options.log.info({ err: error, kernelId }, 'runs: the kernel cannot be asked yet');
        await delay(retryMs, undefined, { signal });
      }
    }
  }

  /** The kernel said that it is being taken away: perhaps its whole environment is. */
  lose(reason: string): void {
    this.#lost('kernel', reason).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'runs: the end of a kernel could not be recorded');
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#opening?.abort();
    this.#open?.session.close();
    this.#open = null;
  }

  async #attach(door: AgentDoor, kernelId: string, signal: AbortSignal): Promise<void> {
    const { document, feed, findDoor, store, clock, log } = this.#options;
    const latest = await store.latestOn(document.id, kernelId);
    if (signal.aborted) return;
    const sent = latest.map(({ runId, position, cellId }) => ({ msgId: msgIdOf({ id: runId }, position), cellId }));
    const after = feed.open(kernelId, sent, feed.current);
    const session = await openKernelSession({
      door,
      kernelId,
      after,
      findDoor,
      onMessage: (message) => {
        if (!this.#isClosed && feed.kernelId === kernelId) feed.receive(message);
      },
      onGone: (gone) => {
        this.#lost(gone, goneReason).catch((error: unknown) => {
          log.error({ err: error }, 'runs: the end of a kernel could not be recorded');
        });
      },
      clock,
      log,
    });
    if (signal.aborted) session.close();
    else this.#open = { session, door };
  }

  async #lost(what: 'kernel' | 'environment', reason: string): Promise<void> {
    const open = this.#open;
    this.#open = null;
    this.#isEnding = true;
    open?.session.close();
    const { findDoor, environmentEnding } = this.#options;
    const why = async (): Promise<string> =>
      what === 'environment' || (await findDoor()) === null ? environmentEnding() : reason;
    const ending = await why().catch(() => reason);
    this.#isEnding = false;
    if (!this.#isClosed) this.#options.onLost(ending);
  }
}
