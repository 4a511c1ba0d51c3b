import type { NotebookVersion, VersionDiff } from '@terrarium/contract';
import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Cell } from '../notebooks/preview/Cell.tsx';
import { parseNotebook } from '../notebooks/preview/notebook.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { ErrorNote } from '../ui/ErrorNote.tsx';
import { count } from '../ui/formats.ts';
import { CellChange, Fields } from './CellChange.tsx';
import { cellRestore, rowsOf, summaryOf, type CellRestore, type DiffRow } from './changes.ts';
import classes from './DiffView.module.css';
import { versionContentQuery, type NotebookPlace } from './queries.ts';

interface DiffViewProps {
  place: NotebookPlace;
  diff: VersionDiff;
  selected: NotebookVersion;
  problem: string | undefined;
  busyCell: string | undefined;
  onRestoreCell: (cell: string, restore: CellRestore) => void;
}

/** What changed between two versions, cell by cell. */
export function DiffView({ place, diff, selected, problem, busyCell, onRestoreCell }: DiffViewProps) {
  const rows = useMemo(() => rowsOf(diff.cells), [diff]);
  const summary = summaryOf(rows);
  const fields = [...diff.fields, ...diff.metadata];
  if (summary === '' && fields.length === 0) {
    return (
      <EmptyState title="No differences">
        {diff.after === null
          ? 'The notebook is now as it was in this version.'
          : 'The notebook was saved again without a change that shows.'}
      </EmptyState>
    );
  }
  const language = diff.language ?? 'python';
  return (
    <>
      {summary !== '' && <p className={classes.summary}>{summary}</p>}
      {fields.length > 0 && (
        <section className={classes.notebook} aria-label="The notebook itself">
          <Fields fields={fields} />
        </section>
      )}
      {rows.map((row) =>
        row.kind === 'cell' ? (
          <CellChange
            key={row.cell.id}
            cell={row.cell}
            language={language}
            restore={cellRestore(row.cell, diff, selected)}
            problem={problem}
            isBusy={busyCell === row.cell.id}
            onRestore={(restore) => onRestoreCell(row.cell.id, restore)}
          />
        ) : (
          <Unchanged
            key={`unchanged-${String(row.places[0])}`}
            place={place}
            row={row}
            // The notebook as it is now has no version of its own yet; what did not change is in the earlier one too.
            version={(diff.after ?? selected).version}
            isLater={diff.after !== null}
            language={language}
            diff={diff}
          />
        ),
      )}
    </>
  );
}

interface UnchangedProps {
  place: NotebookPlace;
  row: DiffRow & { kind: 'unchanged' };
  version: string;
  isLater: boolean;
  language: string;
  diff: VersionDiff;
}

function Unchanged({ place, row, version, isLater, language, diff }: UnchangedProps) {
  const [isShown, setIsShown] = useState(false);
  const content = useQuery({ ...versionContentQuery(place, version), enabled: isShown });
  const notebook = useMemo(
    () => (content.data === undefined ? undefined : parseNotebook(content.data)),
    [content.data],
  );
  const what = `${count(row.places.length, 'cell')} unchanged${row.ranAgain === 0 ? '' : `, ${String(row.ranAgain)} run again`}`;
  if (!isShown) {
    return (
      <Button
        variant="subtle"
        color="gray"
        fullWidth
        size="xs"
        className={classes.unchanged}
        onClick={() => setIsShown(true)}
      >
        {what}
      </Button>
    );
  }
  if (content.error !== null) return <ErrorNote error={content.error} retry={() => void content.refetch()} />;
  if (notebook === undefined) return <Skeleton height={80} mb="md" aria-label="Loading" />;
  const placeOf = (later: number): number => {
    if (isLater) return later;
    const cell = diff.cells.find((each) => 'after' in each && each.after === later);
    return cell !== undefined && 'before' in cell ? cell.before : later;
  };
  return (
    <section className={classes.context} aria-label={what}>
      {row.places.map((later) => {
        const cell = notebook.cells[placeOf(later)];
        return cell === undefined ? null : <Cell key={later} cell={cell} language={language} />;
      })}
    </section>
  );
}
