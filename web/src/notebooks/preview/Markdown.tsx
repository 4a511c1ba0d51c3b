import 'katex/dist/katex.min.css';
import { useMemo } from 'react';
import './highlight.css';
import { renderMarkdown } from './markdown.ts';
import classes from './Markdown.module.css';
import type { Attachments } from './notebook.ts';

const none: Attachments = {};

/** Untrusted markdown, rendered and made safe. */
export function Markdown({ source, attachments = none }: { source: string; attachments?: Attachments }) {
  const html = useMemo(() => renderMarkdown(source, attachments), [source, attachments]);
  return <div className={classes.markdown} dangerouslySetInnerHTML={{ __html: html }} />;
}
