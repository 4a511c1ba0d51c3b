import { WebSocket } from 'ws';
import type { AgentDoor } from '../environments/agent-client.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import { secretHash } from '../plumbing/ids.ts';
import type { Log } from '../plumbing/log.ts';
import { agentKernels } from './agent-kernels.ts';
import { readMessage, writeRequest, type KernelMessage, type KernelRequest } from './kernel-messages.ts';

export interface KernelSession {
  readonly kernelId: string;
  send(request: KernelRequest): void;
  close(): void;
}

export interface KernelSessionOptions {
  readonly door: AgentDoor;
  readonly kernelId: string;
  /** Messages after this place in the journal; null for those from now on. */
  readonly after: number | null;
  /** The environment's agent as it is now; null when the environment does not run any more. */
  readonly findDoor: () => Promise<AgentDoor | null>;
  /** Every message once and in order, over any number of connections. */
  readonly onMessage: (message: KernelMessage) => void;
  /** The kernel is no more, with the reason for people. Nothing follows. */
  readonly onGone: (gone: 'kernel' | 'environment') => void;
  readonly clock: Clock;
  readonly log: Log;
}

// One output of this size would still be shown; a browser would not survive it.
const maxPayload = 1024 ** 3;
const firstRetryMs = 50;
const longestRetryMs = 2000;
const openMs = 10_000;

/**
 * The control plane's own connection to a kernel. It lasts as long as the kernel: a connection that breaks is made anew,
 * from the message after the last one that came.
 * @throws AppError DriverUnavailable  the first connection could not be made
 */
export async function openKernelSession(options: KernelSessionOptions): Promise<KernelSession> {
  const session = new ReconnectingSession(options);
  await session.open();
  return session;
}

/**
 * INVARIANTS: one socket at a time; messages of an earlier one are ignored. What is sent while no socket is open waits
 * in `#waiting`. `#unheard` is the execution request that the kernel has not been heard of since: after a new connection
 * it is sent again, unless the agent has it.
 */
class ReconnectingSession implements KernelSession {
  readonly kernelId: string;
  readonly #options: KernelSessionOptions;
  readonly #session: string;
  #socket: WebSocket | null = null;
  #after: number;
  #waiting: KernelRequest[] = [];
  #unheard: KernelRequest | null = null;
  #isOver = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: KernelSessionOptions) {
    this.#options = options;
    this.kernelId = options.kernelId;
    // The agent counts journals from the start, so a place past the end is the end.
    this.#after = options.after ?? Number.MAX_SAFE_INTEGER;
    // The same after a restart, so that replies meant for it are still delivered; and nobody else's, as it is secret.
    this.#session = `runs-${secretHash(`${options.door.secret} ${options.kernelId}`)}`;
  }

  open(): Promise<void> {
    return this.#connect(this.#options.door);
  }

  send(request: KernelRequest): void {
    if (request.type === 'execute_request') this.#unheard = request;
    const { clock } = this.#options;
    if (this.#socket?.readyState !== WebSocket.OPEN) this.#waiting.push(request);
    else this.#socket.send(writeRequest(request, this.#session, isoMoment(clock.now())));
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = null;
  }

  async #connect(door: AgentDoor): Promise<void> {
    const { address, secret } = door;
    const target = `/api/kernels/${this.kernelId}/channels?session_id=${this.#session}&after=${String(this.#after)}`;
    const url =
      'socketPath' in address
        ? `ws+unix:${address.socketPath}:${target}`
        : `ws://${address.host}:${String(address.port)}${target}`;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${secret}`, host: 'agent' },
      handshakeTimeout: openMs,
      perMessageDeflate: false,
      maxPayload,
    });
    socket.on('message', (data, isBinary) => {
      // ws gives Buffers unless told otherwise.
      if (socket === this.#socket) this.#receive(readMessage(data as Buffer, isBinary));
    });
    socket.once('close', () => {
      if (socket === this.#socket) this.#lost();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => {
        // At once: what was missed comes with the very next bytes.
        if (this.#isOver) socket.close();
        else this.#socket = socket;
        resolve();
      });
      socket.once('error', reject);
      // A close follows; what an error after the opening says is of no use.
      socket.on('error', () => undefined);
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const request of waiting) this.send(request);
  }

  #receive(message: KernelMessage | null): void {
    if (message === null) return;
    this.#after = message.seq;
    if (message.parentId === this.#unheard?.msgId) this.#unheard = null;
    this.#options.onMessage(message);
  }

  #lost(): void {
    this.#socket = null;
    this.#tryAgain(firstRetryMs);
  }

  #tryAgain(afterMs: number): void {
    if (this.#isOver) return;
    this.#retry = setTimeout(() => {
      this.#reconnect().catch((error: unknown) => {
        this.#options.log.info({ err: error, kernelId: this.kernelId }, 'a kernel cannot be reached; trying again');
        this.#tryAgain(Math.min(afterMs * 2, longestRetryMs));
      });
    }, afterMs);
  }

  async #reconnect(): Promise<void> {
    const door = await this.#options.findDoor();
    if (this.#isOver) return;
    if (door === null) {
      this.#end('environment');
      return;
    }
    const executions = await agentKernels.executions(door, this.kernelId);
    if (executions === null) {
      this.#end('kernel');
      return;
    }
    await this.#connect(door);
    const unheard = this.#unheard;
    if (unheard !== null && !executions.some(({ msgId }) => msgId === unheard.msgId)) this.send(unheard);
  }

  #end(gone: 'kernel' | 'environment'): void {
    this.#isOver = true;
    this.#options.onGone(gone);
  }
}
