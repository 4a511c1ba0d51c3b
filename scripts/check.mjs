// `npm run check`: formatting, lint and types, without running the tests.
import { runChecks } from './checks.mjs';
import { reportFailure } from './failure-report.mjs';
import { listenForInterrupt } from './interrupt.mjs';
import { createProgress } from './progress.mjs';

const progress = createProgress();
const interrupt = listenForInterrupt();
try {
  const results = await runChecks(progress, interrupt.signal);
  process.exitCode = results.every(({ isPassed }) => isPassed) ? 0 : 1;
} catch (error) {
  process.exitCode = reportFailure(progress, error);
} finally {
  progress.end();
  interrupt.stopListening();
}
