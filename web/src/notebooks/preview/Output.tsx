import { Button, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { formatBytes } from '../../ui/formats.ts';
import { highlightCode } from './highlight.ts';
import { Markdown } from './Markdown.tsx';
import { renderMath } from './markdown.ts';
import type { MimeBundle, Output as NotebookOutput } from './notebook.ts';
import classes from './Output.module.css';
import { OutputFrame } from './OutputFrame.tsx';
import { needsScripts, representations, type Representation } from './representation.ts';
import { isVisible, sanitizeForFrame } from './sanitize.ts';
import { ansiToHtml } from './terminal-text.ts';

export function Output({ output }: { output: NotebookOutput }) {
  switch (output.output_type) {
    case 'stream':
      return (
        <div className={classes.output} data-kind={output.name === 'stderr' ? 'stderr' : 'stdout'}>
          <TerminalText text={output.text} />
        </div>
      );
    case 'error':
      return (
        <div className={classes.output} data-kind="error">
          <TerminalText
            text={output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`}
          />
        </div>
      );
    case 'display_data':
    case 'execute_result':
      return (
        <div className={classes.output}>
          <Rich data={output.data} />
        </div>
      );
  }
}

function Rich({ data }: { data: MimeBundle }) {
  const shown = useMemo(() => richest(data), [data]);
  return (
    <>
      <Shown representation={shown.representation} />
      {shown.isReduced && (
        <Text c="dimmed" fz="xs">
          This output is interactive; open the notebook to use it.
        </Text>
      )}
    </>
  );
}

/** The first representation of which something is left once it is made safe. */
function richest(data: MimeBundle): { representation: Representation; isReduced: boolean } {
  let isReduced = needsScripts(data);
  for (const candidate of representations(data)) {
    if (candidate.kind === 'html' || candidate.kind === 'svg') {
      const source = sanitizeForFrame(candidate.source);
      if (!isVisible(source)) {
        isReduced = true;
        continue;
      }
      return { representation: { kind: candidate.kind, source }, isReduced };
    }
    return { representation: candidate, isReduced };
  }
  return { representation: { kind: 'nothing' }, isReduced };
}

const largeFrame = 512 * 1024;

function Shown({ representation }: { representation: Representation }) {
  switch (representation.kind) {
    case 'html':
    case 'svg':
      return (
        <Held size={representation.source.length} limit={largeFrame}>
          <OutputFrame
            html={representation.source}
            title={representation.kind === 'svg' ? 'Drawing' : 'Output'}
            isPicture={representation.kind === 'svg'}
          />
        </Held>
      );
    case 'markdown':
      return <Markdown source={representation.source} />;
    case 'latex':
      return <Latex source={representation.source} />;
    case 'image':
      return (
        <img
          className={classes.image}
          src={`data:${representation.type};base64,${representation.base64}`}
          alt="Output picture"
          loading="lazy"
        />
      );
    case 'json':
      return <CodeText code={representation.source} />;
    case 'text':
      return <TerminalText text={representation.source} />;
    case 'nothing':
      return (
        <Text c="dimmed" fz="xs">
          This output has no form that can be shown here.
        </Text>
      );
  }
}

function Latex({ source }: { source: string }) {
  const html = useMemo(() => renderMath(source.trim().replace(/^\$+|\$+$/g, ''), true), [source]);
  return <div dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Asks before something large is laid out. */
function Held({ size, limit, children }: { size: number; limit: number; children: React.ReactNode }) {
  const [isShown, setIsShown] = useState(size <= limit);
  if (isShown) return children;
  return (
    <Button variant="default" size="xs" onClick={() => setIsShown(true)}>
      Show large output ({formatBytes(size)})
    </Button>
  );
}

const longestText = 20_000;

function useTruncated(text: string): { shown: string; more: React.ReactNode } {
  const [isWhole, setIsWhole] = useState(false);
  if (text.length <= longestText || isWhole) return { shown: text, more: null };
  return {
    shown: text.slice(0, longestText),
    more: (
      <Button variant="default" size="xs" className={classes.more} onClick={() => setIsWhole(true)}>
        Show all ({formatBytes(text.length)})
      </Button>
    ),
  };
}

function TerminalText({ text }: { text: string }) {
  const { shown, more } = useTruncated(text);
  const html = useMemo(() => ansiToHtml(shown), [shown]);
  return (
    <>
      <pre className={classes.text} dangerouslySetInnerHTML={{ __html: html }} />
      {more}
    </>
  );
}

function CodeText({ code }: { code: string }) {
  const { shown, more } = useTruncated(code);
  const html = useMemo(() => highlightCode(shown, 'json'), [shown]);
  return (
    <>
      <pre className={classes.text} dangerouslySetInnerHTML={{ __html: html }} />
      {more}
    </>
  );
}
