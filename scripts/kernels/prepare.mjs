import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, fileFailure } from '../failure.mjs';
import { kernelsDirectory, root } from '../paths.mjs';
import { nothingDone } from '../progress.mjs';
import { hashInputs, writeStamp } from '../stamps.mjs';
import { canInstallDebianPackages, installDebianPackages } from './debian.mjs';
import { findOtherKernels, readManifest, writeManifest } from './manifest.mjs';
import { isProgram, programFacts, programsNamed } from './programs.mjs';
import { findOrInstallPython } from './python.mjs';
import { debianRPackages, findR, rLibraryFacts } from './r.mjs';

const stampFile = join(kernelsDirectory, 'stamp');
const debianBasePackages = ['python3', 'python3-venv', 'bubblewrap'];

/**
 * Kernels on the machine itself, and the manifest that says what there is. What cannot be had is said in a note and does
 * not stop the rest.
 * @param {import('../progress.mjs').Progress} progress
 * @param {AbortSignal} signal
 * @param {{ again?: boolean }} [options]  again: try also what could not be had the last time
 */
export async function prepareKernels(progress, signal, options = {}) {
  if (options.again !== true && isPrepared()) return;
  /** @type {string[]} */
  const notes = [];
  const note = (/** @type {string} */ sentence) => {
    notes.push(sentence);
    progress.note(sentence);
  };
  const isDebianRoot = canInstallDebianPackages();
  if (isDebianRoot) {
    const words = {
      doing: 'Installing Python and bubblewrap',
      done: "Installed Python and bubblewrap from Debian's packages",
    };
    await attempt(progress, words, () => installDebianPackages('apt-base', debianBasePackages, signal));
  }

  const [python, r] = await Promise.all([
    progress.step({ doing: 'Preparing the Python kernel', done: 'Prepared the Python kernel' }, async () => {
      try {
        return (await findOrInstallPython(signal, note)) ?? nothingDone;
      } catch (error) {
        if (!(error instanceof PrepareError) || error.isInterruption) throw error;
        note(`There is no Python kernel, because ${error.message}. Once that is solved, run npm run kernels.`);
        return nothingDone;
      }
    }),
    (async () => {
      const words = { doing: 'Installing R', done: "Installed R from Debian's packages" };
      const failure = isDebianRoot
        ? await attempt(progress, words, () => installDebianPackages('apt-r', debianRPackages, signal))
        : undefined;
      return findR(note, failure);
    })(),
  ]);
  if (programsNamed('bwrap').length === 0 && process.platform === 'linux')
    progress.note(
      'bubblewrap is not installed, so environments are not shut off from one another. To add it on Debian, have root run: apt-get install bubblewrap',
    );
  const own = [python, r].filter((kernel) => typeof kernel === 'object');
  try {
    writeManifest([...own, ...findOtherKernels(own.map((kernel) => kernel.name))], notes);
    if (own.length > 0) writeStamp(stampFile, preparedHash());
  } catch (error) {
    throw fileFailure(error, kernelsDirectory) ?? error;
  }
}

/**
 * @param {import('../progress.mjs').Progress} progress
 * @param {{ doing: string, done: string }} words
 * @param {() => Promise<unknown>} work
 * @returns {Promise<PrepareError | undefined>} why it failed
 */
async function attempt(progress, words, work) {
  try {
    await progress.step(words, work);
    return undefined;
  } catch (error) {
    if (error instanceof PrepareError && !error.isInterruption) return error;
    throw error;
  }
}

/** Whether the last preparation still holds: nothing that it depends on changed, and what it made is there. */
function isPrepared() {
  try {
    if (readFileSync(stampFile, 'utf8') !== preparedHash()) return false;
    const manifest = readManifest();
    return (
      manifest !== undefined &&
      manifest.kernels.every(({ name }) => {
        const [folder = ''] = manifest.kernelspecDirectories;
        const spec = JSON.parse(readFileSync(join(folder, 'kernels', name, 'kernel.json'), 'utf8'));
        return isProgram(spec.argv[0]);
      })
    );
  } catch {
    return false;
  }
}

function preparedHash() {
  // The folder counts because kernelspecs hold absolute paths.
  const facts = [
    root,
    String(process.getuid?.()),
    ...programFacts(['python3', 'Rscript', 'bwrap']),
    ...rLibraryFacts(),
  ];
  return hashInputs(['scripts/kernels'], facts);
}
