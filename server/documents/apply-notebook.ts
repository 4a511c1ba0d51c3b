import { isDeepStrictEqual } from 'node:util';
import * as Y from 'yjs';
import { isObject, type JsonObject } from './json-object.ts';
import type { Cell, Notebook } from './nbformat.ts';
import {
  newSharedCell,
  newSharedOutputs,
  readSharedCell,
  sharedCells,
  sharedMeta,
  type SharedCell,
} from './shared-notebook.ts';

/**
 * Makes a shared document say what `notebook` says, by as few edits as there are differences: a cell keeps its shared
 * object, so that cursors, undo and other people's edits in it go on. Call it inside a transaction.
 */
export function applyNotebook(doc: Y.Doc, notebook: Notebook): void {
  const meta = sharedMeta(doc);
  if (meta.get('nbformat') !== 4) meta.set('nbformat', 4);
  if (meta.get('nbformat_minor') !== notebook.nbformat_minor) meta.set('nbformat_minor', notebook.nbformat_minor);
  applyMap(meta, 'metadata', notebook.metadata);
  applyCells(sharedCells(doc), notebook.cells);
}

function applyCells(cells: Y.Array<SharedCell>, wanted: readonly Cell[]): void {
  const ids = new Set(wanted.map(({ id }) => id));
  for (let index = cells.length - 1; index >= 0; index--) {
    if (!ids.has(idOf(cells.get(index)))) cells.delete(index);
  }
  for (const [index, cell] of wanted.entries()) {
    if (idOf(cells.get(index)) !== cell['id']) {
      const elsewhere = indexOf(cells, cell['id'], index);
      // Yjs cannot move: the cell goes there and comes here.
      if (elsewhere !== -1) cells.delete(elsewhere);
      cells.insert(index, [newSharedCell(cell)]);
    } else if (!applyCell(cells.get(index), cell)) {
      cells.delete(index);
      cells.insert(index, [newSharedCell(cell)]);
    }
  }
  if (cells.length > wanted.length) cells.delete(wanted.length, cells.length - wanted.length);
}

function idOf(shared: unknown): unknown {
  return shared instanceof Y.Map ? shared.get('id') : undefined;
}

function indexOf(cells: Y.Array<SharedCell>, id: unknown, from: number): number {
  for (let index = from; index < cells.length; index++) if (idOf(cells.get(index)) === id) return index;
  return -1;
}

/** @returns false when the shared object cannot become this cell */
function applyCell(shared: SharedCell, cell: Cell): boolean {
  if (shared.get('cell_type') !== cell.cell_type) return false;
  const source = shared.get('source');
  if (!(source instanceof Y.Text)) return false;
  applyText(source, typeof cell['source'] === 'string' ? cell['source'] : '');
  let isTrusted = isTrustedCell(shared);
  if (cell.cell_type === 'code') {
    const outputs = shared.get('outputs');
    if (!(outputs instanceof Y.Array)) return false;
    const wanted = Array.isArray(cell['outputs']) ? cell['outputs'] : [];
    if (applyOutputs(outputs, wanted, readSharedCell(shared))) isTrusted = false;
    const count = typeof cell['execution_count'] === 'number' ? cell['execution_count'] : null;
    if (shared.get('execution_count') !== count) shared.set('execution_count', count);
  } else if (!isDeepStrictEqual(shared.get('attachments'), cell['attachments'])) {
    if (isObject(cell['attachments'])) shared.set('attachments', cell['attachments']);
    else shared.delete('attachments');
  }
  applyMap(shared, 'metadata', isTrusted ? { ...cell.metadata, trusted: true } : cell.metadata);
  return true;
}

/** Whether editors run the scripts in its outputs. No file says so: it is true of outputs that came of a run here. */
function isTrustedCell(shared: SharedCell): boolean {
  const metadata = shared.get('metadata');
  return metadata instanceof Y.Map && metadata.get('trusted') === true;
}

/** Replaces what lies between the common start and the common end. */
export function applyText(text: Y.Text, wanted: string): void {
  const present = text.toJSON();
  if (present === wanted) return;
  const most = Math.min(present.length, wanted.length);
  let start = 0;
  while (start < most && present[start] === wanted[start]) start++;
  let end = 0;
  while (end < most - start && present[present.length - 1 - end] === wanted[wanted.length - 1 - end]) end++;
  // Never between the halves of one character.
  if (start > 0 && isHighSurrogate(present.charCodeAt(start - 1))) start--;
  if (end > 0 && isHighSurrogate(present.charCodeAt(present.length - end - 1))) end--;
  text.delete(start, present.length - end - start);
  text.insert(start, wanted.slice(start, wanted.length - end));
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** @returns whether they were others */
function applyOutputs(outputs: Y.Array<unknown>, wanted: readonly unknown[], present: Cell | null): boolean {
  const now = Array.isArray(present?.['outputs']) ? present['outputs'] : [];
  if (isDeepStrictEqual(now, wanted)) return false;
  let same = 0;
  // Where something unreadable was left out, the two lists do not have the same places.
  if (now.length === outputs.length) {
    while (same < now.length && same < wanted.length && isDeepStrictEqual(now[same], wanted[same])) same++;
  }
  outputs.delete(same, outputs.length - same);
  outputs.insert(same, newSharedOutputs(wanted.slice(same)));
  return true;
}

function applyMap(parent: Y.Map<unknown>, name: string, wanted: JsonObject): void {
  const map = parent.get(name);
  if (!(map instanceof Y.Map)) {
    parent.set(name, new Y.Map(Object.entries(wanted)));
    return;
  }
  for (const key of Array.from(map.keys())) if (!(key in wanted)) map.delete(key);
  for (const [key, value] of Object.entries(wanted)) {
    if (!isDeepStrictEqual(map.get(key), value)) map.set(key, value);
  }
}
