import type { CellDiff, DiffLine, NotebookVersion, VersionDiff } from '@terrarium/contract';

export type ChangedCell = Exclude<CellDiff, { kind: 'same' }> | (CellDiff & { kind: 'same'; isMoved: true });

/** Cells that changed, and how many between them did not. */
export type DiffRow =
  | { readonly kind: 'cell'; readonly cell: ChangedCell }
  /** `places` are of the later side, counted from 0. */
  | { readonly kind: 'unchanged'; readonly places: readonly number[]; readonly ranAgain: number };

/** Timing that is written whenever a cell runs. */
const timingKey = 'execution';

/** Whether nothing a person wrote or sees in the cell changed: it ran again, with the same outputs. */
export function isOnlyRun(cell: CellDiff): boolean {
  return (
    cell.kind === 'changed' &&
    !cell.isMoved &&
    cell.source === null &&
    cell.outputs === null &&
    cell.metadata.every(({ key }) => key === timingKey) &&
    cell.fields.every(({ key }) => key === 'execution_count')
  );
}

export function rowsOf(cells: readonly CellDiff[]): DiffRow[] {
  const rows: DiffRow[] = [];
  let places: number[] = [];
  let ranAgain = 0;
  const settle = (): void => {
    if (places.length > 0) rows.push({ kind: 'unchanged', places, ranAgain });
    places = [];
    ranAgain = 0;
  };
  for (const cell of cells) {
    if ((cell.kind === 'same' && !cell.isMoved) || isOnlyRun(cell)) {
      // Neither of the two is an added or a removed cell.
      if ('after' in cell) places.push(cell.after);
      if (cell.kind === 'changed') ranAgain += 1;
      continue;
    }
    settle();
    rows.push({ kind: 'cell', cell: cell as ChangedCell });
  }
  settle();
  return rows;
}

/** "2 cells changed, 1 added, 1 removed, 1 moved"; empty when no cell did. */
export function summaryOf(rows: readonly DiffRow[]): string {
  const counts = { changed: 0, added: 0, removed: 0, moved: 0 };
  for (const row of rows) if (row.kind === 'cell') counts[row.cell.kind === 'same' ? 'moved' : row.cell.kind] += 1;
  const parts = Object.entries(counts).filter(([, number]) => number > 0);
  return parts
    .map(([what, number], index) =>
      index === 0 ? `${String(number)} cell${number === 1 ? '' : 's'} ${what}` : `${String(number)} ${what}`,
    )
    .join(', ');
}

export interface CellRestore {
  readonly label: string;
  /** The version to put the cell back to. */
  readonly version: string;
}

/**
 * What can be done about a change. Looking at a version, its state of the cell is what one goes back to; where the
 * version is what the notebook is now, or had the cell no more, the state before it.
 */
export function cellRestore(cell: ChangedCell, diff: VersionDiff, selected: NotebookVersion): CellRestore | null {
  if (cell.kind === 'same') return null;
  // Compared with now, the selected version is the earlier side.
  if (diff.after === null) {
    const label =
      cell.kind === 'added'
        ? 'Take this cell out'
        : cell.kind === 'removed'
          ? 'Bring this cell back'
          : 'Restore this cell';
    return { label, version: selected.version };
  }
  if (cell.kind === 'removed') {
    return diff.before === null ? null : { label: 'Bring this cell back', version: diff.before.version };
  }
  if (!selected.isCurrent) return { label: 'Restore this cell', version: selected.version };
  if (diff.before === null) return null;
  return {
    label: cell.kind === 'added' ? 'Take this cell out' : 'Undo this change',
    version: diff.before.version,
  };
}

export type SourceRow =
  { readonly kind: 'line'; readonly line: DiffLine } | { readonly kind: 'gap'; readonly lines: readonly DiffLine[] };

const contextLines = 3;

/** Lines to show: long stretches that stayed the same are gaps, with some lines of context around what changed. */
export function sourceRows(lines: readonly DiffLine[]): SourceRow[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ kind }) => kind !== 'same'),
  );
  const rows: SourceRow[] = [];
  for (let at = 0; at < lines.length;) {
    let end = at;
    while (end < lines.length && isNear[end] === isNear[at]) end += 1;
    const stretch = lines.slice(at, end);
    // A gap of one or two lines would take as much room as the lines.
    if (isNear[at] === true || stretch.length <= 2)
      rows.push(...stretch.map((line) => ({ kind: 'line', line }) as const));
    else rows.push({ kind: 'gap', lines: stretch });
    at = end;
  }
  return rows;
}
