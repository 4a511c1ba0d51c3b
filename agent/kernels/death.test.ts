import { expect, test } from 'vitest';
import { describeDeath } from './death.ts';

const gibibyte = 1024 ** 3;
const died = { name: 'python3', cell: 'c1', at: 5, memoryKill: null };

test.each([
  [{ code: 0, signal: null }, 'Kernel python3 ended by itself.'],
  [{ code: 3, signal: null }, 'Kernel python3 ended with exit code 3.'],
  [{ code: null, signal: 'SIGSEGV' as const }, 'Kernel python3 crashed (SIGSEGV).'],
  [{ code: null, signal: 'SIGKILL' as const }, 'Kernel python3 was killed from outside (SIGKILL).'],
])('%j is told', (exit, reason) => {
  expect(describeDeath({ ...died, exit })).toEqual({
    reason,
    isOutOfMemory: false,
    peakBytes: null,
    memoryLimitBytes: null,
    suggestedGiB: null,
    cell: 'c1',
    at: 5,
  });
});

test('where nobody counts such kills, memory is the likely reason', () => {
  const { reason } = describeDeath({ ...died, exit: { code: null, signal: 'SIGKILL' }, memoryKill: 'unknown' });
  expect(reason).toBe('Kernel python3 was killed from outside (SIGKILL), most likely because memory ran out.');
});

test.each([
  [3.93, 4, 8, "it reached 3.9 GiB of the environment's 4 GiB. Restart it with 8 GiB, or use less memory."],
  [0.38, 0.4, 1, "it reached 0.4 GiB of the environment's 0.4 GiB. Restart it with 1 GiB, or use less memory."],
  [3.2, 3.75, 8, "it reached 3.2 GiB of the environment's 3.8 GiB. Restart it with 8 GiB, or use less memory."],
  [null, 4, 8, 'the environment has 4 GiB. Restart it with 8 GiB, or use less memory.'],
  [2, null, null, 'the machine has no more to give. Use less memory, or end what else runs.'],
])('killed at %s of %s GiB, %s GiB is suggested', (peak, limit, suggestedGiB, ending) => {
  const inBytes = (size: number | null): number | null => (size === null ? null : Math.round(size * gibibyte));
  const memoryKill = { peakBytes: inBytes(peak), memoryLimitBytes: inBytes(limit) };
  const death = describeDeath({ ...died, exit: { code: null, signal: 'SIGKILL' }, memoryKill });
  expect(death).toMatchObject({ isOutOfMemory: true, suggestedGiB, ...memoryKill });
  expect(death.reason).toMatch(/^Kernel python3 ran out of memory and was killed/);
  expect(death.reason.endsWith(ending)).toBe(true);
});
