// One preparation at a time in one checkout.
// INVARIANTS: the lock file names its holder and every process the holder started that is still running, and is written
// before such a process can be orphaned. Whoever finds the holder dead ends those processes first, so that two npm or pip
// never write into one folder.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, linkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PrepareError } from './failure.mjs';
import { kernelsDirectory, root } from './paths.mjs';

const lockFile = join(kernelsDirectory, 'prepare.lock');
/** @type {Set<number>} */
const children = new Set();
let isHeld = false;

/**
 * @param {{ signal: AbortSignal, onWait: (pid: number) => void }} options
 * @returns {Promise<() => void>} releases the lock
 */
export async function acquirePrepareLock({ signal, onWait }) {
  mkdirSync(kernelsDirectory, { recursive: true });
  let isWaiting = false;
  const deadline = Date.now() + 30 * 60_000;
  while (!tryAcquire()) {
    const holder = readLock();
    if (holder === undefined) continue;
    if (!isOurs(holder.pid)) {
      endOrphans(holder.children);
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!isWaiting) onWait(holder.pid);
    isWaiting = true;
    if (signal.aborted || Date.now() > deadline)
      throw new PrepareError(
        `Another preparation (process ${String(holder.pid)}) holds this folder. Wait for it, or end it.`,
        {
          isInterruption: signal.aborted,
        },
      );
    await wait(250);
  }
  isHeld = true;
  return () => {
    isHeld = false;
    rmSync(lockFile, { force: true });
  };
}

/** @param {number} pid */
export function rememberChild(pid) {
  children.add(pid);
  writeLock();
}

/** @param {number} pid */
export function forgetChild(pid) {
  if (children.delete(pid)) writeLock();
}

function tryAcquire() {
  const own = `${lockFile}.${String(process.pid)}`;
  writeFileSync(own, lockText());
  try {
    linkSync(own, lockFile); // fails when it exists; complete from its first moment
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function writeLock() {
  if (!isHeld) return;
  const own = `${lockFile}.${String(process.pid)}`;
  writeFileSync(own, lockText());
  renameSync(own, lockFile);
}

function lockText() {
  return JSON.stringify({ pid: process.pid, children: [...children] });
}

/** @returns {{ pid: number, children: number[] } | undefined} */
function readLock() {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return { pid: 0, children: [] };
    return undefined;
  }
}

/** Whether that process is a preparation of this checkout, and not a later process with the same number. @param {number} pid */
function isOurs(pid) {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('scripts/');
  } catch {
    return process.platform !== 'linux'; // no /proc to ask
  }
}

/** @param {readonly number[]} pids */
function endOrphans(pids) {
  for (const pid of pids) {
    try {
      // The mark that run() puts into the environment: the number may have gone to another process since.
      if (!readFileSync(`/proc/${String(pid)}/environ`, 'utf8').includes(`PREPARING_TERRARIUM=${root}\0`)) continue;
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone, or not to be told apart from another process: left alone.
    }
  }
}
