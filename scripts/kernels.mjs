// `npm run kernels`: looks for kernels again, and tries again what could not be installed before.
import { reportFailure } from './failure-report.mjs';
import { listenForInterrupt } from './interrupt.mjs';
import { prepareKernels } from './kernels/prepare.mjs';
import { readManifest } from './kernels/manifest.mjs';
import { acquirePrepareLock } from './prepare-lock.mjs';
import { createProgress } from './progress.mjs';

const progress = createProgress();
const interrupt = listenForInterrupt();
try {
  const release = await acquirePrepareLock({
    signal: interrupt.signal,
    onWait: (pid) => progress.note(`Waiting for another preparation of this folder (process ${String(pid)}) to end.`),
  });
  try {
    await prepareKernels(progress, interrupt.signal, { again: !process.argv.includes('--if-needed') });
  } finally {
    release();
  }
  for (const kernel of readManifest()?.kernels ?? [])
    progress.line(`  ${kernel.displayName} (${kernel.language} ${kernel.version})`);
  progress.end();
} catch (error) {
  process.exitCode = reportFailure(progress, error);
} finally {
  interrupt.stopListening();
}
