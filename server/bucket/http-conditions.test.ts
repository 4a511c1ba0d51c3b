import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matches, requestedRange, requiredGeneration } from './http-conditions.ts';

const info = {
  key: 'a',
  size: 10,
  contentType: 'x/y',
  generation: '7',
  updatedAt: new Date(0),
  createdAt: new Date(0),
};

test.each([
  ['bytes=0-3', { start: 0, end: 3 }],
  ['bytes=4-', { start: 4, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-30', { start: 0, end: 9 }],
  ['bytes=9-100', { start: 9, end: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', undefined],
  ['bytes=0-1,4-5', undefined],
  ['items=0-1', undefined],
  ['bytes=-', undefined],
  ['bytes=a-b', undefined],
  [undefined, undefined],
])('Range %s of ten bytes', (header, expected) => {
  expect(requestedRange(header, 10)).toEqual(expected);
});

test('a range never leaves the object', () => {
  fc.assert(
    fc.property(fc.nat(), fc.option(fc.nat()), fc.option(fc.nat()), (size, first, last) => {
      const range = requestedRange(`bytes=${String(first ?? '')}-${String(last ?? '')}`, size);
      if (range === undefined || range === 'unsatisfiable') return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.start).toBeLessThanOrEqual(range.end);
      expect(range.end).toBeLessThan(size);
    }),
  );
});

test.each([
  [{ ifMatch: '"7"' }, true, false],
  [{ ifMatch: '"6", "7"' }, true, false],
  [{ ifMatch: 'W/"7"' }, false, false],
  [{ ifMatch: '*' }, true, false],
  [{ ifMatch: '7' }, false, false],
  [{ ifNoneMatch: '*' }, false, true],
  [{ ifNoneMatch: '"7"' }, false, true],
  [{ ifNoneMatch: 'W/"7"' }, false, true],
  [{ ifNoneMatch: '"6"' }, true, true],
  [{ ifMatch: '"7"', ifNoneMatch: '"7"' }, false, false],
])('%j holds for generation 7: %s, for nothing: %s', (given, present, absent) => {
  const conditions = { ifMatch: undefined, ifNoneMatch: undefined, ...given };
  expect(matches(conditions, info)).toBe(present);
  expect(matches(conditions, null)).toBe(absent);
});

test('a conditional write names what it must replace', () => {
  const none = { ifMatch: undefined, ifNoneMatch: undefined };
  expect(requiredGeneration(none, 'a', info)).toBeUndefined();
  expect(requiredGeneration({ ...none, ifMatch: '*' }, 'a', info)).toBe('7');
  expect(requiredGeneration({ ...none, ifNoneMatch: '*' }, 'a', null)).toBe('absent');
  expect(() => requiredGeneration({ ...none, ifMatch: '"6"' }, 'a', info)).toThrow('"a" was changed since you read it');
  expect(() => requiredGeneration({ ...none, ifMatch: '"6"' }, 'a', null)).toThrow('does not exist any more');
  expect(() => requiredGeneration({ ...none, ifNoneMatch: '*' }, 'a', info)).toThrow('exists already');
});
