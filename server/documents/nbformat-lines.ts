import { isObject, type JsonObject } from './json-object.ts';
import type { Cell } from './nbformat.ts';

// nbformat lets a text be a list of lines in a file, for the sake of diffs. In memory it is one string.

/** The cell with every text that is a list of lines made one string. */
export function joinLines(cell: Cell): Cell {
  return mapTexts(cell, join, (_type, value) => join(value));
}

/** The inverse: texts that people read become lists of lines; images and the like stay one string. */
export function splitLines(cell: Cell): Cell {
  return mapTexts(cell, split, (type, value) =>
    type.startsWith('text/') || type === 'application/javascript' || type === 'image/svg+xml' ? split(value) : value,
  );
}

type OnText = (value: unknown) => unknown;
type OnData = (mediaType: string, value: unknown) => unknown;

function mapTexts(cell: Cell, onText: OnText, onData: OnData): Cell {
  const result: Cell = { ...cell };
  if ('source' in cell) result['source'] = onText(cell['source']);
  const { attachments, outputs } = cell;
  if (isObject(attachments)) {
    result['attachments'] = mapValues(attachments, (bundle) => mapBundle(bundle, onData));
  }
  if (cell.cell_type === 'code' && Array.isArray(outputs)) {
    result['outputs'] = outputs.map((output: unknown) => {
      if (!isObject(output)) return output;
      if (output['output_type'] === 'stream') return { ...output, text: onText(output['text']) };
      return 'data' in output ? { ...output, data: mapBundle(output['data'], onData) } : output;
    });
  }
  return result;
}

function mapBundle(bundle: unknown, onData: OnData): unknown {
  if (!isObject(bundle)) return bundle;
  // A list under a JSON type is data, not lines.
  return mapValues(bundle, (value, type) => (isJsonType(type) ? value : onData(type, value)));
}

function isJsonType(type: string): boolean {
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'));
}

function mapValues(object: JsonObject, change: (value: unknown, key: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

function join(value: unknown): unknown {
  return Array.isArray(value) && value.every((line) => typeof line === 'string') ? value.join('') : value;
}

function split(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const lines: string[] = [];
  for (let start = 0; start < value.length;) {
    const end = value.indexOf('\n', start) + 1;
    lines.push(value.slice(start, end === 0 ? value.length : end));
    start = end === 0 ? value.length : end;
  }
  return lines;
}
