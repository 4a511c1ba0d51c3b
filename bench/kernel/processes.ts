import { readFileSync } from 'node:fs';
import path from 'node:path';
import { processesWith } from '../measure/memory.ts';
import type { KernelConnection } from './kernel-connection.ts';

/** A running kernel as this machine sees it, from outside of any sandbox. */
export interface KernelProcesses {
  readonly kernel: number;
  /** The program that started the kernel and holds its sockets: for us, the agent. */
  readonly holder: number;
  /** What the kernel's connection file says, as text. */
  readonly connectionFile: string;
}

/** Prints the name of the kernel's connection file, then the file. */
const tellConnection = `
import ipykernel.connect as _connect
_file = _connect.get_connection_file()
print(_file)
print(open(_file).read())
`;

/** Finds the processes behind a Python kernel, by asking it. */
export async function findKernelProcesses(connection: KernelConnection): Promise<KernelProcesses> {
  const { text } = await connection.execute(tellConnection);
  const [file = '', ...rest] = text.split('\n');
  const name = path.basename(file).replaceAll('.', '\\.');
  // What wraps the kernel may name the file too; the kernel itself was started last.
  const kernel = processesWith(new RegExp(name)).sort((a, b) => b.pid - a.pid)[0]?.pid;
  if (kernel === undefined) throw new Error(`No process runs with ${file}.`);
  const holder = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${String(kernel)}/status`, 'utf8'))?.[1]);
  if (!(holder > 1)) throw new Error('The kernel has lost the process that started it.');
  return { kernel, holder, connectionFile: rest.join('\n') };
}
