import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectEnvironment, projectNode, logDirectory, root } from './paths.mjs';
import { throwIfInterrupted } from './run.mjs';

/**
 * @typedef {object} VitestResult
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} failures  file and name of each
 * @property {string[]} skips     file, name and reason of each
 */

/**
 * Runs one vitest configuration with its output shown as it comes.
 * @param {string} config
 * @param {readonly string[]} filters
 * @param {AbortSignal} signal
 * @returns {Promise<VitestResult>}
 */
export async function runVitest(config, filters, signal) {
  throwIfInterrupted(signal);
  const reportFile = join(logDirectory, `vitest-${config.replace(/\W+/g, '-')}.json`);
  rmSync(reportFile, { force: true });
  const code = await new Promise((resolve) => {
    const child = spawn(
      projectNode,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--config',
        config,
        '--passWithNoTests',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...filters,
      ],
      { cwd: root, env: projectEnvironment(), stdio: ['ignore', 'inherit', 'inherit'] },
    );
    // A terminal's Ctrl-C reaches vitest too; what reaches us alone has to be passed on.
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.once('error', () => resolve(1));
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  throwIfInterrupted(signal);
  return readReport(reportFile, config, code);
}

/**
 * @param {string} reportFile
 * @param {string} config
 * @param {number} code
 * @returns {VitestResult}
 */
function readReport(reportFile, config, code) {
  /** @type {VitestResult} */
  const result = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  /** @type {{ testResults: { name: string, status: string, message?: string, assertionResults: { status: string, fullName: string, meta?: { note?: string }, failureMessages?: string[] }[] }[] }} */
  let report;
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return {
      ...result,
      failed: 1,
      failures: [`vitest ended with code ${String(code)} and wrote no report (${config})`],
    };
  }
  for (const file of report.testResults) {
    const name = relative(root, file.name);
    for (const test of file.assertionResults) {
      if (test.status === 'passed') result.passed += 1;
      else if (test.status === 'failed') {
        result.failed += 1;
        result.failures.push(`${name}: ${test.fullName}`);
      } else {
        result.skipped += 1;
        result.skips.push(`${name}: ${test.fullName}${test.meta?.note === undefined ? '' : `: ${test.meta.note}`}`);
      }
    }
    // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) {
      result.failed += 1;
      result.failures.push(`${name}: ${(file.message ?? '').split('\n')[0] ?? ''}`);
    }
  }
  if (code !== 0 && result.failed === 0) {
    result.failed += 1;
    result.failures.push(`vitest ended with code ${String(code)} (${config})`);
  }
  return result;
}
