import { isRecord } from '../router.ts';

type Json = Record<string, unknown>;

/** A new notebook without cells. */
export const emptyNotebook: Json = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };

/**
 * The notebook in these bytes with its multi-line strings joined, as the API shows it, or null when they hold none.
 * @see nbformat 4: on disk, multi-line strings are lists of lines
 */
export function readNotebook(bytes: Buffer): Json | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  if (!isRecord(value) || typeof value['nbformat'] !== 'number') return null;
  return eachCell(value, (cell) => mapStrings(cell, (text) => (isLines(text) ? text.join('') : text)));
}

/** The bytes of a notebook as nbformat writes them, so that git shows what changed line by line. */
export function writeNotebook(notebook: Json): Buffer {
  const split = (text: unknown): unknown => (typeof text === 'string' ? linesOf(text) : text);
  const onDisk = eachCell(notebook, (cell) => withoutTrust(mapStrings(cell, split)));
  return Buffer.from(`${JSON.stringify(sortKeys(onDisk), null, 1)}\n`);
}

function eachCell(notebook: Json, change: (cell: Json) => Json): Json {
  const cells = notebook['cells'];
  return Array.isArray(cells)
    ? { ...notebook, cells: cells.map((cell: unknown) => (isRecord(cell) ? change(cell) : cell)) }
    : notebook;
}

/** Applies a change to every string that nbformat allows to be a list of lines. */
function mapStrings(cell: Json, change: (text: unknown) => unknown): Json {
  const mapped: Json = { ...cell };
  if ('source' in cell) mapped['source'] = change(cell['source']);
  if (isRecord(cell['attachments'])) {
    const bundles = Object.entries(cell['attachments']);
    mapped['attachments'] = Object.fromEntries(bundles.map(([name, bundle]) => [name, mapBundle(bundle, change)]));
  }
  if (Array.isArray(cell['outputs'])) {
    mapped['outputs'] = cell['outputs'].map((output: unknown) => {
      if (!isRecord(output)) return output;
      if (output['output_type'] === 'stream') return { ...output, text: change(output['text']) };
      return 'data' in output ? { ...output, data: mapBundle(output['data'], change) } : output;
    });
  }
  return mapped;
}

function mapBundle(bundle: unknown, change: (text: unknown) => unknown): unknown {
  if (!isRecord(bundle)) return bundle;
  const isJson = (type: string): boolean => type === 'application/json' || /^application\/.*\+json$/.test(type);
  return Object.fromEntries(Object.entries(bundle).map(([type, data]) => [type, isJson(type) ? data : change(data)]));
}

/** `trusted` is said by a server to its client, never written. */
function withoutTrust(cell: Json): Json {
  if (!isRecord(cell['metadata']) || !('trusted' in cell['metadata'])) return cell;
  const { trusted: _, ...metadata } = cell['metadata'];
  return { ...cell, metadata };
}

function isLines(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((line) => typeof line === 'string');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
