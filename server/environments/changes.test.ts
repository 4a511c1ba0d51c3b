import { describe, expect, test } from 'vitest';
import type { EnvironmentUpdate } from '@terrarium/contract';
import { changesOf, effectOf, type ChangeFacts } from './changes.ts';
import { specOf } from './spec.ts';

const shape = { cpus: 1, memoryGiB: 4, bootDiskGiB: 50, autopauseMinutes: 30, sleepMinutes: 10 };
const running: ChangeFacts = {
  status: 'Running',
  name: 'main',
  spec: specOf({}, 'machine', shape),
  disk: { name: 'data', sizeGiB: 50 },
  memoryUsedGiB: 1.5,
  canLimitLive: true,
  growsOnline: true,
};
const paused: ChangeFacts = { ...running, status: 'Stopped', memoryUsedGiB: null };
const rigid: ChangeFacts = { ...running, canLimitLive: false, growsOnline: false };

describe('what a change does', () => {
  test.each<[string, EnvironmentUpdate, ChangeFacts, string]>([
    ['a name', { name: 'other' }, running, 'nothing'],
    ['another image', { image: 'r' }, running, 'rebuild'],
    ['another image while paused', { image: 'r' }, paused, 'rebuild'],
    ['CPUs where limits change live', { cpus: 2 }, running, 'nothing'],
    ['CPUs where they do not', { cpus: 2 }, rigid, 'restart'],
    ['CPUs while paused', { cpus: 2 }, { ...rigid, status: 'Stopped' }, 'nothing'],
    ['CPUs while asleep', { cpus: 2 }, { ...rigid, status: 'Asleep' }, 'restart'],
    ['more memory', { memoryGiB: 8 }, running, 'nothing'],
    ['less memory than is used', { memoryGiB: 1 }, running, 'restart'],
    ['less memory than before and more than is used', { memoryGiB: 2 }, running, 'nothing'],
    ['a GPU', { gpus: 1 }, running, 'restart'],
    ['a larger boot disk', { bootDiskGiB: 60 }, running, 'rebuild'],
    ['a larger disk', { diskGiB: 60 }, running, 'nothing'],
    ['a larger disk where it does not grow in use', { diskGiB: 60 }, rigid, 'restart'],
    ['another disk', { diskName: 'other' }, running, 'restart'],
    ['another disk while paused', { diskName: 'other' }, paused, 'nothing'],
    ['a startup script', { startupScript: 'echo hello' }, running, 'nothing'],
    ['when the script runs', { startupScriptRuns: 'once' }, running, 'nothing'],
    ['variables', { environmentVariables: { A: '1' } }, running, 'nothing'],
    ['labels', { labels: { study: 'one' } }, running, 'nothing'],
    ['autopause', { autopauseMinutes: 0 }, running, 'nothing'],
    ['sleep', { sleepMinutes: 5 }, running, 'nothing'],
  ])('%s', (_, request, facts, effect) => {
    const changes = changesOf(request, facts);
    expect(changes).toHaveLength(1);
    expect(changes[0]?.sentence).toMatch(/^[A-Z].*\.$/);
    expect(effectOf(changes)).toBe(effect);
  });

  test('what is as it was is no change', () => {
    const same = {
      name: 'main',
      image: 'machine',
      cpus: 1,
      memoryGiB: 4,
      diskGiB: 50,
      diskName: 'data',
      startupScript: '',
    };
    expect(changesOf({ ...same, environmentVariables: {}, autopauseMinutes: 30 }, running)).toEqual([]);
    expect(effectOf([])).toBe('nothing');
  });

  test('several changes have the strongest effect of them', () => {
    expect(effectOf(changesOf({ autopauseMinutes: 5, cpus: 2, image: 'r' }, rigid))).toBe('rebuild');
    expect(effectOf(changesOf({ autopauseMinutes: 5, cpus: 2 }, rigid))).toBe('restart');
  });

  test('a restart says what is lost, a rebuild what is kept as well', () => {
    expect(changesOf({ cpus: 2 }, rigid)[0]?.sentence).toContain('Kernels and their variables are lost');
    expect(changesOf({ image: 'r' }, running)[0]?.sentence).toContain('The disk is kept');
    expect(changesOf({ memoryGiB: 1 }, running)[0]?.sentence).toContain('1.5 GiB');
  });
});
