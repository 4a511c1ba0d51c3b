import type { CellDiff, DiffLine, NotebookVersion, VersionDiff } from '@terrarium/contract';
import { describe, expect, test } from 'vitest';
import { cellRestore, rowsOf, sourceRows, summaryOf, type ChangedCell } from './changes.ts';
import { dayTitle, listVersions, peopleTitle, versionBefore } from './list-versions.ts';

const ada = { accountId: 'ada', name: 'Ada' };
const bob = { accountId: 'bob', name: 'Bob' };
const noon = new Date(2026, 5, 5, 12).getTime();

function version(id: string, minutesAgo: number, options: Partial<NotebookVersion> = {}): NotebookVersion {
  const at = new Date(noon - minutesAgo * 60_000).toISOString();
  return { version: id, at, authors: [ada], kind: 'autosave', name: null, size: 1, isCurrent: false, ...options };
}

describe('the list of versions', () => {
  const inShort = (versions: NotebookVersion[]) =>
    listVersions(versions).map(({ day, entries }) =>
      [day, ...entries.map((entry) => [entry.version, ...entry.folded].map((each) => each.version).join('+'))].join(
        ' ',
      ),
    );

  test('is by day', () => {
    expect(inShort([version('a', 0), version('b', 60), version('c', 24 * 60)])).toEqual([
      '2026-06-05 a b',
      '2026-06-04 c',
    ]);
  });

  test('folds the saves of the same people shortly before one', () => {
    const versions = [
      version('a', 0, { isCurrent: true }),
      version('b', 1),
      version('c', 2),
      version('d', 3, { authors: [bob] }),
    ];
    expect(inShort(versions)).toEqual(['2026-06-05 a+b+c d']);
    expect(versionBefore(listVersions(versions), 'a')).toBe('d');
    expect(versionBefore(listVersions(versions), 'd')).toBeUndefined();
  });

  test.each<[string, Partial<NotebookVersion>]>([
    ['named', { name: 'x' }],
    ['restored', { kind: 'restore' }],
    ['a checkpoint', { kind: 'checkpoint' }],
    ['current', { isCurrent: true }],
    ['of others', { authors: [ada, bob] }],
  ])('folds no version that is %s', (_, options) => {
    expect(inShort([version('a', 0), version('b', 1, options)])).toEqual(['2026-06-05 a b']);
  });

  test('names days and people as one would', () => {
    expect(dayTitle('2026-06-05', noon)).toBe('Today');
    expect(dayTitle('2026-06-04', noon)).toBe('Yesterday');
    expect(dayTitle('2026-05-31', noon)).toBe('Sunday 31 May 2026');
    expect(peopleTitle({ authors: [] })).toBe('');
    expect(peopleTitle({ authors: [ada, bob, { accountId: 'cem', name: 'Cem' }] })).toBe('Ada, Bob and Cem');
  });
});

const same = (id: string, place: number, isMoved = false): CellDiff => ({
  kind: 'same',
  id,
  type: 'code',
  before: place,
  after: place,
  isMoved,
});
const changed = (id: string, more: Partial<CellDiff & { kind: 'changed' }> = {}): CellDiff & { kind: 'changed' } => ({
  kind: 'changed',
  id,
  type: 'code',
  before: 0,
  after: 0,
  isMoved: false,
  source: null,
  outputs: null,
  metadata: [],
  fields: [],
  ...more,
});
const added: ChangedCell = { kind: 'added', id: 'n', type: 'code', after: 0, cell: {} };
const removed: ChangedCell = { kind: 'removed', id: 'o', type: 'code', before: 0, cell: {} };

describe('the rows of a difference', () => {
  test('leave out what did not change, and what only ran again', () => {
    const ran = changed('b', {
      after: 1,
      metadata: [{ key: 'execution' }],
      fields: [{ key: 'execution_count', before: 1, after: 2 }],
    });
    const rows = rowsOf([same('a', 0), ran, changed('c', { source: [] }), same('d', 3, true), same('e', 4)]);
    expect(rows.map((row) => (row.kind === 'cell' ? row.cell.id : [row.places, row.ranAgain]))).toEqual([
      [[0, 1], 1],
      'c',
      'd',
      [[4], 0],
    ]);
    expect(summaryOf(rows)).toBe('1 cell changed, 1 moved');
    expect(summaryOf(rowsOf([added, added, removed]))).toBe('2 cells added, 1 removed');
    expect(summaryOf([])).toBe('');
  });

  test('fold long stretches of a source that stayed', () => {
    const line = (kind: DiffLine['kind'], text: string): DiffLine => ({ kind, text });
    const stayed = Array.from({ length: 10 }, (_, index) => line('same', String(index)));
    const rows = sourceRows([...stayed, line('added', 'x'), ...stayed.slice(0, 5)]);
    expect(rows.map((row) => (row.kind === 'gap' ? row.lines.length : row.line.text))).toEqual([
      7,
      '7',
      '8',
      '9',
      'x',
      '0',
      '1',
      '2',
      '3',
      '4',
    ]);
  });
});

describe('what can be done about a change', () => {
  const [older, newer] = [version('older', 60), version('newer', 0)];
  const diff = (before: NotebookVersion | null, after: NotebookVersion | null): VersionDiff => ({
    cells: [],
    metadata: [],
    fields: [],
    language: null,
    before,
    after,
  });

  test.each<[string, ChangedCell, VersionDiff, NotebookVersion, string | null]>([
    ['changed since then', changed('a'), diff(older, null), older, 'Restore this cell: older'],
    ['added since then', added, diff(older, null), older, 'Take this cell out: older'],
    ['removed since then', removed, diff(older, null), older, 'Bring this cell back: older'],
    ['changed by the version', changed('a'), diff(older, newer), newer, 'Restore this cell: newer'],
    ['removed by the version', removed, diff(older, newer), newer, 'Bring this cell back: older'],
    [
      'changed just now',
      changed('a'),
      diff(older, { ...newer, isCurrent: true }),
      { ...newer, isCurrent: true },
      'Undo this change: older',
    ],
    [
      'added just now',
      added,
      diff(older, { ...newer, isCurrent: true }),
      { ...newer, isCurrent: true },
      'Take this cell out: older',
    ],
    ['there from the beginning', added, diff(null, { ...newer, isCurrent: true }), { ...newer, isCurrent: true }, null],
    [
      'moved',
      { kind: 'same', id: 'a', type: 'code', before: 0, after: 1, isMoved: true },
      diff(older, newer),
      newer,
      null,
    ],
  ])('%s', (_, cell, between, selected, expected) => {
    const action = cellRestore(cell, between, selected);
    expect(action === null ? null : `${action.label}: ${action.version}`).toBe(expected);
  });
});
