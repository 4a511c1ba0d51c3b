import { isObject, type JsonObject } from '../documents/json-object.ts';

/** One output of a cell as nbformat 4.5 has it. */
export type Output = JsonObject & { readonly output_type: 'stream' | 'display_data' | 'execute_result' | 'error' };

/**
 * What a message of a kernel adds to a cell, or null for a message that shows nothing. Kernels send what they like;
 * what comes out is valid nbformat.
 */
export function outputOf(type: string, content: JsonObject): Output | null {
  switch (type) {
    case 'stream':
      return { output_type: type, name: textOf(content['name']) || 'stdout', text: textOf(content['text']) };
    case 'display_data':
    case 'update_display_data':
      return { output_type: 'display_data', ...bundleOf(content) };
    case 'execute_result': {
      const count = content['execution_count'];
      return { output_type: type, execution_count: countOf(count), ...bundleOf(content) };
    }
    case 'error': {
      const { ename, evalue, traceback } = content;
      const lines = Array.isArray(traceback) ? traceback.map(textOf) : [];
      return { output_type: type, ename: textOf(ename), evalue: textOf(evalue), traceback: lines };
    }
    default:
      return null;
  }
}

export function errorOutput(name: string, message: string): Output {
  return { output_type: 'error', ename: name, evalue: message, traceback: [`${name}: ${message}`] };
}

/** What `input()` asked and was answered, as JupyterLab shows it afterwards. */
export function answeredInput(question: { prompt: string; password: boolean }, value: string): Output {
  const shown = question.password ? '········' : value;
  // A stream of its own, so that it is not joined with what the cell prints.
  return { output_type: 'stream', name: 'stdin', text: `${question.prompt} ${shown}\n` };
}

/** The id under which a display can be changed later. */
export function displayIdOf(content: JsonObject): string | null {
  const id = isObject(content['transient']) ? content['transient']['display_id'] : undefined;
  return typeof id === 'string' && id !== '' ? id : null;
}

export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null;
}

function bundleOf({ data, metadata }: JsonObject): { data: JsonObject; metadata: JsonObject } {
  const entries = Object.entries(isObject(data) ? data : {}).filter(([, value]) => value !== undefined);
  return {
    data: Object.fromEntries(entries.map(([type, value]) => [type, isJson(type) ? value : mimeText(value)])),
    metadata: isObject(metadata) ? metadata : {},
  };
}

// nbformat 4.5, definitions/misc/mimebundle: any JSON for application/json and for types that end in +json, else text
function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}

function mimeText(value: unknown): string {
  if (Array.isArray(value) && value.every((line) => typeof line === 'string')) return value.join('');
  return textOf(value);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every((line) => typeof line === 'string')) return value.join('').toWellFormed();
  return JSON.stringify(value);
}
