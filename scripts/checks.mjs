import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectEnvironment, projectNode, root } from './paths.mjs';
import { run } from './run.mjs';

const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);

/** What is checked without running the project; each counts as one in the sum of npm test. */
export const checks = [
  { name: 'format', command: bin('prettier'), args: ['--check', '--log-level', 'warn', '.'], remedy: 'npm run format' },
  {
    name: 'lint',
    command: bin('oxlint'),
    args: ['--type-aware', '--deny-warnings'],
    remedy: 'npx oxlint --type-aware --fix',
  },
  { name: 'types: server, agent, contract', command: bin('tsc'), args: ['-p', 'tsconfig.json'] },
  { name: 'types: scripts', command: bin('tsc'), args: ['-p', 'scripts/tsconfig.json'] },
  { name: 'types: web', command: bin('tsc'), args: ['-p', 'web/tsconfig.json'] },
  { name: 'types: lab', command: bin('tsc'), args: ['-p', 'lab/tsconfig.json'] },
  { name: 'unused code', command: bin('knip'), args: ['--no-progress', '--no-config-hints'] },
].filter(({ args }) => args[0] !== '-p' || existsSync(join(root, args[1] ?? '')));

/**
 * Runs the checks two at a time.
 * @param {import('./progress.mjs').Progress} progress
 * @param {AbortSignal} signal
 * @returns {Promise<{ name: string, isPassed: boolean }[]>}
 */
export async function runChecks(progress, signal) {
  const waiting = [...checks];
  /** @type {{ name: string, isPassed: boolean }[]} */
  const results = [];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const { name, command, args, remedy } = check;
      const startedAt = performance.now();
      const result = await run(`check-${name.replace(/\W+/g, '-')}`, projectNode, [command, ...args], {
        signal,
        env: projectEnvironment(),
        timeoutMs: 10 * 60_000,
      });
      const isPassed = result.code === 0;
      progress.line(
        `${isPassed ? '✓' : '✗'} ${name.padEnd(52)} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`,
      );
      if (!isPassed)
        progress.line(
          `${result.output.trim()}${remedy === undefined ? '' : `\n(to mend what can be mended by itself: ${remedy})`}\n`,
        );
      results.push({ name, isPassed });
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}
