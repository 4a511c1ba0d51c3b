import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Dealer } from 'zeromq';
import * as z from 'zod';
import {
  composeMessage,
  decodeWire,
  encodeWire,
  headerFacts,
  jsonObject,
  newHeader,
} from '../../agent/kernels/wire.ts';
import type { Run } from '../measure/benchmark.ts';

const Kernelspec = z.object({ argv: z.array(z.string()) });
const Reply = z.object({
  user_expressions: z.object({ result: z.object({ data: z.object({ 'text/plain': z.string() }) }) }),
});

/**
 * Starts the Python kernel's program with nothing around it, sends the first request before it listens, and ends it.
 * @returns milliseconds until it answers, which is the least that a new kernel can take here
 */
export async function bareKernelStart(run: Run, kernelspecDirectories: string): Promise<number> {
  const file = kernelspecDirectories
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'kernels/python3/kernel.json'))
    .find(existsSync);
  if (file === undefined) throw new Error('There is no kernelspec python3.');
  const { argv } = Kernelspec.parse(JSON.parse(readFileSync(file, 'utf8')));
  const home = path.join(run.directory, 'home');
  await mkdir(home, { recursive: true });
  const prefix = path.join(await mkdtemp(path.join(run.directory, 'k-')), 's');
  const key = randomBytes(32).toString('hex');
  const connectionFile = `${prefix}.json`;
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
  const facts = { ...ports, ip: prefix, transport: 'ipc', key, signature_scheme: 'hmac-sha256' };
  await writeFile(connectionFile, JSON.stringify(facts), { mode: 0o600 });
  const shell = new Dealer({ linger: 0, reconnectInterval: 5 });
  shell.connect(`ipc://${prefix}-1`);
  const [program = '', ...args] = argv.map((text) => text.replaceAll('{connection_file}', connectionFile));

  const startedAt = performance.now();
  const child = spawn(program, args, { cwd: home, env: { ...process.env, ...run.mark, HOME: home }, stdio: 'ignore' });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject).once('exit', () => {
      reject(new Error('The kernel ended before it answered.'));
    });
  });
  ended.catch(() => undefined);
  try {
    const content = { code: '', silent: false, user_expressions: { result: '6 * 7' } };
    await shell.send(encodeWire(key, composeMessage({ header: newHeader('execute_request', 'bench'), content })));
    for (;;) {
      const message = decodeWire(key, await Promise.race([shell.receive(), ended]));
      if (message === null || headerFacts(message.header).msgType !== 'execute_reply') continue;
      const took = performance.now() - startedAt;
      const answer = Reply.parse(jsonObject(message.content)).user_expressions.result.data['text/plain'];
      if (answer !== '42') throw new Error(`The kernel said "${answer}" instead of 42.`);
      return took;
    }
  } finally {
    child.kill('SIGKILL');
    shell.close();
  }
}
