import { PrepareError } from './failure.mjs';

/**
 * @param {import('./progress.mjs').Progress} progress
 * @param {unknown} error
 * @returns {number} the exit code
 */
export function reportFailure(progress, error) {
  progress.end();
  if (!(error instanceof PrepareError)) {
    console.error(error);
    return 1;
  }
  console.error(error.message);
  if (error.logFile !== undefined) console.error(`The details are in ${error.logFile}`);
  return error.isInterruption ? 130 : 1;
}
