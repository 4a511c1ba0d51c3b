import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thin, type Thinnable } from './thinning.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const now = Date.UTC(2026, 5, 15, 12);
/** Old enough to be looked at, and the beginning of five minutes. */
const old = 20 * minuteMs;

function version(id: string, ageMs: number, options: Partial<Thinnable> = {}): Thinnable {
  return { id, at: now - ageMs, kind: 'autosave', name: null, authorIds: ['ada'], isCurrent: false, ...options };
}

function kept(versions: readonly Thinnable[], at = now): Thinnable[] {
  const gone = new Set(thin(versions, at).map(({ id }) => id));
  return versions.filter(({ id }) => !gone.has(id));
}

const ids = (versions: readonly Thinnable[]) => versions.map(({ id }) => id).toSorted();

describe('thinning', () => {
  it.each<[string, Thinnable[], string[]]>([
    ['all of ten minutes', [version('a', 9 * minuteMs), version('b', 8 * minuteMs), version('c', 1)], ['a', 'b', 'c']],
    ['one of five minutes', [version('a', old), version('b', old - 30_000), version('c', 1)], ['b', 'c']],
    [
      'each of two people',
      [version('a', old), version('b', old - 1000, { authorIds: ['bob'] }), version('c', old - 2000)],
      ['b', 'c'],
    ],
    ['two of ten minutes', [version('a', 30 * minuteMs), version('b', 21 * minuteMs)], ['a', 'b']],
    [
      'one of an hour after a day',
      [version('a', 30 * hourMs), version('b', 30 * hourMs - 20 * minuteMs), version('c', 0)],
      ['b', 'c'],
    ],
    [
      'one of a day after a week',
      [version('a', 20 * dayMs), version('b', 20 * dayMs - 3 * hourMs), version('c', 0)],
      ['b', 'c'],
    ],
    [
      'one of a week after 90 days',
      [version('a', 200 * dayMs), version('b', 199 * dayMs), version('c', 0)],
      ['b', 'c'],
    ],
    [
      'a named one for ever',
      [version('a', 900 * dayMs, { name: 'sent', kind: 'checkpoint' }), version('b', 900 * dayMs - 1)],
      ['a', 'b'],
    ],
    [
      'a restore and what it replaced',
      [
        version('a', old),
        version('b', old - 1000),
        version('c', old - 2000, { kind: 'restore' }),
        version('d', old - 3000),
      ],
      ['b', 'c', 'd'],
    ],
    [
      'a conflict, which stands for no other',
      [version('a', old), version('b', old - 1000, { kind: 'conflict' })],
      ['a', 'b'],
    ],
    [
      'the last checkpoint, whatever was saved after it',
      [
        version('a', old, { kind: 'checkpoint' }),
        version('b', old - 1000, { kind: 'checkpoint' }),
        version('c', old - 2000),
        version('d', old - 3000),
      ],
      ['b', 'd'],
    ],
    [
      'the current one, even where the clock went back',
      [version('a', old, { isCurrent: true }), version('b', old - 1000)],
      ['a', 'b'],
    ],
  ])('keeps %s', (_, versions, expected) => {
    expect(ids(kept(versions))).toEqual(expected);
  });

  it('passes authors on to the next that stays', () => {
    const versions = [
      version('a', 4 * dayMs + 3 * minuteMs),
      version('b', 4 * dayMs + 2 * minuteMs, { authorIds: ['bob'] }),
      version('c', 4 * dayMs + minuteMs),
    ];
    expect(thin(versions, now).toSorted((left, right) => (left.id < right.id ? -1 : 1))).toEqual([
      { id: 'a', into: 'c' },
      { id: 'b', into: 'c' },
    ]);
  });
});

describe('thinning of any history', () => {
  const age = fc.oneof(
    fc.integer({ min: 0, max: 20 * minuteMs }),
    fc.integer({ min: 0, max: 2 * dayMs }),
    fc.integer({ min: 0, max: 40 * dayMs }),
    fc.integer({ min: 0, max: 400 * dayMs }),
  );
  const history = fc
    .array(
      fc.record({
        age,
        kind: fc.constantFrom('autosave', 'autosave', 'checkpoint', 'restore', 'upload', 'disk', 'conflict', 'created'),
        name: fc.option(fc.constant('named'), { freq: 8 }),
        authorIds: fc.subarray(['ada', 'bob']),
      }),
      { maxLength: 60 },
    )
    .map((each) =>
      each
        .toSorted((left, right) => right.age - left.age)
        .map(({ age: ageMs, ...rest }, index, { length }) =>
          version(String(index).padStart(3, '0'), ageMs, { ...rest, isCurrent: index === length - 1 }),
        ),
    );
  const laterMs = fc.integer({ min: 0, max: 200 * dayMs });

  it('takes nothing more the second time', () => {
    fc.assert(
      fc.property(history, (versions) => {
        expect(thin(kept(versions), now)).toEqual([]);
      }),
    );
  });

  it('leaves the same, whether it was thinned in between or not', () => {
    fc.assert(
      fc.property(history, laterMs, (versions, later) => {
        expect(ids(kept(kept(versions), now + later))).toEqual(ids(kept(versions, now + later)));
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order it is told in', () => {
    fc.assert(
      fc.property(
        history.chain((versions) =>
          fc.tuple(
            fc.constant(versions),
            fc.shuffledSubarray(versions, { minLength: versions.length, maxLength: versions.length }),
          ),
        ),
        ([versions, shuffled]) => {
          expect(ids(kept(shuffled))).toEqual(ids(kept(versions)));
        },
      ),
    );
  });

  it('never takes the newest, a named one, a restore or a conflict', () => {
    fc.assert(
      fc.property(history, laterMs, (versions, later) => {
        const left = new Set(ids(kept(versions, now + later)));
        for (const { id, name, kind, isCurrent } of versions) {
          if (name !== null || kind === 'restore' || kind === 'conflict' || isCurrent) expect(left).toContain(id);
        }
      }),
    );
  });

  it('leaves, for 90 days, a version at most a day younger for each there was', () => {
    fc.assert(
      fc.property(history, (versions) => {
        const left = kept(versions);
        for (const { at, kind } of versions) {
          if (kind === 'conflict' || now - at >= 90 * dayMs) continue;
          expect(left.some((one) => one.kind !== 'conflict' && one.at >= at && one.at - at < dayMs)).toBe(true);
        }
      }),
    );
  });

  it('bounds what is left of a day to the slots of its groups', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: dayMs - 1 }), { maxLength: 2000 }), (ages) => {
        const versions = ages.map((ageMs, index) => version(String(index), ageMs + 10 * minuteMs));
        expect(kept(versions).length).toBeLessThanOrEqual(24 * 12 + 1);
      }),
      { numRuns: 20 },
    );
  });
});
