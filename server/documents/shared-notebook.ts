import * as Y from 'yjs';
import { isObject, type JsonObject } from './json-object.ts';
import { upgradeNotebook, type Cell, type Notebook } from './nbformat.ts';

/*
 * The schema of @jupyter/ydoc's YNotebook 2.0.0, read and written without its classes: those keep an undo manager, an
 * awareness timer and a wrapper for every cell, which a server that holds many documents has no use for.
 */

export type SharedCell = Y.Map<unknown>;

export function sharedCells(doc: Y.Doc): Y.Array<SharedCell> {
  return doc.getArray<SharedCell>('cells');
}

export function sharedMeta(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('meta');
}

/** Who and what runs which cell; no part of the file. */
export function sharedExecution(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('execution');
}

/** What Output widgets of kernels show; no part of the file. */
export function sharedWidgets(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('widgets');
}

/** Fills an empty document. Call it inside a transaction. */
export function writeSharedNotebook(doc: Y.Doc, notebook: Notebook): void {
  const meta = sharedMeta(doc);
  meta.set('nbformat', notebook.nbformat);
  meta.set('nbformat_minor', notebook.nbformat_minor);
  meta.set('metadata', mapOf(notebook.metadata));
  sharedCells(doc).insert(0, notebook.cells.map(newSharedCell));
}

export function newSharedCell(cell: Cell): SharedCell {
  const { cell_type: type, id, source, metadata, outputs, execution_count: count, attachments } = cell;
  const entries: [string, unknown][] = [
    ['id', id],
    ['cell_type', type],
    ['source', new Y.Text(typeof source === 'string' ? source : '')],
    ['metadata', mapOf(metadata)],
  ];
  if (type === 'code') {
    entries.push(['outputs', Y.Array.from(newSharedOutputs(outputs))]);
    entries.push(['execution_count', typeof count === 'number' ? count : null]);
    entries.push(['execution_state', 'idle']);
  } else if (isObject(attachments)) entries.push(['attachments', attachments]);
  return new Y.Map(entries);
}

export function newSharedOutputs(outputs: unknown): Y.Map<unknown>[] {
  return (Array.isArray(outputs) ? outputs : []).filter(isObject).map(newSharedOutput);
}

/** A stream's text is shared text, so that it can grow without being sent whole again. */
export function newSharedOutput(output: JsonObject): Y.Map<unknown> {
  const { text } = output;
  if (output['output_type'] !== 'stream') return mapOf(output);
  return new Y.Map(Object.entries({ ...output, text: new Y.Text(typeof text === 'string' ? text : '') } as JsonObject));
}

function mapOf(object: JsonObject): Y.Map<unknown> {
  return new Y.Map(Object.entries(object).filter(([, value]) => value !== undefined));
}

/**
 * The notebook in a shared document. Clients can write anything into it, so whatever does not fit is left out or
 * mended; the result is valid nbformat 4.5.
 */
export function readSharedNotebook(doc: Y.Doc): Notebook {
  const meta = sharedMeta(doc);
  const minor = meta.get('nbformat_minor');
  const reading = upgradeNotebook({
    nbformat: 4,
    nbformat_minor: typeof minor === 'number' && Number.isInteger(minor) && minor >= 5 ? minor : 5,
    metadata: validMetadata(plain(meta.get('metadata'))),
    cells: sharedCells(doc)
      .toArray()
      .map(readSharedCell)
      .filter((cell) => cell !== null),
  });
  // What was put together above is an object with cells and metadata, the only things for which it is refused.
  if (reading.kind === 'refused') throw new Error(`A shared notebook cannot be read: ${reading.reason}`);
  return reading.notebook;
}

/** Whether it is among the cells of the notebook that is read. */
export function isSharedCell(shared: unknown): shared is SharedCell {
  if (!(shared instanceof Y.Map)) return false;
  const type: unknown = shared.get('cell_type');
  return type === 'code' || type === 'markdown' || type === 'raw';
}

/** @returns null for what is no cell */
export function readSharedCell(shared: unknown): Cell | null {
  if (!isSharedCell(shared)) return null;
  const type = String(shared.get('cell_type'));
  const id = shared.get('id');
  const source = shared.get('source');
  const cell: Cell = {
    cell_type: type,
    ...(typeof id === 'string' ? { id } : {}),
    metadata: validCellMetadata(plain(shared.get('metadata'))),
    source: source instanceof Y.Text ? source.toJSON() : typeof source === 'string' ? source : '',
  };
  if (type === 'code') {
    const count = shared.get('execution_count');
    const outputs = shared.get('outputs');
    cell['execution_count'] = validCount(count);
    cell['outputs'] =
      outputs instanceof Y.Array
        ? outputs
            .toArray()
            .map(validOutput)
            .filter((one) => one !== null)
        : [];
  } else {
    const attachments = plain(shared.get('attachments'));
    if (isObject(attachments)) cell['attachments'] = attachments;
  }
  return cell;
}

/** Deeper than any notebook, and far from where recursion ends: what lies below is left out. */
const mostDepth = 300;

/**
 * What JSON can say of a value in a shared document, which may hold numbers, bytes and shared types that JSON knows
 * nothing of; undefined where it can say nothing.
 */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || depth > mostDepth) return undefined;
  if (value instanceof Y.Text) return value.toJSON();
  if (value instanceof Y.Array) return plain(value.toArray(), depth);
  if (value instanceof Y.Map) return plain(Object.fromEntries(value.entries()), depth);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1) ?? null);
  if (value instanceof Y.AbstractType || ArrayBuffer.isView(value)) return undefined;
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}

function validMetadata(metadata: unknown): JsonObject {
  if (!isObject(metadata)) return {};
  const { kernelspec, language_info: language, ...rest } = metadata;
  const isSpec = isObject(kernelspec) && isText(kernelspec['name']) && isText(kernelspec['display_name']);
  return {
    ...rest,
    ...(isSpec ? { kernelspec } : {}),
    ...(isObject(language) && isText(language['name']) ? { language_info: language } : {}),
  };
}

function validCellMetadata(metadata: unknown): JsonObject {
  if (!isObject(metadata)) return {};
  const { tags, name, ...rest } = metadata;
  return {
    ...rest,
    ...(Array.isArray(tags) ? { tags: tags.filter((tag) => typeof tag === 'string') } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}

function validCount(count: unknown): number | null {
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 ? count : null;
}

function validOutput(shared: unknown): JsonObject | null {
  const output = plain(shared);
  if (!isObject(output)) return null;
  switch (output['output_type']) {
    case 'stream': {
      const { text } = output;
      const name = isText(output['name']) ? output['name'] : 'stdout';
      return { ...output, name, text: Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : '' };
    }
    case 'error': {
      const { ename, evalue, traceback } = output;
      return {
        ...output,
        ename: typeof ename === 'string' ? ename : '',
        evalue: typeof evalue === 'string' ? evalue : '',
        traceback: Array.isArray(traceback) ? traceback.filter((line) => typeof line === 'string') : [],
      };
    }
    case 'display_data':
    case 'execute_result': {
      // `transient` is for the screen; nbformat has no place for it.
      const { transient: _, ...rest } = output;
      return {
        ...rest,
        data: isObject(output['data']) ? output['data'] : {},
        metadata: isObject(output['metadata']) ? output['metadata'] : {},
        ...(output['output_type'] === 'execute_result'
          ? { execution_count: validCount(output['execution_count']) }
          : {}),
      };
    }
    default:
      return null;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
