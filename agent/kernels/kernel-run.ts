import { randomUUID } from 'node:crypto';
import { spawnKernel, type Exit, type KernelProcess } from './kernel-process.ts';
import type { Kernelspec } from './kernelspecs.ts';
import { openLink, type KernelLink, type RequestChannel } from './link.ts';
import { composeMessage, headerFacts, newHeader, type Channel, type HeaderFacts, type WireMessage } from './wire.ts';

export interface RunSetting {
  readonly spec: Kernelspec;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stateDirectory: string;
  readonly socketDirectory: string;
}

/** What a message from the kernel says about itself and about what it answers. */
export interface Incoming {
  readonly channel: Channel;
  readonly message: WireMessage;
  readonly header: HeaderFacts;
  readonly parent: HeaderFacts;
}

/** One run of a kernel: a process and the sockets to it, from spawn to exit. */
export interface KernelRun {
  readonly pid: number;
  readonly startedAt: number;
  /** Settles when the kernel answers and its outputs reach us; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<Exit>;
  lastWords(): string;
  interrupt(): Promise<void>;
  send(channel: RequestChannel, message: WireMessage): Promise<void>;
  /** Asks for ourselves; the answer and its outputs reach nobody else. Rejects when the kernel ends first. */
  ask(channel: RequestChannel, msgType: string, content: Record<string, unknown>): Promise<WireMessage>;
  /** Politely, then firmly, then the whole process group; about two seconds at most. */
  end(options: { isPolite: boolean; isRestart: boolean }): Promise<void>;
}

const nudgeAgainMs = 20;
const politeMs = 1500;
const termMs = 500;

/** Resolves once the process is spawned. @throws the system's error when its program cannot be started */
export async function startRun(setting: RunSetting, onMessage: (incoming: Incoming) => void): Promise<KernelRun> {
  const { spec, env, cwd, stateDirectory, socketDirectory } = setting;
  const session = `terrarium-${randomUUID()}`;
  const answers = new Map<string, (answer: WireMessage) => void>();
  let onOutput = (): void => undefined;

  const link = await openLink({
    kernelName: spec.name,
    // Both were seen to work; others may know only tcp.
    transport: ['python', 'R'].includes(spec.language) ? 'ipc' : 'tcp',
    stateDirectory,
    socketDirectory,
    onMessage(channel, message) {
      const parent = headerFacts(message.parentHeader);
      if (parent.session !== session) onMessage({ channel, message, header: headerFacts(message.header), parent });
      else if (channel === 'iopub') onOutput();
      else {
        answers.get(parent.msgId)?.(message);
        answers.delete(parent.msgId);
      }
    },
  });
  const startedAt = Date.now();
  const child = await spawnOrClose(setting, link, { ...env, ...expandedEnv(spec.env, env) }, cwd);
  const ended = child.exited.then(({ code, signal }) => {
    throw new Error(`kernel ${spec.name} ended before it answered (${signal ?? `exit code ${String(code)}`})`);
  });
  ended.catch(() => undefined); // raced wherever it matters

  async function ask(channel: RequestChannel, msgType: string, content: Record<string, unknown>): Promise<WireMessage> {
    const header = newHeader(msgType, session);
    const answered = new Promise<WireMessage>((resolve) => answers.set(String(header['msg_id']), resolve));
    await link.send(channel, composeMessage({ header, content }));
    return Promise.race([answered, ended]);
  }

  /**
   * Asks for kernel_info until both the reply and its iopub status arrive: a subscription that becomes live after the
   * first execute would miss its outputs. The first request waits in the socket until the kernel listens.
   */
  async function nudge(): Promise<void> {
    const heard = new Promise<boolean>((resolve) => {
      onOutput = () => {
        resolve(true);
      };
    });
    for (let isHeard = false; !isHeard;) {
      await ask('shell', 'kernel_info_request', {});
      isHeard = await Promise.race([within(heard, nudgeAgainMs, false), ended]);
    }
    onOutput = () => undefined;
  }

  const ready = nudge();
  ready.catch(() => undefined); // whoever waits is told; the exit tells the rest
  return {
    pid: child.pid,
    startedAt,
    ready,
    exited: child.exited,
    lastWords: () => child.lastWords(),
    send: (channel, message) => link.send(channel, message),
    ask,
    async interrupt() {
      if (spec.interruptMode === 'message') await ask('control', 'interrupt_request', {});
      else child.signalGroup('SIGINT');
    },
    async end({ isPolite, isRestart }) {
      if (!child.hasExited() && isPolite) {
        const request = composeMessage({
          header: newHeader('shutdown_request', session),
          content: { restart: isRestart },
        });
        await link.send('control', request).catch(() => undefined);
        await within(child.exited, politeMs, null);
      }
      if (!child.hasExited()) {
        child.signalGroup('SIGTERM');
        await within(child.exited, termMs, null);
      }
      child.signalGroup('SIGKILL');
      await child.exited;
      await link.close();
    },
  };
}

async function spawnOrClose(
  { spec }: RunSetting,
  link: KernelLink,
  env: Record<string, string>,
  cwd: string,
): Promise<KernelProcess> {
  const fill = (text: string): string =>
    text.replaceAll('{connection_file}', link.connectionFile).replaceAll('{resource_dir}', spec.directory);
  try {
    return await spawnKernel({ argv: spec.argv.map(fill), env, cwd });
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** kernel.json's env may refer to the environment as `${NAME}`. @see jupyter_client, KernelSpec.env */
export function expandedEnv(
  own: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const expand = (text: string): string =>
    text.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced?: string, bare?: string) => env[braced ?? bare ?? ''] ?? whole);
  return Object.fromEntries(Object.entries(own).map(([name, text]) => [name, expand(text)]));
}

/** What a promise resolves to, or `otherwise` when it takes too long. */
async function within<T, U>(promise: Promise<T>, ms: number, otherwise: U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<U>((resolve) => {
    timer = setTimeout(resolve, ms, otherwise);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
