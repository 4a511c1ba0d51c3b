import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeNotebooks } from './merge-notebooks.ts';
import { mergeText } from './merge-text.ts';
import type { Notebook } from './nbformat.ts';
import { anyNotebook, anyText } from './testing-notebooks.ts';

const cellsOf = ({ cells }: Notebook): Notebook['cells'] => cells;

test('where one side changed nothing, the other side is the result', () => {
  fc.assert(
    fc.property(anyNotebook, anyNotebook, (base, changed) => {
      expect(mergeNotebooks(base, changed, base)).toEqual({ notebook: changed, conflicts: [] });
      expect(mergeNotebooks(base, base, changed)).toEqual({ notebook: changed, conflicts: [] });
    }),
  );
});

test('where both sides made the same changes, there is no conflict', () => {
  fc.assert(
    fc.property(anyNotebook, anyNotebook, (base, changed) => {
      expect(mergeNotebooks(base, changed, changed)).toEqual({ notebook: changed, conflicts: [] });
    }),
  );
});

test('no cell is there twice, and every cell that a side added or changed is there', () => {
  fc.assert(
    fc.property(anyNotebook, anyNotebook, anyNotebook, (base, ours, theirs) => {
      const { notebook } = mergeNotebooks(base, ours, theirs);
      const ids = notebook.cells.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const before = new Map(cellsOf(base).map((cell) => [cell['id'], JSON.stringify(cell)]));
      for (const cell of [...ours.cells, ...theirs.cells]) {
        if (JSON.stringify(cell) !== before.get(cell['id'])) expect(ids).toContain(cell['id']);
      }
    }),
  );
});

test('a cell without a conflict says what the side says that changed it', () => {
  fc.assert(
    fc.property(anyNotebook, anyNotebook, anyNotebook, (base, ours, theirs) => {
      const { notebook, conflicts } = mergeNotebooks(base, ours, theirs);
      const find = (where: Notebook, id: unknown): unknown => where.cells.find((cell) => cell['id'] === id);
      for (const cell of notebook.cells) {
        const id = cell['id'];
        const [was, mine, other] = [find(base, id), find(ours, id), find(theirs, id)];
        if (conflicts.includes(String(id))) expect(cell).toEqual(mine);
        else if (JSON.stringify(was) === JSON.stringify(mine) && other !== undefined) expect(cell).toEqual(other);
        else if (JSON.stringify(was) === JSON.stringify(other) && mine !== undefined) expect(cell).toEqual(mine);
      }
    }),
  );
});

test.each([
  ['a\nb\nc', 'A\nb\nc', 'a\nb\nC', 'A\nb\nC'],
  ['a\nb\nc', 'a\nb\nc\nd', 'zero\na\nb\nc', 'zero\na\nb\nc\nd'],
  ['a\nb\nc', 'a\nc', 'a\nb\nC', null],
  ['a', 'b', 'c', null],
  ['', 'b', 'c', null],
  ['a\nb', 'a\nb', 'x', 'x'],
])('lines of %j changed to %j and to %j become %j', (base, ours, theirs, merged) => {
  expect(mergeText(base, ours, theirs)).toBe(merged);
  expect(mergeText(base, theirs, ours)).toBe(merged);
});

test('merging texts does not depend on who is who', () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, (base, ours, theirs) => {
      expect(mergeText(base, ours, theirs)).toBe(mergeText(base, theirs, ours));
    }),
  );
});
