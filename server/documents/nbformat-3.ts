import { isObject, type JsonObject } from './json-object.ts';

const mediaTypes: Record<string, string> = {
  text: 'text/plain',
  html: 'text/html',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpeg: 'image/jpeg',
  latex: 'text/latex',
  json: 'application/json',
  javascript: 'application/javascript',
};

/**
 * A notebook of nbformat 3 (IPython 1 and 2) in the shape of nbformat 4: worksheets become one list of cells, headings
 * become Markdown, outputs get media types. What is not an object where one belongs is passed on for the check that
 * follows to name.
 * @see nbformat/v4/convert.py, which defines the conversion
 */
export function fromNbformat3(old: JsonObject): JsonObject {
  const { worksheets, metadata, orig_nbformat: _, orig_nbformat_minor: __, ...rest } = old;
  const cells = (Array.isArray(worksheets) ? worksheets : []).flatMap((sheet: unknown): unknown[] =>
    isObject(sheet) && Array.isArray(sheet['cells']) ? sheet['cells'].map(cell) : [],
  );
  // In nbformat 3 the notebook's name was part of it.
  const { name: ___, ...kept } = isObject(metadata) ? metadata : {};
  return { ...rest, nbformat: 4, nbformat_minor: 0, metadata: kept, cells };
}

function cell(old: unknown): unknown {
  if (!isObject(old)) return old;
  const metadata = isObject(old['metadata']) ? old['metadata'] : {};
  switch (old['cell_type']) {
    case 'code': {
      const { input, prompt_number: count, language: _, collapsed, outputs, ...rest } = old;
      return {
        ...rest,
        metadata: collapsed === undefined ? metadata : { ...metadata, collapsed },
        source: input ?? '',
        execution_count: count ?? null,
        outputs: Array.isArray(outputs) ? outputs.map(output) : [],
      };
    }
    case 'heading': {
      const { level, source, ...rest } = old;
      const depth = typeof level === 'number' ? Math.min(Math.max(Math.trunc(level), 1), 6) : 1;
      const lines = Array.isArray(source) ? source.join('') : typeof source === 'string' ? source : '';
      return {
        ...rest,
        metadata,
        cell_type: 'markdown',
        source: `${'#'.repeat(depth)} ${lines.split(/\r?\n/).join(' ').trim()}`,
      };
    }
    case 'html':
      return { ...old, metadata, cell_type: 'markdown' };
    default:
      return { ...old, metadata };
  }
}

function output(old: unknown): unknown {
  if (!isObject(old)) return old;
  switch (old['output_type']) {
    case 'pyout': {
      const { prompt_number: count, metadata, output_type: _, ...data } = old;
      return {
        output_type: 'execute_result',
        execution_count: count ?? null,
        metadata: named(metadata),
        data: bundle(data),
      };
    }
    case 'display_data': {
      const { metadata, output_type: _, ...data } = old;
      return { output_type: 'display_data', metadata: named(metadata), data: bundle(data) };
    }
    case 'pyerr':
      return { ...old, output_type: 'error' };
    case 'stream': {
      const { stream, ...rest } = old;
      return { ...rest, name: stream ?? 'stdout' };
    }
    default:
      return old;
  }
}

function named(metadata: unknown): JsonObject {
  return isObject(metadata)
    ? Object.fromEntries(Object.entries(metadata).map(([key, value]) => [mediaTypes[key] ?? key, value]))
    : {};
}

function bundle(data: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(named(data)).map(([type, value]) => [type, type === 'application/json' ? parsed(value) : value]),
  );
}

// nbformat 3 kept JSON output as its text.
function parsed(value: unknown): unknown {
  const source: unknown = Array.isArray(value) ? value.join('') : value;
  if (typeof source !== 'string') return source;
  try {
    return JSON.parse(source);
  } catch {
    return source;
  }
}
