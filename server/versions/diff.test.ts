import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NotebookDiff, type CellDiff, type DiffField, type DiffLine } from '@terrarium/contract';
import type { JsonObject } from '../documents/json-object.ts';
import type { Cell, Notebook } from '../documents/nbformat.ts';
import { diffNotebooks } from './diff.ts';
import { diffText } from './diff-text.ts';
import { anyNotebook, upgraded } from './testing-notebooks.ts';

const code = (id: string, source: string, more: JsonObject = {}) => ({
  cell_type: 'code',
  id,
  source,
  metadata: {},
  outputs: [],
  execution_count: null,
  ...more,
});
const notebook = (...cells: JsonObject[]) => upgraded({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
const inShort = ({ cells }: NotebookDiff) =>
  cells.map((cell) => `${cell.kind} ${cell.id}${'isMoved' in cell && cell.isMoved ? ' moved' : ''}`);

describe('the difference of two notebooks', () => {
  const before = notebook(code('a', '1'), code('b', '2'), code('c', '3'), code('d', '4'));

  it.each<[string, Notebook, string[]]>([
    [
      'an added cell',
      notebook(code('a', '1'), code('new', '9'), code('b', '2'), code('c', '3'), code('d', '4')),
      ['same a', 'added new', 'same b', 'same c', 'same d'],
    ],
    [
      'removed cells, where they were',
      notebook(code('a', '1'), code('d', '4')),
      ['same a', 'removed b', 'removed c', 'same d'],
    ],
    [
      'a first cell that went',
      notebook(code('b', '2'), code('c', '3'), code('d', '4')),
      ['removed a', 'same b', 'same c', 'same d'],
    ],
    [
      'the one cell that moved',
      notebook(code('d', '4'), code('a', '1'), code('b', '2'), code('c', '3')),
      ['same d moved', 'same a', 'same b', 'same c'],
    ],
    [
      'a changed cell',
      notebook(code('a', '1'), code('b', '2!'), code('c', '3'), code('d', '4')),
      ['same a', 'changed b', 'same c', 'same d'],
    ],
  ])('shows %s', (_, after, expected) => {
    expect(inShort(diffNotebooks(before, after))).toEqual(expected);
  });

  it('tells sources, outputs, metadata and other fields of a cell apart', () => {
    const stream = { output_type: 'stream', name: 'stdout', text: '1\n' };
    const after = notebook(
      code('a', 'one\ntwo words here', { execution_count: 3, outputs: [stream], metadata: { tags: ['x'] } }),
    );
    const diff = diffNotebooks(notebook(code('a', 'one\ntwo words there')), after);
    expect(diff.cells).toMatchObject([
      {
        kind: 'changed',
        source: [
          { kind: 'same', text: 'one' },
          {
            kind: 'removed',
            text: 'two words there',
            parts: [
              { text: 'two words ', isChanged: false },
              { text: 'there', isChanged: true },
            ],
          },
          {
            kind: 'added',
            text: 'two words here',
            parts: [
              { text: 'two words ', isChanged: false },
              { text: 'here', isChanged: true },
            ],
          },
        ],
        outputs: { before: [], after: [stream] },
        metadata: [{ key: 'tags', after: ['x'] }],
        fields: [{ key: 'execution_count', before: null, after: 3 }],
      },
    ]);
  });

  it.each<[string, (word: string) => string]>([
    ['many lines', (word) => Array.from({ length: 20_000 }, (_, index) => `${word} ${String(index)}`).join('\n')],
    ['a long line', (word) => `${word} same `.repeat(100_000)],
    ['many words in many lines', (word) => `${`${word} same `.repeat(60)}\n`.repeat(2000)],
  ])('keeps nobody waiting over texts that share little: %s', (_, text) => {
    const lines = diffText(text('before'), text('after'));
    expect(sideOf(lines, 'added')).toBe(text('after'));
    expect(sideOf(lines, 'removed')).toBe(text('before'));
  });

  it('keeps nobody waiting over cells in another order', () => {
    const cells = Array.from({ length: 3000 }, (_, index) => code(String((index * 7) % 3000), `x = ${String(index)}`));
    const diff = diffNotebooks(notebook(...cells), notebook(...cells.toReversed()));
    expect(diff.cells.filter((cell) => 'isMoved' in cell && !cell.isMoved)).toHaveLength(1);
  });
});

describe('the difference of any two notebooks', () => {
  it('of one and itself is nothing', () => {
    fc.assert(
      fc.property(anyNotebook, (one) => {
        const diff = diffNotebooks(one, structuredClone(one));
        expect(diff).toMatchObject({ metadata: [], fields: [] });
        expect(diff.cells.every((cell) => cell.kind === 'same' && !cell.isMoved)).toBe(true);
      }),
    );
  });

  it('done to the one gives the other', () => {
    fc.assert(
      fc.property(anyNotebook, anyNotebook, (before, after) => {
        expect(applied(before, diffNotebooks(before, after))).toEqual(after);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same in both directions', () => {
    fc.assert(
      fc.property(anyNotebook, anyNotebook, (before, after) => {
        const there = diffNotebooks(before, after).cells.map(inverted).toSorted(byId);
        expect(diffNotebooks(after, before).cells.toSorted(byId)).toEqual(there);
      }),
      { numRuns: 500 },
    );
  });

  it('shows every cell of both once, those of each in their order', () => {
    fc.assert(
      fc.property(anyNotebook, anyNotebook, (before, after) => {
        const { cells } = diffNotebooks(before, after);
        const idsOf = ({ cells: all }: Notebook) => all.map((cell) => cell['id']);
        expect(cells.filter(({ kind }) => kind !== 'removed').map(({ id }) => id)).toEqual(idsOf(after));
        expect(cells.map(({ id }) => id).toSorted()).toEqual(
          [...new Set([...idsOf(before), ...idsOf(after)])].toSorted(),
        );
      }),
    );
  });

  it('is as the contract says, and survives JSON', () => {
    fc.assert(
      fc.property(anyNotebook, anyNotebook, (before, after) => {
        const diff = diffNotebooks(before, after);
        expect(NotebookDiff.parse(JSON.parse(JSON.stringify(diff)))).toEqual(diff);
      }),
    );
  });
});

describe('the difference of any two texts', () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom('a b c', 'a b d', 'x', '', 'x y'), { maxLength: 8 }).map((lines) => lines.join('\n')),
  );

  it('has both texts in it, and the words of each line', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffText(before, after);
        expect(sideOf(lines, 'removed')).toBe(before);
        expect(sideOf(lines, 'added')).toBe(after);
        for (const line of lines) {
          if (line.parts !== undefined) expect(line.parts.map((part) => part.text).join('')).toBe(line.text);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function byId(left: { id: string }, right: { id: string }): number {
  return left.id < right.id ? -1 : 1;
}

function sideOf(lines: readonly DiffLine[], side: 'added' | 'removed'): string {
  return lines
    .filter(({ kind }) => kind === 'same' || kind === side)
    .map(({ text }) => text)
    .join('\n');
}

function applied(before: Notebook, diff: NotebookDiff): Notebook {
  const cells: Cell[] = [];
  for (const change of diff.cells) {
    // The contract says of a cell no more than that it is an object; this one was a cell of a notebook.
    if (change.kind === 'added') cells[change.after] = change.cell as Cell;
    if (change.kind === 'removed' || change.kind === 'added') continue;
    const cell = before.cells[change.before];
    if (cell === undefined) throw new Error(`There is no cell ${String(change.before)}.`);
    cells[change.after] = change.kind === 'same' ? cell : changedCell(cell, change);
  }
  return {
    ...(withFields(before, diff.fields) as Notebook),
    metadata: withFields(before.metadata, diff.metadata),
    cells,
  };
}

function changedCell(cell: Cell, change: CellDiff & { kind: 'changed' }): Cell {
  return {
    ...(withFields(cell, change.fields) as Cell),
    metadata: withFields(cell.metadata, change.metadata),
    ...(change.source === null ? {} : { source: sideOf(change.source, 'added') }),
    ...(change.outputs === null ? {} : { outputs: change.outputs.after }),
  };
}

function withFields(value: JsonObject, fields: readonly DiffField[]): JsonObject {
  const entries = new Map(Object.entries(value));
  for (const field of fields) {
    if ('after' in field) entries.set(field.key, field.after);
    else entries.delete(field.key);
  }
  return Object.fromEntries(entries);
}

function inverted(change: CellDiff): CellDiff {
  const turned = (fields: readonly DiffField[]): DiffField[] =>
    fields.map((field) => ({
      key: field.key,
      ...('after' in field ? { before: field.after } : {}),
      ...('before' in field ? { after: field.before } : {}),
    }));
  switch (change.kind) {
    case 'same':
      return { ...change, before: change.after, after: change.before };
    case 'added': {
      const { after, ...rest } = change;
      return { ...rest, kind: 'removed', before: after };
    }
    case 'removed': {
      const { before, ...rest } = change;
      return { ...rest, kind: 'added', after: before };
    }
    case 'changed':
      return {
        ...change,
        // The type of a cell is a text.
        type:
          (turned(change.fields).find(({ key }) => key === 'cell_type')?.after as string | undefined) ?? change.type,
        before: change.after,
        after: change.before,
        source: change.source === null ? null : turnedLines(change.source),
        outputs: change.outputs === null ? null : { before: change.outputs.after, after: change.outputs.before },
        metadata: turned(change.metadata),
        fields: turned(change.fields),
      };
  }
}

function turnedLines(lines: readonly DiffLine[]): DiffLine[] {
  const blocks = lines.reduce<DiffLine[][]>((all, line) => {
    const last = all.at(-1);
    if (last !== undefined && last[0]?.kind !== 'same' && line.kind !== 'same') last.push(line);
    else all.push([line]);
    return all;
  }, []);
  const turned = { same: 'same', added: 'removed', removed: 'added' } as const;
  return blocks.flatMap((block) =>
    block
      .map((line): DiffLine => ({ ...line, kind: turned[line.kind] }))
      .toSorted((left, right) => (left.kind === right.kind ? 0 : left.kind === 'removed' ? -1 : 1)),
  );
}
