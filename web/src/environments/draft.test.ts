import { EnvironmentCreate } from '@terrarium/contract';
import { describe, expect, test } from 'vitest';
import { fieldErrors } from '../ui/form.ts';
import { draftProblems } from './draft-problems.ts';
import { changesOf, draftOf, initialDraft, requestOf } from './draft.ts';
import { diskOf, environmentOf, offer } from './testing-environment.ts';

const around = { offer, detached: [], takenNames: [] };
const fresh = (detached = around.detached as ReturnType<typeof diskOf>[]) =>
  initialDraft({ images: [], detached, offer, takenNames: [] });

describe('a new environment', () => {
  test('the first values of the form can be sent as they are', () => {
    expect(fieldErrors(EnvironmentCreate, requestOf(fresh()))).toEqual({});
    expect(draftProblems(fresh(), around)).toEqual({});
    expect(requestOf(fresh())).toMatchObject({
      name: 'main',
      cpus: 1,
      memoryGiB: 4,
      bootDiskGiB: 50,
      diskGiB: 50,
      autopauseMinutes: 30,
      sleepMinutes: 10,
      startupScript: '',
    });
  });

  test('the disk used last is offered first, unless another is asked for, and its size is not sent', () => {
    const detached = [
      diskOf({ name: 'old', lastAttachedAt: '2026-01-02T00:00:00Z' }),
      diskOf({ name: 'new', lastAttachedAt: '2026-02-02T00:00:00Z' }),
    ];
    const request = requestOf(fresh(detached));
    expect(request.diskName).toBe('new');
    expect(request.diskGiB).toBeUndefined();
    expect(initialDraft({ images: [], detached, offer, takenNames: [], wantedDisk: 'old' }).existingDisk).toBe('old');
  });

  test('a new disk beside a detached one needs a name of its own', () => {
    const detached = [diskOf({ name: 'data' })];
    const draft = { ...fresh(detached), existingDisk: null };
    const problems = (diskName: string) => draftProblems({ ...draft, diskName }, { ...around, detached });
    expect(problems('')['diskName']).toMatch(/Name the new disk/);
    expect(problems('data')['diskName']).toMatch(/already/);
    expect(problems('more')).toEqual({});
  });

  test('another one is given a name that is free', () => {
    const takenNames = ['main', 'main-2'];
    expect(initialDraft({ images: [], detached: [], offer, takenNames }).name).toBe('main-3');
  });

  test('an empty number is told at its field', () => {
    const draft = { ...fresh(), memoryGiB: undefined };
    expect(fieldErrors(EnvironmentCreate, requestOf(draft))).toEqual({ memoryGiB: 'The memory is a number of GiB.' });
  });

  test('autopause and sleep off are sent as 0, and 0 minutes is not taken for it', () => {
    const off = requestOf({ ...fresh(), isAutopaused: false, isPutToSleep: false });
    expect([off.autopauseMinutes, off.sleepMinutes]).toEqual([0, 0]);
    const problems = draftProblems({ ...fresh(), autopauseMinutes: 0, sleepMinutes: 0 }, around);
    expect(problems['autopauseMinutes']).toMatch(/at least 1/);
    expect(problems['sleepMinutes']).toMatch(/at least 1/);
  });

  test('what the installation does not have is told where it is chosen', () => {
    const problems = draftProblems({ ...fresh(), cpus: 9, memoryGiB: 33, gpus: 1, diskGiB: 501 }, around);
    expect(Object.keys(problems)).toEqual(['cpus', 'memoryGiB', 'gpus', 'diskGiB']);
    expect(draftProblems({ ...fresh(), name: 'main' }, { ...around, takenNames: ['main'] })['name']).toMatch(/already/);
  });

  test('variables: empty rows are left out, repeated names are told', () => {
    const variables = [
      { name: 'A', value: '1' },
      { name: '', value: '' },
    ];
    expect(requestOf({ ...fresh(), variables }).environmentVariables).toEqual({ A: '1' });
    const twice = { ...fresh(), variables: [...variables, { name: 'A', value: '2' }] };
    expect(draftProblems(twice, around)['environmentVariables']).toBe('The variable "A" is there twice.');
  });
});

describe('a changed environment', () => {
  const environment = environmentOf({ environmentVariables: { A: '1' }, sleepMinutes: 0 });
  const draft = draftOf(environment, offer);

  test('sends nothing while nothing was changed', () => {
    expect(changesOf(draft, environment, offer)).toEqual({});
  });

  test('sends only what differs', () => {
    const changed = { ...draft, cpus: 2, isPutToSleep: true, variables: [], startupScript: 'date', name: 'other' };
    expect(changesOf(changed, environment, offer)).toEqual({
      cpus: 2,
      sleepMinutes: 10,
      environmentVariables: {},
      startupScript: 'date',
      name: 'other',
    });
  });

  test('grows its own disk, or takes another one as that is', () => {
    expect(changesOf({ ...draft, diskGiB: 60 }, environment, offer)).toEqual({ diskGiB: 60 });
    expect(changesOf({ ...draft, existingDisk: 'data', diskGiB: 60 }, environment, offer)).toEqual({
      diskName: 'data',
    });
  });

  test('a disk is not made smaller', () => {
    const ownDisk = { name: 'main-disk', sizeGiB: 50 };
    expect(draftProblems({ ...draft, diskGiB: 40 }, { ...around, ownDisk })['diskGiB']).toMatch(/only grows/);
    expect(draftProblems({ ...draft, diskGiB: 60 }, { ...around, ownDisk })).toEqual({});
  });
});
