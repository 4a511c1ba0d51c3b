import { existsSync } from 'node:fs';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Kernels, logs and the record of what is done; survives `npm ci`, which empties node_modules. */
export const kernelsDirectory = join(root, '.kernels');
export const logDirectory = join(kernelsDirectory, 'logs');
export const stampDirectory = join(root, 'node_modules/.cache/terrarium');
/** The Node that npm brought: everything but the first lines of npm start runs on it. */
export const projectNode = join(root, 'node_modules/.bin/node');

/** How the server's Node is run. By default Node keeps ready three times 16 MB for what is soon dropped, and some more when it
 * was busy: half of its memory when it looks after thousands of environments, and it answers no sooner for that. */
export const serverFlags = ['--max-semi-space-size=4'];

/** The Node that this machine had before: npm itself has to run on it, since npm ci replaces the project's own. */
export const machineNode =
  [process.execPath, process.env['npm_node_execpath']].find(
    (path) => path !== undefined && !path.startsWith(root + sep) && existsSync(path),
  ) ?? 'node';

/**
 * The PATH without this checkout's node_modules/.bin, which npm puts in front.
 * @returns {string}
 */
export function machinePath() {
  const own = root + sep;
  const entries = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !(resolve(entry) + sep).startsWith(own));
  return (machineNode === 'node' ? entries : [...entries, dirname(machineNode)]).join(delimiter);
}

/** @returns {NodeJS.ProcessEnv} an environment in which `node` is the project's own */
export function projectEnvironment() {
  return { ...process.env, PATH: [join(root, 'node_modules/.bin'), machinePath()].join(delimiter) };
}
