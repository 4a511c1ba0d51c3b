import { Button } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { highlightCode, languageOfCell } from './highlight.ts';
import classes from './Cell.module.css';
import { Markdown } from './Markdown.tsx';
import type { PreviewCell } from './notebook.ts';
import { Output } from './Output.tsx';

/** One cell of a preview. */
export const Cell = memo(function Cell({ cell, language }: { cell: PreviewCell; language: string }) {
  switch (cell.kind) {
    case 'markdown':
      return (
        <div className={classes.cell}>
          <span aria-hidden />
          <Markdown source={cell.source} attachments={cell.attachments} />
        </div>
      );
    case 'raw':
    case 'unknown':
      return (
        <div className={classes.cell}>
          <span aria-hidden />
          <pre className={classes.raw}>{cell.source}</pre>
        </div>
      );
    case 'code':
      return (
        <>
          <div className={classes.cell}>
            <Prompt count={cell.executionCount} />
            <Code source={cell.source} language={languageOfCell(cell.source, language)} />
          </div>
          {cell.outputs.length > 0 && (
            <div className={classes.cell}>
              <span aria-hidden />
              <Outputs outputs={cell.outputs} />
            </div>
          )}
        </>
      );
  }
});

function Prompt({ count }: { count: number | null }) {
  return (
    <span className={classes.prompt} aria-label={count === null ? 'Not run' : `Run as number ${String(count)}`}>
      [{count ?? ' '}]
    </span>
  );
}

function Code({ source, language }: { source: string; language: string }) {
  const html = useMemo(() => highlightCode(source, language), [source, language]);
  return <pre className={classes.code} tabIndex={0} dangerouslySetInnerHTML={{ __html: html }} />;
}

const shownOutputs = 50;

export function Outputs({ outputs }: { outputs: (PreviewCell & { kind: 'code' })['outputs'] }) {
  const [isWhole, setIsWhole] = useState(false);
  const shown = isWhole ? outputs : outputs.slice(0, shownOutputs);
  return (
    <div className={classes.outputs}>
      {shown.map((output, index) => (
        <Output key={index} output={output} />
      ))}
      {shown.length < outputs.length && (
        <Button variant="default" size="xs" onClick={() => setIsWhole(true)}>
          Show all {outputs.length} outputs
        </Button>
      )}
    </div>
  );
}
