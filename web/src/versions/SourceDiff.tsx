import type { DiffLine } from '@terrarium/contract';
import { useMemo, useState } from 'react';
import { count } from '../ui/formats.ts';
import { sourceRows } from './changes.ts';
import classes from './SourceDiff.module.css';

const signs = { same: ' ', added: '+', removed: '−' } as const;
const words = { same: '', added: 'Added: ', removed: 'Removed: ' } as const;

/** The lines of a source, removed ones before those in their place. */
export function SourceDiff({ lines }: { lines: readonly DiffLine[] }) {
  const rows = useMemo(() => sourceRows(lines), [lines]);
  return (
    <div className={classes.source} role="group" aria-label="Source" tabIndex={0}>
      <div className={classes.lines}>
        {rows.map((row, index) =>
          row.kind === 'line' ? <Line key={index} line={row.line} /> : <Gap key={index} lines={row.lines} />,
        )}
      </div>
    </div>
  );
}

function Line({ line }: { line: DiffLine }) {
  return (
    <div className={classes.line} data-kind={line.kind}>
      <span className={classes.sign} aria-hidden>
        {signs[line.kind]}
      </span>
      <span className={classes.text}>
        {line.kind !== 'same' && <span className={classes.spoken}>{words[line.kind]}</span>}
        {line.parts === undefined
          ? line.text
          : line.parts.map((part, index) => (part.isChanged ? <mark key={index}>{part.text}</mark> : part.text))}
      </span>
    </div>
  );
}

function Gap({ lines }: { lines: readonly DiffLine[] }) {
  const [isShown, setIsShown] = useState(false);
  if (isShown) return lines.map((line, index) => <Line key={index} line={line} />);
  return (
    <button type="button" className={classes.gap} onClick={() => setIsShown(true)}>
      Show {count(lines.length, 'unchanged line')}
    </button>
  );
}
