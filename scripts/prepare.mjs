import { PrepareError, fileFailure } from './failure.mjs';
import { build, builds } from './builds.mjs';
import { prepareKernels } from './kernels/prepare.mjs';
import { installNodeLibraries } from './node-libraries.mjs';
import { installPackages } from './packages.mjs';
import { kernelsDirectory, root } from './paths.mjs';
import { acquirePrepareLock } from './prepare-lock.mjs';

/**
 * Everything that a checkout needs before the server or the tests can run. What is done is not done again; what was
 * interrupted goes on.
 * @param {import('./progress.mjs').Progress} progress
 * @param {AbortSignal} signal  ends the work; programs that may be ended are
 * @throws {PrepareError}
 */
export async function prepare(progress, signal) {
  const stop = new AbortController();
  const both = AbortSignal.any === undefined ? anyOf(signal, stop) : AbortSignal.any([signal, stop.signal]);
  /** @type {() => void} */
  let release = () => undefined;
  try {
    release = await acquirePrepareLock({
      signal,
      onWait: (pid) => progress.note(`Waiting for another preparation of this folder (process ${String(pid)}) to end.`),
    });
  } catch (error) {
    // A checkout that is ready and read-only can still be run; a step that has to write says so itself.
    if (fileFailure(error, kernelsDirectory) === undefined) throw error;
  }
  try {
    const packages = progress
      .step({ doing: 'Installing libatomic', done: "Installed libatomic from Debian's packages" }, () =>
        installNodeLibraries(both),
      )
      .then(() =>
        progress.step({ doing: 'Installing npm packages', done: 'Installed npm packages' }, () =>
          installPackages('.', both),
        ),
      );
    const labPackages = progress.step(
      { doing: "Installing JupyterLab's packages", done: "Installed JupyterLab's packages" },
      () => installPackages('lab', both),
    );
    const after = async (/** @type {keyof typeof builds} */ name, /** @type {Promise<unknown>[]} */ needs) => {
      await Promise.all(needs);
      return progress.step(builds[name].words, () => build(name, both));
    };
    await firstFailureEnds(stop, [
      packages,
      labPackages,
      after('agent', [packages]),
      after('web', [packages]),
      after('lab', [packages, labPackages]),
      prepareKernels(progress, both),
    ]);
  } catch (error) {
    throw error instanceof PrepareError ? error : (fileFailure(error, root) ?? error);
  } finally {
    release();
  }
}

/**
 * Waits for all; the first failure ends the others and is thrown once they have ended.
 * @param {AbortController} stop
 * @param {readonly Promise<unknown>[]} work
 */
async function firstFailureEnds(stop, work) {
  /** @type {unknown} */
  let first;
  await Promise.all(
    work.map((part) =>
      part.catch((/** @type {unknown} */ error) => {
        first ??= error;
        stop.abort();
      }),
    ),
  );
  if (first !== undefined) throw first;
}

/**
 * AbortSignal.any for Node 18.
 * @param {AbortSignal} signal
 * @param {AbortController} stop
 */
function anyOf(signal, stop) {
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  return stop.signal;
}
