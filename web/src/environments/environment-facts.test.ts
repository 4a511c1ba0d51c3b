import { type EnvironmentOperation, EnvironmentStatus, mainAction, type TimelineStep } from '@terrarium/contract';
import { describe, expect, test } from 'vitest';
import { operationsOf } from './operations.ts';
import { environmentOf } from './testing-environment.ts';
import { diskLevel, fullness, isHigh, memoryLevel, startupFailure } from './warnings.ts';

const at = '2026-01-01T00:00:00Z';
const step = (id: string, operation: string | null, part: Partial<TimelineStep> = {}): TimelineStep => ({
  operation,
  step: id,
  title: id,
  startedAt: at,
  endedAt: at,
  outcome: 'done',
  log: '',
  ...part,
});
const operation = (id: string): EnvironmentOperation => ({
  id,
  kind: 'start',
  title: id,
  reason: null,
  startedAt: at,
  endedAt: at,
  deadlineAt: null,
  outcome: 'done',
});

test('every status has one main action, and it says why it cannot be taken', () => {
  const words = EnvironmentStatus.options.map((status) => {
    const { word, problem } = mainAction(status);
    return `${status} ${word}${problem === undefined ? '' : ' (not now)'}`;
  });
  expect(words).toEqual([
    'Creating Cancel',
    'Running Pause',
    'Asleep Wake',
    'Updating Cancel',
    'Stopping Start',
    'Stopped Start',
    'Starting Cancel',
    'Deleting Pause (not now)',
    'Deleted Pause (not now)',
    'Error Retry',
  ]);
});

describe('the timeline', () => {
  test('has the newest operation first, each with its own steps in order', () => {
    const groups = operationsOf({
      operations: [operation('create'), operation('stop')],
      timeline: [step('disk', 'create'), step('machine', 'create'), step('end', 'stop')],
    });
    expect(groups.map(({ id, steps }) => [id, steps.map((one) => one.step)])).toEqual([
      ['stop', ['end']],
      ['create', ['disk', 'machine']],
    ]);
  });

  test('keeps steps of forgotten operations, last of all', () => {
    const groups = operationsOf({
      operations: [operation('stop')],
      timeline: [step('old', null), step('older', 'gone', { outcome: 'failed' }), step('end', 'stop')],
    });
    expect(groups.map(({ title, outcome }) => [title, outcome])).toEqual([
      ['stop', 'done'],
      ['Earlier', 'failed'],
    ]);
  });
});

describe('warnings', () => {
  const usage = {
    cpuPercent: 1,
    memoryBytes: 3.6 * 1024 ** 3,
    memoryLimitBytes: null,
    diskUsedBytes: 1024 ** 3,
    diskTotalBytes: null,
    outOfMemory: null,
    measuredAt: at,
  };

  test('are told from 85 % on, with the figures', () => {
    const environment = environmentOf({ usage });
    expect(isHigh(memoryLevel(environment))).toBe(true);
    expect(fullness(memoryLevel(environment))).toBe('90 % full (3.6 GiB of 4 GiB)');
    expect(isHigh(diskLevel(environment))).toBe(false);
    expect(isHigh(memoryLevel(environmentOf()))).toBe(false);
    expect(diskLevel(environmentOf({ disk: null }))).toBeUndefined();
  });

  test('a startup script that failed at the latest start is shown with its last lines', () => {
    const failed = step('run-script', 'a', { outcome: 'failed', log: `${'line\n'.repeat(20)}no such package\n` });
    expect(startupFailure(environmentOf({ timeline: [failed] }))).toMatch(/^(line\n){7}no such package$/);
    expect(startupFailure(environmentOf({ timeline: [failed, step('run-script', 'b')] }))).toBeUndefined();
    expect(startupFailure(environmentOf({ status: 'Stopped', timeline: [failed] }))).toBeUndefined();
  });
});
