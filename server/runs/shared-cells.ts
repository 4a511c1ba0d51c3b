import * as Y from 'yjs';
import { isObject, type JsonObject } from '../documents/json-object.ts';
import { sharedExecution } from '../documents/shared-notebook.ts';
import type { Output } from './jupyter-output.ts';
import { OutputEdit, type OutputState } from './outputs.ts';

export type SharedCell = Y.Map<unknown>;

/** Who runs a cell, and how far it is: the map `execution` of a document, by cell id. No part of the file. */
export interface CellExecution {
  readonly state: 'queued' | 'running' | 'input';
  readonly run: string;
  readonly kernel: string | null;
  readonly accountId: string;
  /** What others see of that account. */
  readonly by: string;
  /** Epoch ms. */
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly input?: Question;
}

/** What `input()` asks. */
export interface Question {
  readonly prompt: string;
  readonly password: boolean;
}

/** Clients can put anything into the list of cells. */
function cellsOf(doc: Y.Doc): Y.Array<unknown> {
  return doc.getArray('cells');
}

export function findCell(doc: Y.Doc, cellId: string): SharedCell | null {
  for (const cell of cellsOf(doc)) if (cell instanceof Y.Map && cell.get('id') === cellId) return cell;
  return null;
}

export function codeCellIds(doc: Y.Doc): string[] {
  return cellsOf(doc)
    .toArray()
    .flatMap((cell) => {
      if (!(cell instanceof Y.Map) || cell.get('cell_type') !== 'code') return [];
      const id = cell.get('id');
      return typeof id === 'string' ? [id] : [];
    });
}

export function isCode(cell: SharedCell): boolean {
  return cell.get('cell_type') === 'code';
}

export function sourceOf(cell: SharedCell): string {
  const source = cell.get('source');
  return source instanceof Y.Text ? source.toJSON() : typeof source === 'string' ? source : '';
}

export function outputsOf(cell: SharedCell): Y.Array<Y.Map<unknown>> {
  const outputs = cell.get('outputs');
  // The schema says that these are maps; what is not is left alone and never read.
  if (outputs instanceof Y.Array) return outputs as Y.Array<Y.Map<unknown>>;
  const made = new Y.Array<Y.Map<unknown>>();
  cell.set('outputs', made);
  return made;
}

export function metadataOf(cell: SharedCell): JsonObject {
  const metadata = cell.get('metadata');
  const plain: unknown = metadata instanceof Y.Map ? metadata.toJSON() : metadata;
  return isObject(plain) ? plain : {};
}

export function hasTag(cell: SharedCell, tag: string): boolean {
  const { tags } = metadataOf(cell);
  return Array.isArray(tags) && tags.includes(tag);
}

/** Empties a cell for an execution that begins, as JupyterLab does. */
export function clearExecution(cell: SharedCell): void {
  const outputs = outputsOf(cell);
  if (outputs.length > 0) outputs.delete(0, outputs.length);
  cell.set('execution_count', null);
  const metadata = cell.get('metadata');
  if (metadata instanceof Y.Map && metadata.has('execution')) metadata.delete('execution');
}

/** Adds to `metadata.execution`, under JupyterLab's keys. */
export function recordTiming(cell: SharedCell, timing: Readonly<Record<string, string>>): void {
  const metadata = cell.get('metadata');
  if (!(metadata instanceof Y.Map)) return;
  const before: unknown = metadata.get('execution');
  metadata.set('execution', { ...(isObject(before) ? before : {}), ...timing });
}

export function executionIn(doc: Y.Doc, cellId: string): CellExecution | null {
  const found: unknown = sharedExecution(doc).get(cellId);
  // Only the server writes this map; a client that writes nonsense into it is overruled by the next change.
  return isObject(found) ? (found as unknown as CellExecution) : null;
}

export function executionsIn(doc: Y.Doc): { cellId: string; execution: CellExecution }[] {
  return [...sharedExecution(doc).keys()].flatMap((cellId) => {
    const execution = executionIn(doc, cellId);
    return execution === null ? [] : [{ cellId, execution }];
  });
}

export function setExecution(doc: Y.Doc, cellId: string, execution: CellExecution | null): void {
  const executions = sharedExecution(doc);
  if (execution !== null) executions.set(cellId, execution);
  else if (executions.has(cellId)) executions.delete(cellId);
  const cell = findCell(doc, cellId);
  const state = execution === null ? 'idle' : 'running';
  if (cell !== null && cell.get('execution_state') !== state) cell.set('execution_state', state);
}

/** What `%load` and its like ask for: another source for the cell, or a new cell below it. */
export function setNextInput(doc: Y.Doc, cellId: string, text: string, replaces: boolean, newCellId: string): void {
  const cells = cellsOf(doc);
  const place = cells.toArray().findIndex((cell) => cell instanceof Y.Map && cell.get('id') === cellId);
  const cell: unknown = place === -1 ? null : cells.get(place);
  const source: unknown = cell instanceof Y.Map ? cell.get('source') : null;
  if (replaces && source instanceof Y.Text) {
    source.delete(0, source.length);
    source.insert(0, text);
    return;
  }
  const added = new Y.Map<unknown>(
    Object.entries({
      id: newCellId,
      cell_type: 'code',
      source: new Y.Text(text),
      metadata: new Y.Map(),
      outputs: new Y.Array(),
      execution_count: null,
      execution_state: 'idle',
    }),
  );
  cells.insert(place === -1 ? cells.length : place + 1, [added]);
}

/** Adds an output of our own behind those of an execution. */
export function addOutput(doc: Y.Doc, execution: { cellId: string; outputs: OutputState }, output: Output): void {
  const cell = findCell(doc, execution.cellId);
  if (cell === null) return;
  const edit = new OutputEdit(outputsOf(cell), execution.outputs);
  edit.add(output);
  edit.commit();
}

/** The error that a cell shows. */
export function lastError(doc: Y.Doc, cellId: string): { name: string; message: string } | null {
  const cell = findCell(doc, cellId);
  const outputs = cell === null ? [] : (outputsOf(cell).toJSON() as Output[]);
  const error = outputs.findLast((output) => output.output_type === 'error');
  return error === undefined ? null : { name: String(error['ename']), message: String(error['evalue']) };
}
