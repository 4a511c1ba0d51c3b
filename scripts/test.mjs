// `npm test [-- filter]`: prepares like npm start, then runs every check and every test, and sums them up in one line.
// Any Node >= 18 runs this file; nothing but Node's own modules may be imported from here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError } from './failure.mjs';
import { reportFailure } from './failure-report.mjs';
import { listenForInterrupt } from './interrupt.mjs';
import { canInstallDebianPackages, installDebianPackages } from './kernels/debian.mjs';
import { programsNamed } from './kernels/programs.mjs';
import { readManifest } from './kernels/manifest.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { createProgress } from './progress.mjs';
import { runChecks } from './checks.mjs';
import { runVitest } from './vitest-run.mjs';

const startedAt = performance.now();
const filters = process.argv.slice(2);
const progress = createProgress();
const interrupt = listenForInterrupt();
const sum = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const skips = [];
/** @type {string[]} */
const failures = [];
try {
  await prepare(progress, interrupt.signal);
  const chromiumProblem = await prepareChromium();
  for (const note of readManifest()?.notes ?? []) skips.push(note);

  if (filters.length === 0) {
    for (const { name, isPassed } of await runChecks(progress, interrupt.signal)) {
      sum[isPassed ? 'passed' : 'failed'] += 1;
      if (!isPassed) failures.push(name);
    }
  }
  progress.end();

  add(await runVitest('vitest.config.ts', filters, interrupt.signal));
  const stories = 'web/e2e/vitest.config.ts';
  if (existsSync(join(root, stories))) {
    if (chromiumProblem === undefined) add(await runVitest(stories, filters, interrupt.signal));
    else {
      sum.skipped += 1;
      skips.push(`The browser stories: ${chromiumProblem}`);
    }
  }
} catch (error) {
  reportFailure(progress, error);
  sum.failed += 1;
  if (error instanceof PrepareError && error.isInterruption) process.exitCode = 130;
  else failures.push('preparation');
} finally {
  interrupt.stopListening();
}

if (failures.length > 0) console.log(`\nFAILED:\n${failures.map((name) => `  ${name}`).join('\n')}`);
if (skips.length > 0) console.log(`\nNOT TESTED HERE:\n${skips.map((reason) => `  ${reason}`).join('\n')}`);
console.log(`\nTook ${((performance.now() - startedAt) / 1000).toFixed(0)} s.`);
console.log(`${String(sum.passed)} passed, ${String(sum.failed)} failed, ${String(sum.skipped)} skipped`);
if (sum.failed > 0) process.exitCode ??= 1;

/** @param {import('./vitest-run.mjs').VitestResult} result */
function add(result) {
  sum.passed += result.passed;
  sum.failed += result.failed;
  sum.skipped += result.skipped;
  failures.push(...result.failures);
  // With a filter, what it leaves out is skipped by intent.
  if (filters.length === 0) skips.push(...result.skips);
}

/** @returns {Promise<string | undefined>} why there is no Chromium, as a sentence */
async function prepareChromium() {
  if (programsNamed('chromium').length > 0) return undefined;
  if (!canInstallDebianPackages())
    return 'they need Chromium at /usr/bin/chromium, and only root can install it (on Debian: apt-get install chromium).';
  try {
    await progress.step({ doing: 'Installing Chromium', done: "Installed Chromium from Debian's packages" }, () =>
      installDebianPackages('apt-chromium', ['chromium', 'fonts-dejavu-core'], interrupt.signal),
    );
    return undefined;
  } catch (error) {
    if (error instanceof PrepareError && !error.isInterruption)
      return `Chromium could not be installed, because ${error.message}.`;
    throw error;
  }
}
