/** Runs the benchmarks one after another, all of them or those named: `npm run bench -- memory start`. */
import { spawn } from 'node:child_process';
import path from 'node:path';

/** The first one also prepares a fresh checkout for the others. */
const all = [
  'start',
  'memory',
  'open-documents',
  'keystroke',
  'typing',
  'save',
  'open-notebook',
  'large-notebook',
  'execute-round-trip',
  'cell-round-trip',
  'wake',
  'resume',
  'idle',
  'gateway-throughput',
  'start-to-first-result',
  'start-many',
  'many-environments',
  'create-to-first-result',
];

const given = process.argv.slice(2);
const flags = given.filter((argument) => argument.startsWith('--'));
const named = given.filter((argument) => !argument.startsWith('--'));
const unknown = named.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark "${unknown}"; there are ${all.join(', ')}.\n`);
  process.exit(1);
}

for (const name of named.length === 0 ? all : named) {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  const child = spawn(process.execPath, [file, ...flags], { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches the benchmark by itself, which then cleans up; we wait for it.
  const onSignal = (signal: NodeJS.Signals) => {
    if (!process.stdin.isTTY) child.kill(signal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('exit', (exitCode) => {
      resolve(exitCode ?? 1);
    });
  });
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  if (code === 1) process.exit(1);
  if (code !== 0) process.exitCode = code;
}
