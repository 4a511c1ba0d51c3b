import fc from 'fast-check';
import { YNotebook } from '@jupyter/ydoc';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { applyNotebook, applyText } from './apply-notebook.ts';
import { notebookProblem } from './nbformat-problem.ts';
import { upgradeNotebook, type Notebook } from './nbformat.ts';
import { readSharedNotebook, sharedCells, sharedMeta, writeSharedNotebook } from './shared-notebook.ts';
import { anyNotebook } from './testing-notebooks.ts';

function docOf(notebook: Notebook): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    writeSharedNotebook(doc, notebook);
  });
  return doc;
}

test('a notebook written into a shared document is read back as it was', () => {
  fc.assert(
    fc.property(anyNotebook, (notebook) => {
      expect(readSharedNotebook(docOf(notebook))).toEqual(notebook);
    }),
  );
});

test("JupyterLab's own model reads the same cells from it, and what it writes is read here", () => {
  fc.assert(
    fc.property(anyNotebook, (notebook) => {
      const theirs = new YNotebook();
      Y.applyUpdate(theirs.ydoc, Y.encodeStateAsUpdate(docOf(notebook)));
      expect(JSON.parse(JSON.stringify(theirs.cells.map((cell) => cell.toJSON())))).toEqual(notebook.cells);
      const fromTheirs = YNotebook.create({ data: notebook as never });
      expect(readSharedNotebook(fromTheirs.ydoc)).toEqual(notebook);
      theirs.dispose();
      fromTheirs.dispose();
    }),
    { numRuns: 50 },
  );
});

test('applying a notebook makes the document say what it says, whatever it said before', () => {
  fc.assert(
    fc.property(anyNotebook, anyNotebook, (before, after) => {
      const doc = docOf(before);
      doc.transact(() => {
        applyNotebook(doc, after);
      });
      expect(readSharedNotebook(doc)).toEqual(after);
    }),
  );
});

test('applying what is there already changes nothing', () => {
  fc.assert(
    fc.property(anyNotebook, (notebook) => {
      const doc = docOf(notebook);
      let updates = 0;
      doc.on('update', () => updates++);
      doc.transact(() => {
        applyNotebook(doc, notebook);
      });
      expect(updates).toBe(0);
    }),
  );
});

test('outputs that somebody else wrote are not trusted; those of a run here stay so', () => {
  const html = (text: string) => ({ output_type: 'display_data', data: { 'text/html': text }, metadata: {} });
  const cell = (id: string, text: string) => ({
    id,
    cell_type: 'code',
    metadata: { tags: ['a'] },
    source: '',
    execution_count: 1,
    outputs: [html(text)],
  });
  const notebook = (...cells: Notebook['cells']): Notebook => {
    const reading = upgradeNotebook({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
    if (reading.kind === 'refused') throw new Error(reading.reason);
    return reading.notebook;
  };
  const doc = docOf(notebook(cell('a', 'ours'), cell('b', 'ours'), cell('c', 'ours')));
  doc.transact(() => {
    for (const shared of sharedCells(doc)) (shared.get('metadata') as Y.Map<unknown>).set('trusted', true);
  });
  const theirs = { ...cell('a', 'theirs'), metadata: { tags: ['a'], trusted: true } };
  doc.transact(() => {
    applyNotebook(doc, notebook(theirs, { ...cell('b', 'ours'), source: 'theirs', metadata: {} }, cell('d', 'theirs')));
  });
  const metadata = sharedCells(doc).map((shared) => (shared.get('metadata') as Y.Map<unknown>).toJSON());
  expect(metadata).toEqual([{ tags: ['a'] }, { trusted: true }, { tags: ['a'] }]);
});

test('a cell that stays keeps its shared object, and edits that others make in it', () => {
  const base: Notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [{ id: 'a1', cell_type: 'markdown', metadata: {}, source: 'one\ntwo\nthree' }],
  };
  const doc = docOf(base);
  const other = new Y.Doc();
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  (sharedCells(other).get(0).get('source') as Y.Text).insert(0, 'zero\n');
  doc.transact(() => {
    applyNotebook(doc, { ...base, cells: base.cells.map((cell) => ({ ...cell, source: 'one\ntwo\nthree\nfour' })) });
  });
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
  expect(readSharedNotebook(doc).cells[0]?.['source']).toBe('zero\none\ntwo\nthree\nfour');
});

test('a text changes only between what both have in common, and never inside a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (before, after) => {
      const doc = new Y.Doc();
      const text = doc.getText('t');
      text.insert(0, before);
      applyText(text, after);
      expect(text.toJSON()).toBe(after);
    }),
  );
});

test('whatever clients write into the shared types, what is read is a valid notebook', () => {
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('code', 'markdown', 'stream', 'error', 'display_data'),
  );
  const anyShared: fc.Arbitrary<() => unknown> = fc.letrec<{ any: () => unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      junk.map((value) => () => value),
      fc.string().map((value) => () => new Y.Text(value)),
      fc.array(tie('any'), { maxLength: 3 }).map((parts) => () => Y.Array.from(parts.map((make) => make() as never))),
      fc
        .dictionary(
          fc.constantFrom(
            'id',
            'cell_type',
            'source',
            'metadata',
            'outputs',
            'output_type',
            'text',
            'execution_count',
            'name',
            'data',
            'attachments',
            'tags',
            'kernelspec',
          ),
          tie('any'),
          { maxKeys: 6, noNullPrototype: true },
        )
        .map((parts) => () => new Y.Map(Object.entries(parts).map(([key, make]) => [key, make()]))),
    ),
  })).any;
  fc.assert(
    fc.property(
      fc.array(anyShared, { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('metadata', 'nbformat', 'nbformat_minor'), anyShared),
      (cells, meta) => {
        const doc = new Y.Doc();
        doc.getArray<never>('cells').insert(
          0,
          cells.map((make) => make() as never),
        );
        for (const [key, make] of Object.entries(meta)) sharedMeta(doc).set(key, make());
        expect(notebookProblem(readSharedNotebook(doc))).toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});
