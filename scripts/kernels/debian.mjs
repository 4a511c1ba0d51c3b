import { existsSync } from 'node:fs';
import { PrepareError, failureKind } from '../failure.mjs';
import { nothingDone } from '../progress.mjs';
import { ask, run, throwIfInterrupted } from '../run.mjs';

const aptOptions = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=900', '-o', 'Acquire::Retries=2', '-o', 'Dpkg::Use-Pty=0'];
/** @type {Promise<unknown>} */
let lastRun = Promise.resolve();
let isListFresh = false;

/** Whether packages can be installed with apt-get: root on Debian or a relative of it. */
export function canInstallDebianPackages() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && existsSync('/var/lib/dpkg/status');
}

/**
 * @param {readonly string[]} names
 * @returns {Promise<string[]>}
 */
export async function missingDebianPackages(names) {
  const statuses = await Promise.all(names.map((name) => ask('dpkg-query', ['-W', '-f', '${db:Status-Status}', name])));
  return names.filter((_, index) => statuses[index] !== 'installed');
}

/**
 * Installs those of the packages that are missing.
 * @param {string} logName
 * @param {readonly string[]} names
 * @param {AbortSignal} signal
 * @returns {Promise<typeof nothingDone | undefined>}
 * @throws {PrepareError}
 */
export function installDebianPackages(logName, names, signal) {
  // apt-get has one lock for the whole machine.
  const next = lastRun.then(() => install(logName, names, signal));
  lastRun = next.catch(() => undefined);
  return next;
}

/**
 * @param {string} logName
 * @param {readonly string[]} names
 * @param {AbortSignal} signal
 * @returns {Promise<typeof nothingDone | undefined>}
 */
async function install(logName, names, signal) {
  throwIfInterrupted(signal);
  const missing = await missingDebianPackages(names);
  if (missing.length === 0) return nothingDone;
  /** @param {readonly string[]} args */
  const apt = (args) =>
    run(logName, 'apt-get', [...aptOptions, ...args], {
      signal,
      append: true,
      // Ended half way, it would leave the machine's package database to be repaired by hand.
      uninterruptible: true,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', LC_ALL: 'C' },
    });
  const installArgs = ['install', '--no-install-recommends', ...missing];
  let result = await apt(installArgs);
  if (result.code !== 0 && /dpkg was interrupted|dpkg --configure -a/.test(result.output)) {
    await run(logName, 'dpkg', ['--configure', '-a'], { signal, append: true, uninterruptible: true });
    result = await apt(installArgs);
  }
  // The machine's list of packages may be missing, or so old that the files it names are gone.
  if (result.code !== 0 && !isListFresh && failureKind(result.output) !== 'disk-full') {
    const update = await apt(['update']);
    isListFresh = update.code === 0;
    result = await apt(installArgs);
  }
  if (result.code !== 0) {
    const reason = {
      'disk-full': 'the disk is full',
      'no-permission': 'this user may not change the machine',
      'no-network': "Debian's packages cannot be reached",
      'damaged-download': 'a downloaded package is damaged',
      refused: "the server of Debian's packages refused the request",
      other: `apt-get failed (see ${result.logFile})`,
    }[
      /Unable to locate package|has no installation candidate/.test(result.output)
        ? 'no-network'
        : failureKind(result.output)
    ];
    throw new PrepareError(reason, { logFile: result.logFile });
  }
  return undefined;
}
