import { randomUUID } from 'node:crypto';
import { readFileSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { Run } from '../measure/benchmark.ts';
import { freePort, startProcess } from '../measure/processes.ts';
import { kernelspecDirectories } from '../subject/terrarium.ts';
import { connect } from './raw-kernel.ts';

const Kernelspec = z.object({ argv: z.array(z.string()).min(1), env: z.record(z.string(), z.string()).default({}) });

/** Starts a Python kernel with nothing around it. @returns ms until it has run its first cell */
export async function timeBareStart(run: Run): Promise<number> {
  const file = kernelspecDirectories()
    .split(path.delimiter)
    .map((directory) => path.join(directory, 'kernels/python3/kernel.json'))
    .find((one) => existsSync(one));
  if (file === undefined) throw new Error('There is no kernelspec python3.');
  const { argv, env } = Kernelspec.parse(JSON.parse(readFileSync(file, 'utf8')));
  const id = randomUUID();
  const connectionFile = path.join(run.directory, `kernel-${id}.json`);
  const ports = { shell_port: 0, iopub_port: 0, stdin_port: 0, control_port: 0, hb_port: 0 };
  for (const name of Object.keys(ports)) Object.assign(ports, { [name]: await freePort() });
  const facts = { ip: '127.0.0.1', transport: 'tcp' as const, key: id, signature_scheme: 'hmac-sha256', ...ports };
  await writeFile(connectionFile, JSON.stringify(facts), { mode: 0o600 });
  const [command = '', ...args] = argv.map((text) => text.replace('{connection_file}', connectionFile));
  const startedAt = performance.now();
  const kernel = await startProcess(run, { name: `kernel-${id}`, command, args, env });
  const connection = await connect(facts, { everyMs: 20, limitMs: 60_000 });
  const { resultAt } = await connection.execute('6 * 7');
  connection.close();
  await kernel.stop();
  return resultAt - startedAt;
}
