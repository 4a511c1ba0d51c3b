import fc from 'fast-check';
import { upgradeNotebook, type Notebook } from '../documents/nbformat.ts';

/** A notebook as the control plane holds it. */
export function upgraded(value: unknown): Notebook {
  const reading = upgradeNotebook(value);
  if (reading.kind === 'refused') throw new Error(reading.reason);
  return reading.notebook;
}

const source = fc
  .array(fc.constantFrom('x = 1', 'x = 2', 'print(x)', '', '  y = x + 1', '# a longer line of text', 'é'), {
    maxLength: 6,
  })
  .map((lines) => lines.join('\n'));
const metadata = fc
  .dictionary(fc.constantFrom('tags', 'a', '__proto__', 'toString'), fc.jsonValue(), { maxKeys: 2 })
  // As a file would have it: JSON knows no -0.
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const output = fc.record({
  output_type: fc.constant('stream'),
  name: fc.constantFrom('stdout', 'stderr'),
  text: fc.constantFrom('1\n', '2\n'),
});
const cellOf = (id: string) =>
  fc.oneof(
    fc.record({
      cell_type: fc.constant('code'),
      id: fc.constant(id),
      source,
      metadata,
      outputs: fc.array(output, { maxLength: 2 }),
      execution_count: fc.option(fc.nat(3)),
    }),
    fc.record({ cell_type: fc.constantFrom('markdown', 'raw'), id: fc.constant(id), source, metadata }),
  );

const cellIds = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** Notebooks whose cells have few ids, so that any two have some in common, in any order. */
export const anyNotebook: fc.Arbitrary<Notebook> = fc
  .shuffledSubarray(cellIds)
  .chain((ids) =>
    fc.record({
      nbformat: fc.constant(4),
      nbformat_minor: fc.constant(5),
      metadata,
      cells: fc.tuple(...ids.map(cellOf)),
    }),
  )
  .map(upgraded);
