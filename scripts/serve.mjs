import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { PrepareError } from './failure.mjs';
import { reportFailure } from './failure-report.mjs';
import { listenForInterrupt } from './interrupt.mjs';
import { projectEnvironment, projectNode, root, serverFlags } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { createProgress } from './progress.mjs';

/** @returns {Promise<number>} the exit code */
export async function start() {
  const progress = createProgress();
  const interrupt = listenForInterrupt();
  try {
    // Asked first: nobody should wait for an installation to hear that the port is taken.
    const problem = await portProblem();
    if (problem !== undefined) throw new PrepareError(problem);
    await prepare(progress, interrupt.signal);
  } catch (error) {
    return reportFailure(progress, error);
  } finally {
    progress.end();
    interrupt.stopListening();
  }
  return serve();
}

/** Runs the server until it ends; signals that reach us alone are passed on to it. */
function serve() {
  const main = [...serverFlags, join(root, 'server/main.ts')];
  const server = spawn(projectNode, [...main, ...process.argv.slice(2)], {
    cwd: root,
    // TypeScript is stripped and compiled once, not at every start: faster, and 20 MB less memory.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/terrarium/compiled'), ...projectEnvironment() },
    stdio: 'inherit',
  });
  /** @type {NodeJS.Signals[]} */
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const isTerminal = process.stdin.isTTY;
  let lastForwardedAt = -Infinity;
  for (const name of names) {
    process.on(name, () => {
      // A terminal sends Ctrl-C and its hang-up to the server too; npm passes on what it got, so one comes twice.
      if (isTerminal && name !== 'SIGTERM') return;
      if (performance.now() - lastForwardedAt < 500) return;
      lastForwardedAt = performance.now();
      server.kill(name);
    });
  }
  return new Promise((done) => {
    server.once('error', (error) => {
      console.error(`The server could not be started: ${error.message}`);
      done(1);
    });
    server.once('exit', (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** @returns {Promise<string | undefined>} why the server cannot listen, as a sentence */
function portProblem() {
  const port = Number(process.env['TERRARIUM_PORT'] ?? 4280);
  // The server itself explains a value that is no port.
  if (!Number.isInteger(port) || port <= 0 || port > 65_535) return Promise.resolve(undefined);
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      if (code === 'EADDRINUSE') done(runningHere(port) ?? takenBy(port));
      else if (code === 'EACCES')
        done(
          `Port ${String(port)} needs the rights of an administrator. Choose one above 1023: TERRARIUM_PORT=4281 npm start`,
        );
      else done(undefined);
    });
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => done(undefined)));
  });
}

/** @param {number} port */
function takenBy(port) {
  return `Port ${String(port)} is taken by another program. End that program, or choose another port: TERRARIUM_PORT=${String(port === 65_535 ? port - 1 : port + 1)} npm start`;
}

/**
 * Whether it is this installation's own server that listens there.
 * @param {number} port
 */
function runningHere(port) {
  try {
    const file = join(resolve(root, process.env['TERRARIUM_DATA'] ?? 'data'), 'server.json');
    /** @type {{ url: string, pid: number }} */
    const { url, pid } = JSON.parse(readFileSync(file, 'utf8'));
    process.kill(pid, 0);
    if (new URL(url).port !== String(port)) return undefined;
    return `Terrarium is running already at ${url} (process ${String(pid)}). Open that address, or end it with Ctrl-C where it was started.`;
  } catch {
    return undefined;
  }
}
