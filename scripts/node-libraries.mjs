import { PrepareError } from './failure.mjs';
import { canInstallDebianPackages, installDebianPackages } from './kernels/debian.mjs';
import { nothingDone } from './progress.mjs';
import { ask } from './run.mjs';

/**
 * Brings what the project's Node is linked with and a minimal Linux lacks. Before the npm packages, because the install
 * scripts of some run on that Node.
 * @param {AbortSignal} signal
 */
export async function installNodeLibraries(signal) {
  if (process.platform !== 'linux') return nothingDone;
  const libraries = (await ask('/sbin/ldconfig', ['-p'])) ?? (await ask('ldconfig', ['-p'])) ?? '';
  // An empty list means that the question could not be asked; what is missing shows itself then.
  if (libraries === '' || libraries.includes('libatomic.so.1')) return nothingDone;
  const remedy =
    'Have root install it (on Debian: apt-get install libatomic1; on Fedora: dnf install libatomic), then run npm start again.';
  if (!canInstallDebianPackages())
    throw new PrepareError(`Terrarium's Node.js needs the library libatomic, which this machine lacks. ${remedy}`);
  try {
    return await installDebianPackages('apt-node', ['libatomic1'], signal);
  } catch (error) {
    if (!(error instanceof PrepareError) || error.isInterruption) throw error;
    throw new PrepareError(
      `The library libatomic, which Terrarium's Node.js needs, could not be installed, because ${error.message}. Once that is solved, run npm start again.`,
      { cause: error, ...(error.logFile === undefined ? {} : { logFile: error.logFile }) },
    );
  }
}
