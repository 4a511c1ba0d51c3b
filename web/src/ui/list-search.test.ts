import { expect, test } from 'vitest';
import { ListSearch, matches } from './list-search.ts';

test('a search finds what has every word, in any case', () => {
  expect(matches('', 'anything')).toBe(true);
  expect(matches('PENG r', 'Penguins', 'R')).toBe(true);
  expect(matches('penguins julia', 'Penguins', 'R')).toBe(false);
  expect(matches('x', null, 'y')).toBe(false);
});

test('nonsense in the address is left out, not refused', () => {
  expect(ListSearch.parse({ q: 7, sort: ['x'], desc: 'maybe', other: 1 })).toEqual({});
});
