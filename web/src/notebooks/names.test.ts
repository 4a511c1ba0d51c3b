import { describe, expect, test } from 'vitest';
import { notebookTextProblem, notebookFileProblem } from './check-upload.ts';
import { freeTitle, pathOf, titleOf, titleProblem } from './names.ts';

test('a title and its path lead to one another', () => {
  expect(pathOf('a b')).toBe('a b.ipynb');
  expect(pathOf('a.ipynb')).toBe('a.ipynb');
  expect(titleOf('deep/a.ipynb')).toBe('deep/a');
});

test.each([
  ['', /needs a name/],
  ['../up', /".."/],
  ['/abs', /does not start with a slash/],
  ['a\u202eb', /invisible/],
  ['taken', /already/],
  ['taken.ipynb', /already/],
])('a name that cannot be is refused with the reason: %j', (title, reason) => {
  expect(titleProblem(title, ['taken.ipynb'])).toMatch(reason);
});

test('the next free name is found', () => {
  expect(freeTitle('Untitled', [])).toBe('Untitled');
  expect(freeTitle('Untitled', ['Untitled.ipynb', 'Untitled 2.ipynb'])).toBe('Untitled 3');
});

describe('an upload', () => {
  test.each([
    ['', /not valid JSON/],
    ['[1]', /nbformat/],
    ['{"nbformat":3,"worksheets":[]}', /old format/],
    ['{"nbformat":4}', /no cells/],
  ])('that is not a notebook is refused with the reason: %s', (text, reason) => {
    expect(notebookTextProblem(text)).toMatch(reason);
  });

  test('that is one is taken', async () => {
    const text = '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[]}';
    expect(await notebookFileProblem(new File([text], 'a.ipynb'))).toBeUndefined();
    expect(await notebookFileProblem(new File([text], 'a.txt'))).toMatch(/does not end in/);
  });
});
