import { expect, test } from 'vitest';
import type { ExecutionOfCell } from '../documents/live-notebook.ts';
import { describeExecution, describeTiming } from './run-description.ts';

const base = { accountId: 'ada', by: 'Ada', queuedAt: 1_000 } as const;

test.each<[ExecutionOfCell, string, string]>([
  [{ ...base, state: 'queued' }, 'ada', 'queued'],
  [{ ...base, state: 'queued' }, 'ben', 'queued · Ada'],
  [{ ...base, state: 'running', startedAt: 49_000 }, 'ada', '12 s'],
  [{ ...base, state: 'running', startedAt: 62_000 }, 'ada', '0 s'],
  [{ ...base, state: 'running' }, 'ben', '1 min 0 s · Ada'],
  [{ ...base, state: 'running', startedAt: 61_000 - 3_900_000 }, 'ada', '1 h 5 min'],
  [{ ...base, state: 'input', input: { prompt: '', password: false } }, 'ada', 'waiting for your input'],
  [{ ...base, state: 'input', input: { prompt: '', password: false } }, 'ben', 'waiting for input from Ada'],
])('%o, read by %s: %s', (execution, self, text) => {
  expect(describeExecution(execution, self, 61_000)).toBe(text);
});

test.each([
  ['2026-01-01T10:00:00.000Z', '2026-01-01T10:00:00.040Z', '40 ms'],
  ['2026-01-01T10:00:00.000Z', '2026-01-01T10:00:01.260Z', '1.3 s'],
  ['2026-01-01T10:00:00Z', '2026-01-01T10:00:42Z', '42 s'],
  ['2026-01-01T11:00:00+01:00', '2026-01-01T10:02:05Z', '2 min 5 s'],
  ['2026-01-01T10:00:00Z', '2026-01-01T09:00:00Z', undefined],
  ['yesterday', '2026-01-01T09:00:00Z', undefined],
])('from %s to %s it took %s', (started, ended, text) => {
  expect(describeTiming({ 'iopub.execute_input': started, 'shell.execute_reply': ended })).toBe(text);
});

test('a cell that never ran has no duration', () => {
  expect(describeTiming(undefined)).toBeUndefined();
  expect(describeTiming({ 'iopub.execute_input': '2026-01-01T10:00:00Z' })).toBeUndefined();
});
