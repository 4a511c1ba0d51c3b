import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';
import * as z from 'zod';
import { decodeWire, encodeWire } from '../../agent/kernels/wire.ts';
import type { Run } from '../measure/benchmark.ts';
import { processesWith } from '../measure/memory.ts';
import { Executions } from './executions.ts';
import type { KernelConnection } from './kernel-connection.ts';

const ConnectionFile = z.object({
  ip: z.string(),
  transport: z.enum(['tcp', 'ipc']),
  key: z.string(),
  shell_port: z.number(),
  iopub_port: z.number(),
});

/** Prints the name of the kernel's connection file, then the file. */
const tellConnection = `
import ipykernel.connect as _connect
_file = _connect.get_connection_file()
print(_file)
print(open(_file).read())
`;

/** Joins a running Python kernel by ZeroMQ itself, with nothing between, through a connection that it already has. */
export async function openRawKernel(run: Run, through: KernelConnection): Promise<KernelConnection> {
  const { text } = await through.execute(tellConnection);
  const [file = '', ...rest] = text.split('\n');
  const facts = ConnectionFile.parse(JSON.parse(rest.join('\n')));
  const prefix = facts.transport === 'tcp' ? facts.ip : await visiblePrefix(run, file, facts.ip);
  const address = (port: number) =>
    facts.transport === 'tcp' ? `tcp://${prefix}:${String(port)}` : `ipc://${prefix}-${String(port)}`;

  const executions = new Executions();
  const shell = new Dealer({ linger: 0 });
  const iopub = new Subscriber({ linger: 0 });
  iopub.subscribe();
  shell.connect(address(facts.shell_port));
  iopub.connect(address(facts.iopub_port));
  const listen = async (channel: 'shell' | 'iopub', socket: AsyncIterable<Buffer[]>): Promise<void> => {
    for await (const frames of socket) {
      const message = decodeWire(facts.key, frames);
      if (message !== null) executions.receive(channel, message);
    }
  };
  for (const [channel, socket] of [
    ['shell', shell],
    ['iopub', iopub],
  ] as const) {
    listen(channel, socket).catch((error: unknown) => {
      if (!socket.closed) executions.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }
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
  for (let attempt = 0; attempt < 20; attempt++) {
    const isHeard = await Promise.race([connection.execute('1').then(() => true), wait(250, false)]);
    if (isHeard) return connection;
  }
  throw new Error('The kernel does not answer by ZeroMQ.');
}

/** The kernel's sockets are files in its own view of the machine, which the system shows us under its process. */
async function visiblePrefix(run: Run, connectionFile: string, prefix: string): Promise<string> {
  const name = path.basename(connectionFile).replaceAll('.', '\\.');
  const [kernel] = processesWith(new RegExp(name)).sort((a, b) => b.pid - a.pid);
  if (kernel === undefined) throw new Error(`No process runs with ${connectionFile}.`);
  const link = path.join(run.directory, 'sockets');
  await symlink(`/proc/${String(kernel.pid)}/root${path.dirname(prefix)}`, link);
  return path.join(link, path.basename(prefix));
}
