import fc from 'fast-check';
import type { Cell, Notebook } from './nbformat.ts';

/** Notebooks for property tests: few ids and short texts, so that two of them meet often. */
export const anyText = fc
  .array(fc.constantFrom('a', 'b', 'x = 1', 'é😀', '', 'y = 2'), { maxLength: 5 })
  .map((lines) => lines.join('\n'));

const anyOutput = fc.oneof(
  plainRecord({ output_type: fc.constant('stream'), name: fc.constantFrom('stdout', 'stderr'), text: anyText }),
  plainRecord({
    output_type: fc.constant('display_data'),
    data: plainRecord({ 'text/plain': anyText }),
    metadata: fc.constant({}),
  }),
  plainRecord({
    output_type: fc.constant('error'),
    ename: fc.constant('E'),
    evalue: anyText,
    traceback: fc.array(anyText, { maxLength: 2 }),
  }),
);

function cellWith(id: string): fc.Arbitrary<Cell> {
  const metadata = fc.dictionary(fc.constantFrom('tags2', 'other', 'note'), fc.boolean(), {
    maxKeys: 2,
    noNullPrototype: true,
  });
  return fc.oneof(
    plainRecord({
      id: fc.constant(id),
      cell_type: fc.constant('code'),
      metadata,
      source: anyText,
      outputs: fc.array(anyOutput, { maxLength: 3 }),
      execution_count: fc.option(fc.integer({ min: 1, max: 9 })),
    }),
    plainRecord({ id: fc.constant(id), cell_type: fc.constant('markdown'), metadata, source: anyText }),
  );
}

export const anyNotebook: fc.Arbitrary<Notebook> = fc
  .shuffledSubarray(['a1', 'b2', 'c3', 'd4', 'e5', 'f6'])
  .chain((ids) => fc.tuple(...ids.map(cellWith)))
  .map((cells) => ({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));

/** Values as JSON.parse makes them: Yjs takes no objects without a prototype. */
function plainRecord<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}
