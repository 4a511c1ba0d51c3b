import { expect, test } from 'vitest';
import { copyPath, isLivePath, isPlaygroundFolder, playgroundName } from './live-paths.ts';

test.each([
  ['notebooks/a.ipynb', true],
  ['notebooks/deep/er/a.ipynb', true],
  ['notebooks/A.IPYNB', true],
  ['notebooks/.playground/7/a.ipynb', true],
  ['notebooks/a.py', false],
  ['notebooks/.ipynb/readme.md', false],
  ['notebooks.ipynb', false],
  ['work/notebooks/a.ipynb', false],
  ['a.ipynb', false],
  ['', false],
])('%s is live: %s', (path, isLive) => {
  expect(isLivePath(path)).toBe(isLive);
});

test.each([
  ['notebooks/.playground/7/a b.ipynb', 'a b.ipynb'],
  ['notebooks/playground/7/a.ipynb', undefined],
  ['notebooks/.playground/a.ipynb', undefined],
  ['notebooks/x/.playground/7/a.ipynb', undefined],
])('the playground %s is of %s', (path, name) => {
  expect(playgroundName(path)).toBe(name);
});

test.each([
  ['notebooks/.playground/7', true],
  ['/notebooks/.playground', true],
  ['notebooks/.playground/7/a.ipynb', false],
  ['notebooks/playground', false],
  ['notebooks', false],
])('%s is a folder of playgrounds: %s', (path, isFolder) => {
  expect(isPlaygroundFolder(path)).toBe(isFolder);
});

test.each([
  ['a/b.ipynb', 'a/b (mine 2026-01-31 09-05-00).ipynb'],
  ['a.b/c', 'a.b/c (mine 2026-01-31 09-05-00)'],
])('a copy of %s is %s', (path, copy) => {
  expect(copyPath(path, new Date('2026-01-31T09:05:00Z'))).toBe(copy);
});
