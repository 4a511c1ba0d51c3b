import { isObject, type JsonObject } from './json-object.ts';
import type { Cell, Notebook } from './nbformat.ts';

/**
 * The first thing in a notebook that does not follow nbformat 4.5, in a sentence; null when it is valid. Fields that the
 * schema does not know are let pass: later minor versions add some.
 */
export function notebookProblem(notebook: Notebook): string | null {
  const { kernelspec, language_info: language } = notebook.metadata;
  if (
    kernelspec !== undefined &&
    !(isObject(kernelspec) && hasText(kernelspec, 'name') && hasText(kernelspec, 'display_name'))
  ) {
    return 'The kernelspec in the metadata has no "name" and "display_name".';
  }
  if (language !== undefined && !(isObject(language) && hasText(language, 'name'))) {
    return 'The language_info in the metadata has no "name".';
  }
  for (const [index, cell] of notebook.cells.entries()) {
    const problem = cellProblem(cell);
    if (problem !== null) return `Cell ${String(index + 1)} ${problem}`;
  }
  return null;
}

function cellProblem(cell: Cell): string | null {
  if (!['code', 'markdown', 'raw'].includes(cell.cell_type))
    return `is of an unknown kind, "${cell.cell_type.slice(0, 40)}".`;
  if (typeof cell['source'] !== 'string') return 'has a source that is not text.';
  const { tags, name } = cell.metadata;
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
    return 'has tags that are not a list of texts.';
  }
  if (name !== undefined && typeof name !== 'string') return 'has a name that is not text.';
  if (cell.cell_type !== 'code') {
    const { attachments } = cell;
    return attachments === undefined || isObject(attachments) ? null : 'has attachments that are not an object.';
  }
  if (!isCount(cell['execution_count'])) return 'has an execution count that is neither a whole number nor null.';
  if (!Array.isArray(cell['outputs'])) return 'has outputs that are not a list.';
  for (const [index, output] of cell['outputs'].entries()) {
    const problem = isObject(output) ? outputProblem(output) : 'is not an object.';
    if (problem !== null) return `has an output (${String(index + 1)}) that ${problem}`;
  }
  return null;
}

function outputProblem(output: JsonObject): string | null {
  switch (output['output_type']) {
    case 'stream':
      return hasText(output, 'name') && typeof output['text'] === 'string' ? null : 'has no "name" and "text".';
    case 'error':
      return typeof output['ename'] === 'string' &&
        typeof output['evalue'] === 'string' &&
        Array.isArray(output['traceback'])
        ? null
        : 'has no "ename", "evalue" and "traceback".';
    case 'execute_result':
      if (!isCount(output['execution_count'])) return 'has an execution count that is neither a whole number nor null.';
      return isObject(output['data']) && isObject(output['metadata']) ? null : 'has no "data" and "metadata".';
    case 'display_data':
      return isObject(output['data']) && isObject(output['metadata']) ? null : 'has no "data" and "metadata".';
    default:
      return 'is of an unknown kind.';
  }
}

function hasText(object: JsonObject, key: string): boolean {
  return typeof object[key] === 'string' && object[key] !== '';
}

function isCount(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Number.isInteger(value) && value >= 0);
}
