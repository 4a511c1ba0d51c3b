import { Button } from '@mantine/core';
import type { DiffField } from '@terrarium/contract';
import { useMemo } from 'react';
import { Cell, Outputs } from '../notebooks/preview/Cell.tsx';
import { previewCell } from '../notebooks/preview/notebook.ts';
import { disabledBecause, Hint } from '../ui/Hint.tsx';
import classes from './CellChange.module.css';
import type { CellRestore, ChangedCell } from './changes.ts';
import { SourceDiff } from './SourceDiff.tsx';

interface CellChangeProps {
  cell: ChangedCell;
  language: string;
  restore: CellRestore | null;
  /** Why nothing can be restored. */
  problem: string | undefined;
  isBusy: boolean;
  onRestore: (restore: CellRestore) => void;
}

const typeTitles: Record<string, string> = { code: 'Code', markdown: 'Text', raw: 'Raw' };

/** One cell that changed, and how to go back on it. */
export function CellChange({ cell, language, restore, problem, isBusy, onRestore }: CellChangeProps) {
  const kind = cell.kind === 'same' ? 'moved' : cell.kind;
  const place = cell.kind === 'removed' ? cell.before : cell.after;
  const title = `Cell ${String(place + 1)}, ${kind}`;
  return (
    <section className={classes.change} data-kind={kind} aria-label={title}>
      <header className={classes.header}>
        <span className={classes.kind}>{kind}</span>
        <span className={classes.place}>
          {typeTitles[cell.type] ?? cell.type} cell {place + 1}
          {'isMoved' in cell && cell.isMoved && `, moved from ${String(cell.before + 1)}`}
        </span>
        {restore !== null && (
          <Hint reason={problem}>
            <Button
              variant="default"
              size="xs"
              loading={isBusy}
              {...disabledBecause(problem, () => onRestore(restore))}
            >
              {restore.label}
            </Button>
          </Hint>
        )}
      </header>
      {cell.kind !== 'same' && <div className={classes.body}>{bodyOf(cell, language)}</div>}
    </section>
  );
}

function bodyOf(cell: ChangedCell, language: string) {
  switch (cell.kind) {
    case 'added':
    case 'removed':
      return <WholeCell cell={cell.cell} language={language} />;
    case 'changed':
      return (
        <>
          {cell.source !== null && <SourceDiff lines={cell.source} />}
          {cell.outputs !== null && (
            <>
              <OutputSide title="Output before" kind="removed" outputs={cell.outputs.before} />
              <OutputSide title="Output after" kind="added" outputs={cell.outputs.after} />
            </>
          )}
          <Fields fields={[...cell.fields, ...cell.metadata]} />
        </>
      );
    case 'same':
      return null;
  }
}

function WholeCell({ cell, language }: { cell: unknown; language: string }) {
  const shown = useMemo(() => previewCell(cell), [cell]);
  return <Cell cell={shown} language={language} />;
}

function OutputSide({ title, kind, outputs }: { title: string; kind: 'added' | 'removed'; outputs: unknown[] }) {
  const shown = useMemo(() => {
    const cell = previewCell({ cell_type: 'code', source: '', outputs });
    return cell.kind === 'code' ? cell.outputs : [];
  }, [outputs]);
  return (
    <figure className={classes.output} data-kind={kind}>
      <figcaption>{title}</figcaption>
      {shown.length === 0 ? <p className={classes.nothing}>Nothing</p> : <Outputs outputs={shown} />}
    </figure>
  );
}

const fieldTitles: Record<string, string> = {
  execution_count: 'Run number',
  cell_type: 'Kind of cell',
  attachments: 'Attachments',
};
/** Written whenever a cell runs, and read by no person. */
const hiddenFields = ['execution'];

/** Metadata and the like: key, before, after. */
export function Fields({ fields }: { fields: readonly DiffField[] }) {
  const shown = fields.filter(({ key }) => !hiddenFields.includes(key));
  if (shown.length === 0) return null;
  return (
    <dl className={classes.fields}>
      {shown.map(({ key, before, after }) => (
        <div key={key}>
          <dt>{fieldTitles[key] ?? key}</dt>
          <dd>
            <FieldValue value={before} /> <span aria-label="became">→</span> <FieldValue value={after} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

const longestValue = 160;

function FieldValue({ value }: { value: unknown }) {
  if (value === undefined || value === null) return <span className={classes.nothing}>none</span>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return <code>{text.length > longestValue ? `${text.slice(0, longestValue)}…` : text}</code>;
}
