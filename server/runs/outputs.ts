import * as Y from 'yjs';
import { isObject, type JsonObject } from '../documents/json-object.ts';
import { displayIdOf, outputOf, type Output } from './jupyter-output.ts';
import { boundStream, commonStart, emptyEnd, maxStreamLength, writeStream, type StreamEnd } from './stream-text.ts';

/** A message of a kernel, of which only these parts matter to outputs. */
export interface OutputMessage {
  readonly type: string;
  readonly content: JsonObject;
}

/** A cell takes this many outputs and about this many characters of them; then a sentence, and errors alone. */
const maxOutputs = 10_000;
const maxCellLength = 50_000_000;
const fullNotice =
  '[This cell has shown more than a notebook can hold. What it shows from here on is left out; errors are still shown.]\n';

/** What of one execution's outputs is not in the document itself. */
export interface OutputState {
  /** `clear_output(wait=True)`: cleared when the next output comes. */
  clearsNext: boolean;
  /** Where the last output, a stream, is written next; null for its end. */
  column: number | null;
  /** Nothing more is taken. */
  isFull: boolean;
  /** Characters shown so far, or more than that where some were overwritten since; null when they must be counted. */
  length: number | null;
  /** Places of the outputs with an id, by that id. */
  readonly displays: Map<string, number[]>;
}

/** A stream that is in the document and grows: its last line `before` and the new text in its place. */
interface Tail {
  readonly text: Y.Text;
  readonly from: number;
  readonly before: string;
  ended: string;
  end: StreamEnd;
}

export function newOutputState(): OutputState {
  return { clearsNext: false, column: null, isFull: false, length: null, displays: new Map() };
}

/**
 * Edits one cell's outputs by messages, and writes to the document once, in `commit`: a flood becomes one edit. The
 * result is what JupyterLab's OutputArea would have made of the messages.
 *
 * INVARIANTS: the cell's outputs are the first `#kept` of the document's, the last of them with `#tail` in place of its
 * text from `#tail.from` on, followed by `#added`. A stream's text changes only at its end, and an output in the middle
 * only together with all behind it: JupyterLab's view of a shared cell takes any other change for one at the end.
 */
export class OutputEdit {
  readonly #outputs: Y.Array<Y.Map<unknown>>;
  readonly #state: OutputState;
  #kept: number;
  #added: Output[] = [];
  #tail: Tail | null = null;
  /** The end of the stream that is last in `#added`. */
  #addedEnd: StreamEnd = emptyEnd;

  constructor(outputs: Y.Array<Y.Map<unknown>>, state: OutputState) {
    this.#outputs = outputs;
    this.#state = state;
    this.#kept = outputs.length;
  }

  get length(): number {
    return this.#kept + this.#added.length;
  }

  /** Takes a message; what is no output is ignored. Displays in other cells are up to the caller. */
  take({ type, content }: OutputMessage): void {
    if (type === 'clear_output') {
      if (content['wait'] === true) this.#state.clearsNext = true;
      else this.clear();
      return;
    }
    const output = outputOf(type, content);
    if (output === null) return;
    const displayId = displayIdOf(content);
    if (type === 'update_display_data') {
      if (displayId !== null) this.update(displayId, output);
      return;
    }
    this.add(output);
    if (displayId === null || type !== 'display_data' || this.#state.isFull) return;
    const places = this.#state.displays.get(displayId) ?? [];
    places.push(this.length - 1);
    this.#state.displays.set(displayId, places);
  }

  add(output: Output): void {
    if (this.#state.clearsNext) this.clear();
    if (this.#state.isFull && output.output_type !== 'error') return;
    if (output.output_type === 'stream') this.#addStream(String(output['name']), String(output['text']));
    else this.#push(output);
    if (this.#state.isFull || !this.#isOver(output)) return;
    this.#state.isFull = true;
    this.#push({ output_type: 'stream', name: 'stderr', text: fullNotice });
  }

  clear(): void {
    this.#kept = 0;
    this.#added = [];
    this.#tail = null;
    this.#state.length = 0;
    this.#state.clearsNext = false;
    this.#state.column = null;
    this.#state.isFull = false;
    this.#state.displays.clear();
  }

  /** Puts another output in the places that show this id. */
  update(displayId: string, output: Output): void {
    const places = (this.#state.displays.get(displayId) ?? []).filter((place) => place < this.length);
    const first = Math.min(...places);
    if (first < this.#kept) this.#takeFrom(first);
    for (const place of places) this.#added[place - this.#kept] = output;
  }

  /** Writes to the document. Call it inside a transaction. */
  commit(): void {
    if (this.#tail !== null) this.#commitTail(this.#tail);
    const surplus = this.#outputs.length - this.#kept;
    if (surplus > 0) this.#outputs.delete(this.#kept, surplus);
    if (this.#added.length > 0) this.#outputs.push(this.#added.map(sharedOutput));
    const last = this.#added.at(-1);
    if (last?.output_type === 'stream') this.#keepColumn(this.#addedEnd);
    else if (last !== undefined) this.#state.column = null;
    this.#kept = this.#outputs.length;
    this.#added = [];
    this.#tail = null;
  }

  #push(output: Output): void {
    this.#added.push(output);
    if (output.output_type !== 'stream') return;
    // Callers hand over whole streams only where they need no control characters.
    this.#addedEnd = endOf(String(output['text']), null);
  }

  #addStream(name: string, text: string): void {
    const last = this.#added.at(-1);
    if (last !== undefined) {
      if (last.output_type === 'stream' && last['name'] === name) this.#extendAdded(last, text);
      else this.#startStream(name, text);
      return;
    }
    const kept = this.#kept === 0 ? undefined : this.#outputs.get(this.#kept - 1);
    const shared = kept?.get('output_type') === 'stream' && kept.get('name') === name ? kept.get('text') : undefined;
    if (shared instanceof Y.Text) this.#extendKept(shared, text);
    else this.#startStream(name, text);
  }

  #startStream(name: string, text: string): void {
    const { ended, end } = writeStream(emptyEnd, text);
    this.#added.push({ output_type: 'stream', name, text: bounded(ended, end.line) });
    this.#addedEnd = end;
  }

  #extendAdded(last: Output, text: string): void {
    const before = String(last['text']);
    const { ended, end } = writeStream(this.#addedEnd, text);
    const start = before.slice(0, before.length - this.#addedEnd.line.length);
    this.#added[this.#added.length - 1] = { ...last, text: bounded(start + ended, end.line) };
    this.#addedEnd = end;
  }

  #extendKept(shared: Y.Text, text: string): void {
    if (this.#tail === null) {
      const whole = shared.toJSON();
      const end = endOf(whole, this.#state.column);
      this.#tail = { text: shared, from: whole.length - end.line.length, before: end.line, ended: '', end };
    }
    const { ended, end } = writeStream(this.#tail.end, text);
    this.#tail.ended += ended;
    this.#tail.end = end;
  }

  #commitTail({ text, from, before, ended, end }: Tail): void {
    const after = ended + end.line;
    this.#keepColumn(end);
    if (from + after.length <= maxStreamLength) {
      replaceEnd(text, from, before, after);
      return;
    }
    const whole = text.toJSON();
    replaceEnd(text, 0, whole, boundStream(whole.slice(0, from) + after));
  }

  #keepColumn({ line, column }: StreamEnd): void {
    this.#state.column = column === line.length ? null : column;
  }

  /** Takes the outputs from this place on out of the document, to write them again. */
  #takeFrom(place: number): void {
    const tail = this.#tail;
    const taken = this.#outputs.slice(place, this.#kept).map((shared) => {
      const output = shared.toJSON() as Output;
      if (tail === null || shared.get('text') !== tail.text) return output;
      const before = tail.text.toJSON().slice(0, tail.from);
      return { ...output, text: bounded(before + tail.ended, tail.end.line) };
    });
    const last = taken.at(-1);
    if (this.#added.length === 0 && last?.output_type === 'stream') {
      this.#addedEnd = tail?.end ?? endOf(String(last['text']), this.#state.column);
    }
    this.#tail = null;
    this.#added = [...taken, ...this.#added];
    this.#kept = place;
  }

  #isOver(output: Output): boolean {
    this.#state.length = (this.#state.length ?? this.#count()) + lengthOf(output);
    if (this.length >= maxOutputs) return true;
    if (this.#state.length < maxCellLength) return false;
    // Of a stream every character was added up, those that it has overwritten or lost as well.
    this.#state.length = this.#count();
    return this.#state.length >= maxCellLength;
  }

  #count(): number {
    const kept = this.#outputs.slice(0, this.#kept).map((shared) => shared.toJSON() as Output);
    return [...kept, ...this.#added].reduce((sum, output) => sum + lengthOf(output), 0);
  }
}

function replaceEnd(text: Y.Text, from: number, before: string, after: string): void {
  const common = commonStart(before, after);
  if (before.length > common) text.delete(from + common, before.length - common);
  if (after.length > common) text.insert(from + common, after.slice(common));
}

function endOf(text: string, column: number | null): StreamEnd {
  const line = text.slice(text.lastIndexOf('\n') + 1);
  return { line, column: Math.min(column ?? line.length, line.length) };
}

function bounded(start: string, line: string): string {
  return boundStream(start + line);
}

function lengthOf(output: Output): number {
  if (output.output_type === 'stream') return String(output['text']).length;
  const data = isObject(output['data']) ? output['data'] : output;
  return Object.values(data).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : 100),
    100,
  );
}

/** A stream's text is shared text, so that it can grow without being sent whole again. */
function sharedOutput(output: Output): Y.Map<unknown> {
  const entries = Object.entries(output);
  if (output.output_type !== 'stream') return new Y.Map(entries);
  return new Y.Map(entries.map(([name, value]) => [name, name === 'text' ? new Y.Text(String(value)) : value]));
}
