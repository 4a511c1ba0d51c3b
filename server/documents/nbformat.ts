import { createHash } from 'node:crypto';
import type { KernelSummary } from '@terrarium/contract';
import { isDeeperThan, isObject, type JsonObject } from './json-object.ts';
import { newId } from '../plumbing/ids.ts';
import { joinLines, splitLines } from './nbformat-lines.ts';
import { fromNbformat3 } from './nbformat-3.ts';
import { notebookProblem } from './nbformat-problem.ts';

/** The media type of .ipynb files. */
export const notebookContentType = 'application/x-ipynb+json';

/** What is larger is kept as a file and not opened. */
export const notebookByteLimit = 200 * 1024 * 1024;

export interface Cell extends JsonObject {
  cell_type: string;
  metadata: JsonObject;
}

/** A notebook of nbformat 4.5 or a later minor version, multi-line texts joined, every cell with an id of its own. */
export interface Notebook extends JsonObject {
  nbformat: 4;
  nbformat_minor: number;
  metadata: JsonObject;
  cells: Cell[];
}

export type NotebookReading =
  | {
      readonly kind: 'notebook';
      readonly notebook: Notebook;
      /** What in it does not follow nbformat although it can be opened; null when nothing. */
      readonly problem: string | null;
    }
  /** `reason` continues the sentence `"a.ipynb" is not a notebook: …`. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Reads the bytes of an .ipynb file of nbformat 3 or 4. Never throws. */
export function readNotebook(bytes: Uint8Array): NotebookReading {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refused('it is not text in UTF-8.');
  }
  if (text.trim() === '') return refused('it is empty.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(`it is not valid JSON (${error instanceof Error ? shortened(error.message) : 'unreadable'}).`);
  }
  if (isDeeperThan(mostDepth, value)) {
    return refused(`its JSON is nested more than ${String(mostDepth)} levels deep, which no notebook is.`);
  }
  return upgradeNotebook(value);
}

const mostDepth = 400;

/**
 * The same notebook in nbformat 4.5: nbformat 3 converted, missing, malformed and repeated cell ids replaced, multi-line
 * texts joined, and what must never be stored (trust marks, signatures) taken out. The same input gives the same ids.
 * Idempotent; leaves `value` as it was. Never throws.
 */
export function upgradeNotebook(value: unknown): NotebookReading {
  if (!isObject(value)) return refused('its JSON is not an object.');
  const { nbformat, nbformat_minor: minor = 0 } = value;
  if (typeof nbformat !== 'number' || !Number.isInteger(nbformat))
    return refused('it does not say its nbformat version.');
  if (typeof minor !== 'number' || !Number.isInteger(minor) || minor < 0) {
    return refused('its "nbformat_minor" is not a whole number.');
  }
  if (nbformat < 3) {
    return refused(
      `it has the format of IPython before 1.0 (nbformat ${String(nbformat)}). Convert it first: jupyter nbconvert --to notebook.`,
    );
  }
  if (nbformat > 4) {
    return refused(`it has nbformat ${String(nbformat)}, which is newer than what can be opened here (4).`);
  }
  let source: JsonObject = value;
  if (nbformat === 3) {
    if (!Array.isArray(value['worksheets'])) return refused('it has no "worksheets", which nbformat 3 asks for.');
    source = fromNbformat3(value);
  }

  const { metadata = {}, cells } = source;
  if (!isObject(metadata)) return refused('its "metadata" is not an object.');
  if (!Array.isArray(cells)) return refused('it has no "cells".');
  const upgraded: Cell[] = [];
  for (const [index, cell] of cells.entries()) {
    if (!isObject(cell) || typeof cell['cell_type'] !== 'string') {
      return refused(`its cell ${String(index + 1)} does not say what kind of cell it is.`);
    }
    if (cell['metadata'] !== undefined && !isObject(cell['metadata'])) {
      return refused(`the metadata of its cell ${String(index + 1)} is not an object.`);
    }
    upgraded.push(completeCell({ ...cell, cell_type: cell['cell_type'], metadata: cell['metadata'] ?? {} }));
  }
  const notebook: Notebook = {
    ...source,
    nbformat: 4,
    nbformat_minor: Math.max(nbformat === 3 ? 5 : minor, 5),
    metadata: without(metadata, ['orig_nbformat', 'orig_nbformat_minor', 'signature']),
    cells: withIds(upgraded),
  };
  return { kind: 'notebook', notebook, problem: notebookProblem(notebook) };
}

/**
 * The text of an .ipynb file as Jupyter writes it, so that a diff shows only what changed: keys sorted, indented by one
 * space, long texts split into lines.
 */
export function writeNotebook(notebook: Notebook): string {
  return `${JSON.stringify(sorted({ ...notebook, cells: notebook.cells.map(splitLines) }), null, 1)}\n`;
}

/** A notebook without cells, for a kernel if one is given. */
export function emptyNotebook(kernel: KernelSummary | null): Notebook {
  const metadata =
    kernel === null
      ? {}
      : {
          kernelspec: { display_name: kernel.displayName, language: kernel.language, name: kernel.name },
          language_info: { name: kernel.language },
        };
  return { nbformat: 4, nbformat_minor: 5, metadata, cells: [] };
}

/** A notebook to begin with: one empty cell to type in, for a kernel if one is given. */
export function newNotebook(kernel: KernelSummary | null): Notebook {
  return { ...emptyNotebook(kernel), cells: [emptyCodeCell()] };
}

export function emptyCodeCell(): Cell {
  return { cell_type: 'code', id: newId(), metadata: {}, source: '', outputs: [], execution_count: null };
}

/** Which kernel and language a notebook's metadata name; null where they name none. */
export function kernelOf(metadata: unknown): { kernel: string | null; language: string | null } {
  if (!isObject(metadata)) return { kernel: null, language: null };
  const spec = isObject(metadata['kernelspec']) ? metadata['kernelspec'] : {};
  const info = isObject(metadata['language_info']) ? metadata['language_info'] : {};
  return { kernel: text(spec['name']), language: text(info['name']) ?? text(spec['language']) };
}

const knownTypes = new Set(['code', 'markdown', 'raw']);

function completeCell(cell: Cell): Cell {
  const complete: Cell = { ...cell, metadata: without(cell.metadata, ['trusted']) };
  // A kind of cell from a later version stays as it is.
  if (!knownTypes.has(cell.cell_type)) return complete;
  complete['source'] ??= '';
  if (cell.cell_type === 'code') {
    complete['outputs'] ??= [];
    complete['execution_count'] ??= null;
  }
  return joinLines(complete);
}

const validId = /^[a-zA-Z0-9_-]{1,64}$/;

function withIds(cells: Cell[]): Cell[] {
  const kept = new Set<string>();
  const isOwn = cells.map(({ id }) => {
    if (typeof id !== 'string' || !validId.test(id) || kept.has(id)) return false;
    kept.add(id);
    return true;
  });
  return cells.map((cell, index) => {
    if (isOwn[index] === true || !knownTypes.has(cell.cell_type)) return cell;
    // From the place and the text, not at random: reading the same bytes twice gives the same notebook.
    let id: string;
    let salt = 0;
    do {
      const origin = JSON.stringify([index, cell.cell_type, cell['source'], salt++]);
      id = createHash('sha256').update(origin).digest('hex').slice(0, 8);
    } while (kept.has(id));
    kept.add(id);
    return { ...cell, id };
  });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

function without(object: JsonObject, names: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function refused(reason: string): NotebookReading {
  return { kind: 'refused', reason };
}

// V8 quotes the text around the mistake, which may be long and is the notebook's contents.
function shortened(message: string): string {
  return message
    .replace(/, ".*$/s, '')
    .replace(/\.\.\. ?/g, '')
    .slice(0, 160);
}
