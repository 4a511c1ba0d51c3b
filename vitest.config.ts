import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{contract,server,agent,web,lab,scripts}/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', '**/dist/**', 'web/e2e/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two workers on a two-core machine; more only makes real kernels slower.
    maxWorkers: 2,
  },
});
