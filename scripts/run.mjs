import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError } from './failure.mjs';
import { logDirectory, root } from './paths.mjs';
import { forgetChild, rememberChild } from './prepare-lock.mjs';

/**
 * Runs a program with its output in a log file of its own. Its output goes to the file and not through us, so that it
 * comes to no harm when we are killed.
 * @param {string} logName
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ signal: AbortSignal, cwd?: string, env?: NodeJS.ProcessEnv, append?: boolean, uninterruptible?: boolean, timeoutMs?: number }} options
 *   uninterruptible: Ctrl-C leaves it running; for a package manager whose interruption would break the machine's database
 * @returns {Promise<{ code: number | 'no such program', output: string, logFile: string }>}
 */
export async function run(logName, command, args, options) {
  throwIfInterrupted(options.signal);
  mkdirSync(logDirectory, { recursive: true });
  const logFile = join(logDirectory, `${logName}.log`);
  const log = openSync(logFile, options.append === true ? 'a' : 'w');
  const started = Date.now();
  const code = await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...(options.env ?? process.env), PREPARING_TERRARIUM: root },
      stdio: ['ignore', log, log],
      // A group of its own: Ctrl-C reaches us alone, and we end the whole group.
      detached: true,
    });
    closeSync(log);
    if (child.pid !== undefined && options.uninterruptible !== true) rememberChild(child.pid);
    let isTimedOut = false;
    const timeout = setTimeout(
      () => {
        isTimedOut = true;
        endGroup(child);
      },
      options.timeoutMs ?? 20 * 60_000,
    );
    const interrupt = () => {
      if (options.uninterruptible === true) {
        child.unref();
        reject(interruption());
      } else endGroup(child);
    };
    options.signal.addEventListener('abort', interrupt, { once: true });
    const finish = () => {
      clearTimeout(timeout);
      options.signal.removeEventListener('abort', interrupt);
      if (child.pid !== undefined) forgetChild(child.pid);
    };
    child.once('error', (error) => {
      finish();
      if ('code' in error && error.code === 'ENOENT') resolve('no such program');
      else reject(error);
    });
    child.once('close', (exitCode, signalName) => {
      finish();
      if (options.signal.aborted) reject(interruption());
      else if (isTimedOut)
        reject(
          new PrepareError(
            `"${command} ${args[0] ?? ''}" was stopped because it did not end within ${String(Math.round((Date.now() - started) / 60_000))} minutes. Check the network, then run it again.`,
            { logFile },
          ),
        );
      else resolve(exitCode ?? (signalName === 'SIGKILL' ? 137 : 1));
    });
  });
  return { code, output: readFileSync(logFile, 'utf8').slice(-256 * 1024), logFile };
}

/**
 * A short question to a program: what it printed, or undefined when it failed or does not exist.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<string | undefined>}
 */
export function ask(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // Not spawn's own timeout, whose timer outlives a program that is not there.
    const timeout = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    child.once('error', () => {
      clearTimeout(timeout);
      resolve(undefined);
    });
    child.once('close', (code) => {
      clearTimeout(timeout);
      resolve(code === 0 ? output : undefined);
    });
  });
}

/** @param {AbortSignal} signal */
export function throwIfInterrupted(signal) {
  if (signal.aborted) throw interruption();
}

function interruption() {
  return new PrepareError('Stopped. Run it again to go on where it was.', { isInterruption: true });
}

/** @param {import('node:child_process').ChildProcess} child */
function endGroup(child) {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), 3000);
  child.once('close', () => {
    clearTimeout(kill);
    signalGroup(pid, 'SIGKILL');
  });
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signalGroup(pid, name) {
  try {
    process.kill(-pid, name);
  } catch {
    // Ended already.
  }
}
