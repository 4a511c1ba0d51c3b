import { describe, expect, test } from 'vitest';
import { contentOf, type Content } from './content.ts';
import { createReplaced } from './replaced.ts';

const key = 'notebooks/a.ipynb';
const notebook = (source: string, output: string): Content =>
  contentOf(
    Buffer.from(
      JSON.stringify({
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {},
        cells: [
          {
            cell_type: 'code',
            id: 'a',
            metadata: {},
            source,
            execution_count: null,
            outputs: [{ output_type: 'stream', name: 'stdout', text: output }],
          },
        ],
      }),
    ),
  );

/** A disk that had these contents one after the other, from the mirror. */
async function diskWith(...contents: Content[]): Promise<ReturnType<typeof createReplaced>> {
  const replaced = createReplaced();
  for (const [index, content] of contents.entries()) {
    if (index > 0) await replaced.replacing(key, String(index - 1), async () => contents[index - 1] ?? null);
    // The first was there before this control plane.
    if (index > 0) replaced.has(key, String(index), content);
  }
  return replaced;
}

describe('what a program had read', () => {
  test('is the newest content with the sources that it writes back', async () => {
    const replaced = await diskWith(notebook('1', ''), notebook('1', 'x'), notebook('2', 'x'), notebook('3', 'x'));
    expect(replaced.readBy(key, notebook('1', 'result'))).toMatchObject({ generation: '1' });
    expect(replaced.readBy(key, notebook('2', 'result'))).toMatchObject({ generation: '2' });
  });

  test('is what it wrote itself before, where it writes more than once', async () => {
    const replaced = await diskWith(notebook('1', ''), notebook('2', ''));
    for (const output of ['half', 'more']) {
      const written = notebook('1', output);
      expect(replaced.readBy(key, written)).not.toBeNull();
      replaced.replacingMerged(key, written);
    }
    expect(replaced.readBy(key, notebook('1', 'all'))).toMatchObject({
      generation: null,
      notebook: notebook('1', 'more').notebook,
    });
  });

  test.each([
    ['what is there now', notebook('3', 'result')],
    ['sources that were never there', notebook('4', 'result')],
    ['what was there exactly so, and was put back', notebook('1', '')],
    ['what is no notebook', contentOf(Buffer.from('<<<<<<<'))],
  ])('is not known of %s', async (_, content) => {
    const replaced = await diskWith(notebook('1', ''), notebook('2', ''), notebook('3', ''));
    expect(replaced.readBy(key, content)).toBeNull();
  });
});
