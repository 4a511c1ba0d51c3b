import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import * as Y from 'yjs';
import type { JsonObject } from '../documents/json-object.ts';
import { upgradeNotebook } from '../documents/nbformat.ts';
import { answeredInput } from './jupyter-output.ts';
import { newOutputState, OutputEdit, type OutputMessage } from './outputs.ts';
import { maxStreamLength } from './stream-text.ts';

// Its one copy of Yjs is the one that the product uses; JupyterLab's model of a shared cell is built on it.
const require = createRequire(import.meta.url);
const { YNotebook } = require('@jupyter/ydoc') as typeof import('@jupyter/ydoc');

function setUp() {
  const doc = new Y.Doc();
  const cell = new Y.Map<unknown>();
  doc.getArray('cells').push([cell]);
  const outputs = new Y.Array<Y.Map<unknown>>();
  cell.set('outputs', outputs);
  const state = newOutputState();
  return {
    doc,
    outputs,
    state,
    send(...messages: OutputMessage[]) {
      doc.transact(() => {
        const edit = new OutputEdit(outputs, state);
        for (const message of messages) edit.take(message);
        edit.commit();
      });
    },
    json: () => outputs.toJSON() as JsonObject[],
  };
}

const stream = (text: string, name = 'stdout'): OutputMessage => ({ type: 'stream', content: { name, text } });
const display = (text: string, id?: string): OutputMessage => ({
  type: 'display_data',
  content: {
    data: { 'text/plain': text },
    metadata: {},
    ...(id === undefined ? {} : { transient: { display_id: id } }),
  },
});
const update = (text: string, id: string): OutputMessage => ({ ...display(text, id), type: 'update_display_data' });
const clear = (wait: boolean): OutputMessage => ({ type: 'clear_output', content: { wait } });

/**
 * JupyterLab's OutputArea and OutputAreaModel, message by message, on plain JSON.
 * @see @jupyterlab/outputarea 4.6, widget.js `_onIOPub` and model.js
 */
function reference(messages: readonly OutputMessage[]): JsonObject[] {
  let list: JsonObject[] = [];
  let clearsNext = false;
  let lastStream = '';
  let index = 0;
  let displays = new Map<string, number[]>();
  const clearAll = () => {
    list = [];
    lastStream = '';
    displays = new Map();
  };
  const add = (output: JsonObject) => {
    if (clearsNext) {
      clearAll();
      clearsNext = false;
    }
    const last = list.at(-1);
    if (output['output_type'] !== 'stream') {
      list.push(output);
      lastStream = '';
      return;
    }
    const isSame = last !== undefined && output['name'] === lastStream;
    let text = isSame ? String(last['text']) : '';
    if (!isSame) index = 0;
    for (const character of String(output['text']).split('')) {
      if (character === '\r') while (index > 0 && text[index - 1] !== '\n') index -= 1;
      else if (character === '\b') {
        if (index > 0 && text[index - 1] !== '\n') {
          text = text.slice(0, index - 1) + text.slice(index + 1);
          index -= 1;
        }
      } else if (character === '\n') {
        text += '\n';
        index = text.length;
      } else {
        text = text.slice(0, index) + character + text.slice(index + 1);
        index += 1;
      }
    }
    if (isSame) last['text'] = text;
    else list.push({ ...output, text });
    lastStream = String(output['name']);
  };
  for (const { type, content } of messages) {
    const id = (content['transient'] as { display_id?: string } | undefined)?.display_id;
    if (type === 'clear_output') {
      if (content['wait'] === true) {
        lastStream = '';
        clearsNext = true;
      } else clearAll();
    } else if (type === 'update_display_data') {
      for (const place of displays.get(id ?? '') ?? []) {
        list[place] = { output_type: 'display_data', data: content['data'], metadata: content['metadata'] };
      }
    } else {
      const { transient: _, ...rest } = content;
      add({ output_type: type, ...rest });
      if (type === 'display_data' && id !== undefined) displays.set(id, [...(displays.get(id) ?? []), list.length - 1]);
    }
  }
  return list;
}

const anyMessage: fc.Arbitrary<OutputMessage> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r', '\b'), minLength: 1, maxLength: 6 }),
        fc.constantFrom('stdout', 'stderr'),
      )
      .map(([text, name]) => stream(text, name)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.string(), fc.option(fc.constantFrom('d1', 'd2'), { nil: undefined }))
      .map(([text, id]) => display(text, id)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.string(), fc.constantFrom('d1', 'd2', 'd3')).map(([text, id]) => update(text, id)),
  },
  { weight: 1, arbitrary: fc.boolean().map(clear) },
  fc.constant({ type: 'error', content: { ename: 'E', evalue: 'x', traceback: ['a', 'b'] } }),
  fc.constant({ type: 'execute_result', content: { data: { 'text/plain': '1' }, metadata: {}, execution_count: 1 } }),
);

/** The same messages in batches, cut at random. */
const batches = fc.array(fc.array(anyMessage, { minLength: 1, maxLength: 6 }), { maxLength: 6 });

describe('the outputs of a cell', () => {
  test('are those of JupyterLab, however the messages are gathered', () => {
    fc.assert(
      fc.property(batches, (groups) => {
        const cell = setUp();
        for (const group of groups) cell.send(...group);
        expect(cell.json()).toEqual(reference(groups.flat()));
      }),
      { numRuns: 2000 },
    );
  });

  test("reach JupyterLab's shared cell in the same order, change by change", () => {
    fc.assert(
      fc.property(batches, (groups) => {
        const notebook = YNotebook.create();
        const outputs = new Y.Array<Y.Map<unknown>>();
        const entries = { id: 'a', cell_type: 'code', source: new Y.Text(), metadata: new Y.Map(), outputs };
        notebook.ydoc.getArray('cells').push([new Y.Map<unknown>(Object.entries(entries))]);
        const shared = notebook.getCell(0);
        const view: JsonObject[] = [];
        let lastStream = '';
        const add = (output: JsonObject) => {
          // JupyterLab joins a stream that is added behind one of its name, which would count outputs differently.
          if (output['name'] === lastStream && view.length > 0) throw new Error('two streams were joined');
          lastStream = output['output_type'] === 'stream' ? String(output['name']) : '';
          view.push(output);
        };
        // What CodeCellModel does with a change. @see @jupyterlab/cells 4.6, model.js `_onSharedModelChanged`
        shared.changed.connect((_, change) => {
          const { streamOutputChange, outputsChange } = change as unknown as {
            streamOutputChange?: { delete?: number; insert?: string }[];
            outputsChange?: { retain?: number; delete?: number; insert?: Y.Map<unknown>[] }[];
          };
          for (const { delete: count = 0, insert = '' } of streamOutputChange ?? []) {
            const last = view.at(-1);
            if (last === undefined) throw new Error('a text changed where there is no output');
            const text = String(last['text']);
            last['text'] = text.slice(0, text.length - count) + insert;
          }
          let at = 0;
          for (const { retain = 0, delete: count = 0, insert = [] } of outputsChange ?? []) {
            at += retain;
            view.splice(at, count);
            for (const output of insert) add(output.toJSON());
          }
        });
        const state = newOutputState();
        for (const group of groups) {
          notebook.ydoc.transact(() => {
            const edit = new OutputEdit(outputs, state);
            for (const message of group) edit.take(message);
            edit.commit();
          });
          expect(view).toEqual(outputs.toJSON());
        }
        notebook.dispose();
      }),
      { numRuns: 500 },
    );
  });

  test('are valid nbformat whatever a kernel sends', () => {
    const anything = fc.anything();
    const content = fc.record(
      {
        name: anything,
        text: anything,
        data: fc.oneof(anything, fc.dictionary(fc.string(), anything)),
        metadata: anything,
        execution_count: anything,
        ename: anything,
        evalue: anything,
        traceback: anything,
        transient: anything,
        wait: anything,
      },
      { requiredKeys: [] },
    );
    const type = fc.constantFrom(
      'stream',
      'display_data',
      'execute_result',
      'error',
      'update_display_data',
      'clear_output',
      'nonsense',
    );
    fc.assert(
      fc.property(fc.array(fc.record({ type, content }), { maxLength: 8 }), (messages) => {
        const cell = setUp();
        // As it comes from a socket: JSON.
        cell.send(...messages.map((message) => JSON.parse(JSON.stringify(message, jsonable)) as OutputMessage));
        const reading = upgradeNotebook({
          nbformat: 4,
          nbformat_minor: 5,
          metadata: {},
          cells: [
            { id: 'a', cell_type: 'code', source: '', metadata: {}, execution_count: null, outputs: cell.json() },
          ],
        });
        expect(reading).toMatchObject({ kind: 'notebook', problem: null });
      }),
    );
  });

  it('go on at the cursor after a progress bar', () => {
    const cell = setUp();
    cell.send(stream('10%\r'));
    cell.send(stream('20%\r'));
    cell.send(stream('100%'));
    cell.send(stream('\ndone'));
    expect(cell.json()).toEqual([{ output_type: 'stream', name: 'stdout', text: '100%\ndone' }]);
  });

  it('keep what is there until the next output after clear_output(wait=True)', () => {
    const cell = setUp();
    cell.send(stream('old'), clear(true));
    expect(cell.json()).toHaveLength(1);
    cell.send(stream('new'));
    expect(cell.json()).toEqual([{ output_type: 'stream', name: 'stdout', text: 'new' }]);
  });

  it('keep head and tail of a stream that is far too long, by an edit at its end alone', () => {
    const cell = setUp();
    const deltas: unknown[] = [];
    cell.send(stream('first\n'));
    (cell.outputs.get(0).get('text') as Y.Text).observe((event) =>
      deltas.push(event.delta.map((step) => Object.keys(step)[0])),
    );
    for (let round = 0; round < 12; round += 1) cell.send(stream(`${'x'.repeat(99)}\n`.repeat(10_000)));
    cell.send(stream('last\n'));
    const text = String(cell.json()[0]?.['text']);
    expect(text.length).toBeLessThan(maxStreamLength);
    expect(text.startsWith('first\n')).toBe(true);
    expect(text.endsWith('last\n')).toBe(true);
    expect(text).toMatch(/\n\[… \d+ characters of this output were left out here …\]\n/);
    expect(deltas.every((delta) => ['retain,insert', 'retain,delete,insert'].includes(String(delta)))).toBe(true);
  });

  it('end with a sentence where there are too many, and still show an error', () => {
    const cell = setUp();
    for (let round = 0; round < 12; round += 1)
      cell.send(...Array.from({ length: 1000 }, (_, index) => display(String(index))));
    cell.send({ type: 'error', content: { ename: 'E', evalue: 'x', traceback: [] } });
    const json = cell.json();
    expect(json).toHaveLength(10_002);
    expect(json.at(-2)).toMatchObject({
      name: 'stderr',
      text: expect.stringContaining('more than a notebook can hold'),
    });
    expect(json.at(-1)).toMatchObject({ output_type: 'error' });
    cell.send(clear(false), stream('again'));
    expect(cell.json()).toEqual([{ output_type: 'stream', name: 'stdout', text: 'again' }]);
  });

  it('survive being cleared by a person while they grow', () => {
    const cell = setUp();
    cell.send(stream('a\rb'));
    cell.outputs.delete(0, 1);
    cell.send(stream('c'));
    expect(cell.json()).toEqual([{ output_type: 'stream', name: 'stdout', text: 'c' }]);
  });

  it('show what input() asked and was answered, a password not', () => {
    expect(answeredInput({ prompt: 'Name?', password: false }, 'Ada')).toEqual({
      output_type: 'stream',
      name: 'stdin',
      text: 'Name? Ada\n',
    });
    expect(answeredInput({ prompt: 'Key', password: true }, 'secret')['text']).toBe('Key ········\n');
  });
});

/** BigInts and symbols cannot come from a socket. */
function jsonable(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
