import { chromium, type Browser } from 'playwright-core';
import type { Run } from '../measure/benchmark.ts';

/** Debian's Chromium, ended with the run. */
export async function startChromium(run: Run): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    env: { ...process.env, ...run.mark },
  });
  run.defer(() => browser.close());
  return browser;
}
