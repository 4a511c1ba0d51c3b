import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';
import * as z from 'zod';
import { decodeWire, encodeWire } from '../../agent/kernels/wire.ts';
import type { Run } from '../measure/benchmark.ts';
import { Executions } from './executions.ts';
import type { KernelConnection } from './kernel-connection.ts';
import { findKernelProcesses } from './processes.ts';

export const ConnectionFile = z.object({
  ip: z.string(),
  transport: z.enum(['tcp', 'ipc']),
  key: z.string(),
  shell_port: z.number(),
  iopub_port: z.number(),
});

/** A running Python kernel as ZeroMQ reaches it, with nothing between. */
export interface RawKernel {
  /**
   * Runs `work` with a connection of its own. Whoever else holds the kernel stands still meanwhile: it gets every
   * output too, and its work on them would make the kernel look slower than it is.
   */
  alone<T>(work: (kernel: KernelConnection) => Promise<T>): Promise<T>;
}

/** Finds a running kernel's sockets, through a connection that it already has. */
export async function findRawKernel(run: Run, through: KernelConnection): Promise<RawKernel> {
  const { kernel, holder, connectionFile } = await findKernelProcesses(through);
  const facts = ConnectionFile.parse(JSON.parse(connectionFile));
  const prefix = facts.transport === 'tcp' ? facts.ip : await visiblePrefix(run, kernel, facts.ip);
  run.defer(() => {
    resume(holder);
  });
  return {
    async alone(work) {
      process.kill(holder, 'SIGSTOP');
      try {
        const connection = await connect({ ...facts, ip: prefix });
        try {
          return await work(connection);
        } finally {
          connection.close();
        }
      } finally {
        resume(holder);
      }
    },
  };
}

/** Resolves when the kernel answers. @param everyMs  how often it is asked until then, `limitMs` long */
export async function connect(
  facts: z.infer<typeof ConnectionFile>,
  { everyMs, limitMs } = { everyMs: 100, limitMs: 4000 },
): Promise<KernelConnection> {
  const address = (port: number) =>
    facts.transport === 'tcp' ? `tcp://${facts.ip}:${String(port)}` : `ipc://${facts.ip}-${String(port)}`;
  const executions = new Executions();
  const shell = new Dealer({ linger: 0, reconnectInterval: 20 });
  const iopub = new Subscriber({ linger: 0, reconnectInterval: 20 });
  iopub.subscribe();
  shell.connect(address(facts.shell_port));
  iopub.connect(address(facts.iopub_port));
  const listen = async (channel: 'shell' | 'iopub', socket: Dealer | Subscriber): Promise<void> => {
    for await (const frames of socket) {
      const message = decodeWire(facts.key, frames);
      if (message !== null) executions.receive(channel, message);
    }
  };
  const open = (channel: 'shell' | 'iopub', socket: Dealer | Subscriber): void => {
    listen(channel, socket).catch((error: unknown) => {
      if (!socket.closed) executions.fail(error instanceof Error ? error : new Error(String(error)));
    });
  };
  open('shell', shell);
  open('iopub', iopub);
  const connection: KernelConnection = {
    async execute(code) {
      const { message, done } = executions.begin(code);
      await shell.send(encodeWire(facts.key, message));
      return done;
    },
    close() {
      shell.close();
      iopub.close();
    },
  };
  // A subscription takes a moment to reach the kernel; what is published before is not sent to us.
  for (const end = performance.now() + limitMs; performance.now() < end;) {
    const isHeard = await Promise.race([connection.execute('1').then(() => true), wait(everyMs, false)]);
    if (isHeard) return connection;
  }
  connection.close();
  throw new Error('The kernel does not answer by ZeroMQ.');
}

/** The kernel's sockets are files in its own view of the machine, which the system shows us under its process. */
async function visiblePrefix(run: Run, pid: number, prefix: string): Promise<string> {
  const link = path.join(run.directory, 'sockets');
  await symlink(`/proc/${String(pid)}/root${path.dirname(prefix)}`, link);
  return path.join(link, path.basename(prefix));
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // Gone already.
  }
}
