import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['web/e2e/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One browser and one control plane at a time, and each story's steps in order.
    fileParallelism: false,
    // A busy machine can stall a browser past any wait; what needed its second try is marked in the report.
    retry: 1,
  },
});
