import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import julia from 'highlight.js/lib/languages/julia';
import latex from 'highlight.js/lib/languages/latex';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import scala from 'highlight.js/lib/languages/scala';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const languages = {
  bash,
  cpp,
  css,
  diff,
  javascript,
  json,
  julia,
  latex,
  markdown,
  python,
  r,
  scala,
  sql,
  typescript,
  xml,
  yaml,
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerAliases(['ipython', 'ipython3'], { languageName: 'python' });

// Colouring is linear but slow; nobody reads a file of this size by colour.
const longestColoured = 100_000;

/** Code as HTML with highlight classes, everything in it escaped; merely escaped for a language it does not know. */
export function highlightCode(code: string, language: string): string {
  const known = hljs.getLanguage(language) !== undefined;
  if (!known || code.length > longestColoured) return escapeHtml(code);
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
}

/** Text as HTML that shows exactly that text. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A notebook's magics change the language of the whole cell. */
export function languageOfCell(source: string, notebookLanguage: string): string {
  const magic = /^%%(\w+)/.exec(source)?.[1]?.toLowerCase();
  const language = magic === undefined ? undefined : cellMagics[magic];
  return (language ?? notebookLanguage).toLowerCase();
}

const cellMagics: Record<string, string> = {
  bash: 'bash',
  sh: 'bash',
  script: 'bash',
  html: 'xml',
  svg: 'xml',
  javascript: 'javascript',
  js: 'javascript',
  latex: 'latex',
  markdown: 'markdown',
  sql: 'sql',
  r: 'r',
};
