import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Notebook } from '../documents/nbformat.ts';
import { restoreCells } from './restore-cells.ts';
import { anyNotebook, upgraded } from './testing-notebooks.ts';

const notebook = (...cells: [id: string, source: string][]) =>
  upgraded({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(([id, source]) => ({ cell_type: 'markdown', id, source, metadata: {} })),
  });
const inShort = ({ cells }: Notebook) => cells.map((cell) => `${String(cell['id'])}=${String(cell['source'])}`);

describe('cells put back to a version', () => {
  const version = notebook(['a', '1'], ['b', '2'], ['c', '3']);

  it.each<[string, Notebook, string[], string[]]>([
    ['are changed back', notebook(['a', 'x'], ['b', 'y']), ['b'], ['a=x', 'b=2']],
    ['come back behind the cell they followed', notebook(['c', '3'], ['a', '1']), ['b'], ['c=3', 'a=1', 'b=2']],
    ['come back first', notebook(['c', '3']), ['a'], ['a=1', 'c=3']],
    ['come back in their order', notebook(), ['c', 'a', 'b'], ['a=1', 'b=2', 'c=3']],
    ['go where there was none', notebook(['a', '1'], ['new', '9']), ['new'], ['a=1']],
    ['stay where they are now', notebook(['b', 'y'], ['a', '1']), ['a'], ['b=y', 'a=1']],
  ])('%s', (_, current, ids, expected) => {
    expect(inShort(restoreCells(current, version, ids))).toEqual(expected);
  });

  it('must be in one of the two', () => {
    expect(() => restoreCells(notebook(), version, ['nowhere'])).toThrow(/"nowhere"/);
  });

  it('are as in the version, each once, and no other cell changes', () => {
    fc.assert(
      fc.property(
        anyNotebook,
        anyNotebook,
        fc.subarray(['a', 'b', 'c', 'd', 'e', 'f', 'g']),
        (current, old, subset) => {
          const ids = subset.filter((id) => [...current.cells, ...old.cells].some((cell) => cell['id'] === id));
          const result = restoreCells(current, old, ids);
          const cellOf = ({ cells }: Notebook, id: unknown) => cells.filter((cell) => cell['id'] === id);
          for (const id of 'abcdefg') {
            expect(cellOf(result, id)).toEqual(cellOf(ids.includes(id) ? old : current, id));
          }
        },
      ),
    );
  });
});
