import { chromium, type Browser } from 'playwright-core';
import { chromiumOptions } from '../../web/e2e/chromium.ts';
import type { Run } from '../measure/benchmark.ts';

/** Debian's Chromium, ended with the run. */
export async function startChromium(run: Run): Promise<Browser> {
  const browser = await chromium.launch({
    ...chromiumOptions,
    env: { ...process.env, ...run.mark },
  });
  run.defer(() => browser.close());
  return browser;
}
