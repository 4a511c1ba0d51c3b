import { EnvironmentCreate, type Disk } from '@terrarium/contract';
import { expect, test } from 'vitest';
import { fieldErrors } from '../ui/form.ts';
import { draftProblems, initialDraft, requestOf } from './draft.ts';

function detachedDisk(name: string, lastAttachedAt: string): Disk {
  return {
    id: name,
    name,
    workspace: { id: 'w', namespace: 'lab', name: 'w' },
    owner: 'a@b',
    status: 'Ready',
    reason: null,
    sizeGiB: 20,
    usedBytes: null,
    attachedTo: null,
    pricePerMonth: 1,
    createdAt: '2026-01-01T00:00:00Z',
    lastAttachedAt,
  };
}

test('the first values of the form can be sent as they are', () => {
  const draft = initialDraft([], []);
  expect(fieldErrors(EnvironmentCreate, requestOf(draft))).toEqual({});
  expect(draftProblems(draft, [])).toEqual({});
  expect(requestOf(draft)).toEqual({ cpus: 1, memoryGiB: 4, bootDiskGiB: 50, diskGiB: 50, autopauseMinutes: 30 });
});

test('the disk used last is offered first, and its size is not sent', () => {
  const detached = [detachedDisk('old', '2026-01-02T00:00:00Z'), detachedDisk('new', '2026-02-02T00:00:00Z')];
  const request = requestOf(initialDraft([], detached));
  expect(request.diskName).toBe('new');
  expect(request.diskGiB).toBeUndefined();
});

test('a new disk beside a detached one needs a name of its own', () => {
  const detached = [detachedDisk('data', '2026-01-02T00:00:00Z')];
  const draft = { ...initialDraft([], detached), reattach: null };
  expect(draftProblems(draft, detached)['diskName']).toMatch(/Name the new disk/);
  expect(draftProblems({ ...draft, diskName: 'data' }, detached)['diskName']).toMatch(/already/);
  expect(draftProblems({ ...draft, diskName: 'more' }, detached)).toEqual({});
});

test('an empty number is told at its field', () => {
  const draft = { ...initialDraft([], []), memoryGiB: undefined };
  expect(fieldErrors(EnvironmentCreate, requestOf(draft))).toEqual({ memoryGiB: 'The memory is a number of GiB.' });
});

test('autopause off is sent as 0, and 0 minutes is not taken for it', () => {
  const draft = initialDraft([], []);
  expect(requestOf({ ...draft, isAutopaused: false }).autopauseMinutes).toBe(0);
  expect(draftProblems({ ...draft, autopauseMinutes: 0 }, [])['autopauseMinutes']).toMatch(/at least 1/);
});

test('variables: empty rows are left out, repeated names are told', () => {
  const draft = {
    ...initialDraft([], []),
    variables: [
      { name: 'A', value: '1' },
      { name: '', value: '' },
    ],
  };
  expect(requestOf(draft).environmentVariables).toEqual({ A: '1' });
  const repeated = {
    ...draft,
    variables: [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ],
  };
  expect(draftProblems(repeated, [])['environmentVariables']).toBe('The variable "A" is there twice.');
});
