import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, failureAdvice, failureKind } from './failure.mjs';
import { projectEnvironment, projectNode, root, stampDirectory } from './paths.mjs';
import { nothingDone } from './progress.mjs';
import { run } from './run.mjs';
import { hashInputs, isStamped, writeStamp } from './stamps.mjs';

const shared = ['contract', 'package-lock.json', 'tsconfig.json'];

/** What is built before the server can run, each from its inputs alone. */
export const builds = /** @type {const} */ ({
  agent: {
    words: { doing: 'Building the agent', done: 'Built the agent' },
    command: ['agent/build.mjs'],
    folder: '.',
    entry: 'agent/build.mjs',
    inputs: ['agent', ...shared],
    output: 'agent/dist',
  },
  lab: {
    words: { doing: 'Building JupyterLab', done: 'Built JupyterLab' },
    command: ['lab/build.mjs'],
    folder: '.',
    entry: 'lab/build.mjs',
    inputs: ['lab', ...shared],
    output: 'lab/dist/index.html',
  },
  web: {
    words: { doing: 'Building the web app', done: 'Built the web app' },
    command: [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
    folder: 'web',
    entry: 'web/vite.config.ts',
    inputs: ['web', ...shared],
    output: 'web/dist/index.html',
  },
});

/**
 * @param {keyof typeof builds} name
 * @param {AbortSignal} signal
 */
export async function build(name, signal) {
  const { words, command, folder, entry, inputs, output } = builds[name];
  if (!existsSync(join(root, entry))) return nothingDone;
  const hash = hashInputs(inputs);
  const stampFile = join(stampDirectory, `built-${name}`);
  if (isStamped(stampFile, hash, [join(root, output)])) return nothingDone;
  const {
    code,
    output: text,
    logFile,
  } = await run(`build-${name}`, projectNode, command, {
    cwd: join(root, folder),
    env: projectEnvironment(),
    signal,
  });
  if (code !== 0 || !existsSync(join(root, output))) {
    const kind = failureKind(text);
    const advice =
      kind === 'disk-full' || kind === 'no-permission'
        ? failureAdvice(kind, { source: '', folder: join(root, folder) })
        : code === 137
          ? 'it was killed, most likely because the memory ran out. Free some memory, then run it again.'
          : 'the reason is at the end of the log.';
    throw new PrepareError(`${words.doing} failed: ${advice}`, { logFile });
  }
  writeStamp(stampFile, hash);
  return undefined;
}
