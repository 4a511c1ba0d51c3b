import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyNotebook, kernelOf, readNotebook, upgradeNotebook, writeNotebook, type Notebook } from './nbformat.ts';

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

function opened(value: unknown): Notebook {
  const reading = readNotebook(bytes(value));
  if (reading.kind === 'refused') throw new Error(reading.reason);
  return reading.notebook;
}

const lines = fc.oneof(fc.string(), fc.array(fc.string()));
const id = fc.option(fc.oneof(fc.stringMatching(/^[a-zA-Z0-9_-]{1,8}$/), fc.constantFrom('same', '', 'has space', 7)), {
  nil: undefined,
});
const mediaBundle = fc.dictionary(
  fc.constantFrom('text/plain', 'text/html', 'image/png', 'application/json', 'application/vnd.x+json'),
  fc.oneof(lines, fc.jsonValue() as fc.Arbitrary<unknown>),
);
const output = fc.oneof(
  fc.record({ output_type: fc.constant('stream'), name: fc.constantFrom('stdout', 'stderr'), text: lines }),
  fc.record({ output_type: fc.constant('display_data'), data: mediaBundle, metadata: fc.constant({}) }),
  fc.record({
    output_type: fc.constant('error'),
    ename: fc.string(),
    evalue: fc.string(),
    traceback: fc.array(fc.string()),
  }),
);
const cell = fc.oneof(
  fc.record(
    {
      cell_type: fc.constant('code'),
      id,
      source: lines,
      metadata: fc.dictionary(fc.string(), fc.jsonValue()),
      outputs: fc.array(output),
      execution_count: fc.option(fc.nat()),
    },
    { requiredKeys: ['cell_type', 'source'] },
  ),
  fc.record(
    {
      cell_type: fc.constantFrom('markdown', 'raw'),
      id,
      source: lines,
      metadata: fc.dictionary(fc.string(), fc.jsonValue()),
    },
    { requiredKeys: ['cell_type', 'source'] },
  ),
);
const notebook4 = fc.record({
  nbformat: fc.constant(4),
  nbformat_minor: fc.integer({ min: 0, max: 6 }),
  metadata: fc.dictionary(fc.string(), fc.jsonValue()),
  cells: fc.array(cell),
});

const textOf = (source: unknown) => (Array.isArray(source) ? source.join('') : source);

describe('any notebook of nbformat 4', () => {
  test('opens as 4.5 or later, each cell with a valid id of its own and its text unchanged', () => {
    fc.assert(
      fc.property(notebook4, (given) => {
        const { cells, nbformat_minor: minor } = opened(given);
        expect(minor).toBeGreaterThanOrEqual(5);
        expect(cells.map((upgraded) => upgraded['source'])).toEqual(given.cells.map((old) => textOf(old.source)));
        for (const upgraded of cells) expect(upgraded['id']).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        expect(new Set(cells.map((upgraded) => upgraded['id'])).size).toBe(cells.length);
      }),
    );
  });

  test('keeps every valid id at its first place', () => {
    fc.assert(
      fc.property(notebook4, (given) => {
        const upgraded = opened(given).cells.map((one) => one['id']);
        const seen = new Set<unknown>();
        for (const [index, old] of given.cells.entries()) {
          if (typeof old.id !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(old.id) || seen.has(old.id)) continue;
          seen.add(old.id);
          expect(upgraded[index]).toBe(old.id);
        }
      }),
    );
  });

  test('reads the same when read again, and after being written', () => {
    fc.assert(
      fc.property(notebook4, (given) => {
        const once = opened(given);
        expect(opened(given)).toEqual(once);
        expect(opened(once)).toEqual(once);
        expect(opened(writeNotebook(once))).toEqual(once);
      }),
    );
  });
});

test('no bytes and no JSON make reading throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (given) => void readNotebook(given)));
  fc.assert(fc.property(fc.jsonValue(), (given) => void upgradeNotebook(given)));
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.integer({ min: 3, max: 4 }), (cells, metadata, nbformat) => {
      upgradeNotebook({ nbformat, nbformat_minor: 0, metadata, cells: [cells], worksheets: [{ cells: [cells] }] });
    }),
  );
  expect(readNotebook(bytes('['.repeat(200_000))).kind).toBe('refused');
});

test.each([
  ['', 'it is empty.'],
  ['{"cells": [', 'it is not valid JSON'],
  ['[]', 'its JSON is not an object.'],
  ['{}', 'it does not say its nbformat version.'],
  [{ nbformat: 4, nbformat_minor: 2, metadata: {} }, 'it has no "cells".'],
  [{ nbformat: 4, nbformat_minor: 2, metadata: [], cells: [] }, 'its "metadata" is not an object.'],
  [{ nbformat: 4, nbformat_minor: 2, metadata: {}, cells: [{}] }, 'its cell 1 does not say what kind of cell it is.'],
  [{ nbformat: 5, nbformat_minor: 0, metadata: {}, cells: [] }, 'it has nbformat 5, which is newer'],
  [{ nbformat: 2, worksheets: [] }, 'before 1.0'],
])('%j is refused with the reason', (given, reason) => {
  const reading = readNotebook(bytes(given));
  expect(reading.kind === 'refused' && reading.reason).toContain(reason);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(readNotebook(new Uint8Array([0x7b, 0xff, 0x7d]))).toEqual({
    kind: 'refused',
    reason: 'it is not text in UTF-8.',
  });
});

test('a byte order mark does not matter', () => {
  expect(opened(`\ufeff${JSON.stringify(emptyNotebook(null))}`).cells).toEqual([]);
});

test('trust marks and signatures are never kept', () => {
  const { metadata, cells } = opened({
    nbformat: 4,
    nbformat_minor: 4,
    metadata: { signature: 'sha256:1', orig_nbformat: 3, title: 'x' },
    cells: [{ cell_type: 'code', source: '1', metadata: { trusted: true, tags: ['a'] } }],
  });
  expect(metadata).toEqual({ title: 'x' });
  expect(cells[0]?.metadata).toEqual({ tags: ['a'] });
});

test('nbformat 3 is converted: headings, prompts, outputs and their media types', () => {
  const {
    cells,
    metadata,
    nbformat_minor: minor,
  } = opened({
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: 'old', gist: 1 },
    worksheets: [
      {
        cells: [
          { cell_type: 'heading', level: 2, source: ['A ', 'title'] },
          {
            cell_type: 'code',
            language: 'python',
            collapsed: false,
            input: ['1 + 1\n', '2'],
            prompt_number: 3,
            outputs: [
              { output_type: 'pyout', prompt_number: 3, text: ['2'], png: 'aGk=', metadata: { png: { width: 1 } } },
              { output_type: 'stream', stream: 'stderr', text: ['oops\n'] },
              { output_type: 'pyerr', ename: 'E', evalue: 'v', traceback: [] },
              { output_type: 'display_data', json: ['{"a":', '1}'], html: '<b>' },
            ],
          },
        ],
      },
    ],
  });
  expect(minor).toBe(5);
  expect(metadata).toEqual({ gist: 1 });
  expect(cells).toEqual([
    { cell_type: 'markdown', id: expect.any(String), metadata: {}, source: '## A title' },
    {
      cell_type: 'code',
      id: expect.any(String),
      metadata: { collapsed: false },
      source: '1 + 1\n2',
      execution_count: 3,
      outputs: [
        {
          output_type: 'execute_result',
          execution_count: 3,
          metadata: { 'image/png': { width: 1 } },
          data: { 'text/plain': '2', 'image/png': 'aGk=' },
        },
        { output_type: 'stream', name: 'stderr', text: 'oops\n' },
        { output_type: 'error', ename: 'E', evalue: 'v', traceback: [] },
        { output_type: 'display_data', metadata: {}, data: { 'application/json': { a: 1 }, 'text/html': '<b>' } },
      ],
    },
  ]);
});

test('what does not follow nbformat is named, and opens all the same', () => {
  const reading = upgradeNotebook({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [{ cell_type: 'wrong', metadata: {} }],
  });
  expect(reading).toMatchObject({ kind: 'notebook', problem: 'Cell 1 is of an unknown kind, "wrong".' });
});

test('a file is written the way Jupyter writes it', () => {
  expect(
    writeNotebook(
      opened({
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {},
        cells: [{ id: 'a', cell_type: 'markdown', source: 'é\n\nb', metadata: {} }],
      }),
    ),
  ).toBe(
    `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "a",
   "metadata": {},
   "source": [
    "é\\n",
    "\\n",
    "b"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`,
  );
});

test('kernel and language come from the metadata', () => {
  expect(kernelOf({ kernelspec: { name: 'ir', language: 'R' } })).toEqual({ kernel: 'ir', language: 'R' });
  expect(kernelOf({ language_info: { name: 'julia' } })).toEqual({ kernel: null, language: 'julia' });
  expect(kernelOf({ kernelspec: 'python3' })).toEqual({ kernel: null, language: null });
});
