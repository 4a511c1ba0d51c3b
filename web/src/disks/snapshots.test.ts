import { expect, test } from 'vitest';
import { diskOf } from '../environments/testing-environment.ts';
import { grouped } from './snapshots.ts';

test('snapshots are below their disk, newest first; others stand for themselves', () => {
  const workspace = { id: 'other', namespace: 'lab', name: 'other' };
  const snapshot = (name: string, copyOf: string, createdAt: string) =>
    diskOf({ name, copyOf, createdAt, kind: 'snapshot' });
  const groups = grouped([
    diskOf({ name: 'data' }),
    snapshot('old', 'data', '2026-01-01T00:00:00Z'),
    snapshot('new', 'data', '2026-01-02T00:00:00Z'),
    diskOf({ name: 'copy', copyOf: 'data' }),
    snapshot('orphan', 'gone', '2026-01-02T00:00:00Z'),
    { ...snapshot('elsewhere', 'data', '2026-01-02T00:00:00Z'), workspace },
  ]);
  expect(groups.map(({ disk, snapshots }) => [disk.name, snapshots.map(({ name }) => name)])).toEqual([
    ['data', ['new', 'old']],
    ['copy', []],
    ['orphan', []],
    ['elsewhere', []],
  ]);
});
