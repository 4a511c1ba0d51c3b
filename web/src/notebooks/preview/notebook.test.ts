import { describe, expect, test } from 'vitest';
import { isEmpty, parseNotebook } from './notebook.ts';
import { representations } from './representation.ts';
import { ansiToHtml, applyCarriageReturns } from './terminal-text.ts';

function notebookOf(...cells: unknown[]): string {
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
}

describe('reading a notebook', () => {
  test('joins lines and the pieces of a stream', () => {
    const { cells } = parseNotebook(
      notebookOf({
        cell_type: 'code',
        source: ['a\n', 'b'],
        execution_count: 3,
        outputs: [
          { output_type: 'stream', name: 'stdout', text: ['1\n'] },
          { output_type: 'stream', name: 'stdout', text: '2\n' },
          { output_type: 'stream', name: 'stderr', text: 'oh' },
        ],
      }),
    );
    expect(cells).toEqual([
      {
        id: '#0',
        kind: 'code',
        source: 'a\nb',
        executionCount: 3,
        outputs: [
          { output_type: 'stream', name: 'stdout', text: '1\n2\n' },
          { output_type: 'stream', name: 'stderr', text: 'oh' },
        ],
      },
    ]);
  });

  test('shows the rest when one cell or output is odd', () => {
    const { cells } = parseNotebook(
      notebookOf(
        { cell_type: 'surprise' },
        { cell_type: 'code', source: 'x', outputs: [{ output_type: '?' }, 7] },
        null,
      ),
    );
    expect(cells.map((cell) => cell.kind)).toEqual(['unknown', 'code', 'unknown']);
  });

  test('tells cells apart by their ids, also where ids are missing, doubled or odd', () => {
    const raw = (id?: unknown) => ({ cell_type: 'raw', source: '', ...(id === undefined ? {} : { id }) });
    const { cells } = parseNotebook(notebookOf(raw('a'), raw('a'), raw(), raw(7), raw('#1'), raw('b-2')));
    expect(cells.map(({ id }) => id)).toEqual(['a', '#1', '#2', '#3', '#4', 'b-2']);
  });

  test('takes the language from the kernel or from the language itself', () => {
    const language = (metadata: object): string =>
      parseNotebook(JSON.stringify({ nbformat: 4, metadata, cells: [] })).language;
    expect(language({ language_info: { name: 'R' } })).toBe('R');
    expect(language({ kernelspec: { language: 'julia' } })).toBe('julia');
    expect(language({})).toBe('python');
  });

  test.each([
    ['no cells', [], true],
    ['one empty cell, as when it was just made', [{ cell_type: 'code', source: [], outputs: [] }], true],
    ['code', [{ cell_type: 'code', source: 'x', outputs: [] }], false],
    ['an output without code', [{ cell_type: 'code', source: '', outputs: [{ output_type: 'error' }] }], false],
    ['a cell of a kind that is not known', [{ cell_type: 'surprise' }], false],
  ])('with %s', (_, cells, expected) => {
    expect(isEmpty(parseNotebook(notebookOf(...cells)))).toBe(expected);
  });

  test.each(['', '{', '[]', '{"a":1}', 'null'])('says so when a file is not a notebook: %s', (text) => {
    expect(() => parseNotebook(text)).toThrow(/not/);
  });
});

describe('an output', () => {
  test('is shown in its richest form that needs no scripts', () => {
    const kinds = representations({
      'text/plain': 'x',
      'text/html': ['<b>', 'x</b>'],
      'image/png': 'aGk=\n',
      'application/javascript': 'alert(1)',
    }).map(({ kind }) => kind);
    expect(kinds).toEqual(['html', 'image', 'text']);
  });

  test('has no picture made of anything but base64', () => {
    expect(representations({ 'image/png': '" onerror="alert(1)' })).toEqual([]);
  });
});

describe('terminal text', () => {
  test.each([
    ['10 %\r20 %\rdone', 'done'],
    ['abc\rX', 'Xbc'],
    ['a\r\nb', 'a\nb'],
    ['ab\bc', 'ac'],
  ])('is what a terminal would show: %j', (text, shown) => {
    expect(applyCarriageReturns(text)).toBe(shown);
  });

  test('keeps colours and escapes everything else', () => {
    const html = ansiToHtml('\u001b[31m<img src=x onerror=alert(1)>\u001b[0m & more');
    expect(html).toBe('<span class="ansi-red-fg">&lt;img src=x onerror=alert(1)&gt;</span> &amp; more');
  });

  test('makes no links of its own', () => {
    expect(ansiToHtml('\u001b]8;;https://evil.example\u0007bank\u001b]8;;\u0007')).not.toContain('href');
  });
});
