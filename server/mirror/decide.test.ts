import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, unreadable, type Decision, type Facts } from './decide.ts';
import { judgeDeletions } from './deletions.ts';

const cases: [name: string, synced: string | null, disk: Facts['disk'], bucket: string | null, Decision][] = [
  ['nowhere, never', null, null, null, 'nothing'],
  ['the same as ever', 'a', 'a', 'a', 'nothing'],
  ['new in the bucket', null, null, 'a', 'writeDisk'],
  ['new on the disk', null, 'a', null, 'writeBucket'],
  ['new on both, the same', null, 'a', 'a', 'adopt'],
  ['new on both, different', null, 'a', 'b', 'keepBoth'],
  ['changed in the bucket', 'a', 'a', 'b', 'writeDisk'],
  ['changed on the disk', 'a', 'b', 'a', 'writeBucket'],
  ['changed on both in the same way', 'a', 'b', 'b', 'adopt'],
  ['changed on both', 'a', 'b', 'c', 'merge'],
  ['deleted in the bucket', 'a', 'a', null, 'deleteOnDisk'],
  ['deleted on the disk', 'a', null, 'a', 'deleteInBucket'],
  ['deleted on both', 'a', null, null, 'forget'],
  ['deleted on the disk, changed in the bucket', 'a', null, 'b', 'writeDisk'],
  ['deleted in the bucket, changed on the disk', 'a', 'b', null, 'writeBucket'],
  ['half written on the disk, changed in the bucket', 'a', unreadable, 'b', 'nothing'],
  ['half written on the disk, deleted in the bucket', 'a', unreadable, null, 'nothing'],
];
test.each(cases)('%s', (_name, synced, disk, bucket, decision) => {
  expect(decide({ synced, disk, bucket, canWrite: true })).toBe(decision);
});

describe('for every combination', () => {
  const hash = fc.constantFrom(null, 'a', 'b', 'c');
  const facts = fc.record({
    synced: hash,
    disk: fc.oneof(hash, fc.constant(unreadable)),
    bucket: hash,
    canWrite: fc.boolean(),
  });

  test('nothing is written or deleted over content that the other side has not seen', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decision = decide(given);
        const { synced, disk, bucket } = given;
        if (decision === 'writeDisk') expect(disk === null || disk === synced).toBe(true);
        if (decision === 'deleteOnDisk') expect(disk).toBe(synced);
        if (decision === 'writeBucket') expect(bucket === null || bucket === synced).toBe(true);
        if (decision === 'deleteInBucket') expect(bucket).toBe(synced);
      }),
    );
  });

  test('a deletion needs a record that both once had it', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(given.synced === null);
        expect(['deleteOnDisk', 'deleteInBucket']).not.toContain(decide(given));
      }),
    );
  });

  test('who may not write changes nothing in the bucket', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const decision = decide({ ...given, canWrite: false });
        expect(['writeBucket', 'deleteInBucket', 'merge', 'keepBoth']).not.toContain(decision);
      }),
    );
  });
});

describe('deletions on the disk', () => {
  const missing = (count: number, content = 'lost') =>
    new Map(Array.from({ length: count }, (_, n) => [`${String(n)}.ipynb`, `${content}${String(n)}`]));
  const others = new Set(['other']);
  const judge = (given: Partial<Parameters<typeof judgeDeletions>[0]>) =>
    judgeDeletions({
      missing: missing(1),
      present: others,
      recorded: 10,
      passedLately: 0,
      folder: 'same',
      ...given,
    });

  test.each<[string, Parameters<typeof judge>[0], ReturnType<typeof judge>]>([
    ['one of some', {}, 'passOn'],
    ['the last one', { recorded: 1, present: new Set() }, 'passOn'],
    ['all of a few at once', { missing: missing(2), recorded: 2, present: new Set() }, 'restore'],
    ['20 of 30', { missing: missing(20), recorded: 30 }, 'passOn'],
    ['21 of 30', { missing: missing(21), recorded: 30 }, 'restore'],
    ['21 of 100', { missing: missing(21), recorded: 100 }, 'passOn'],
    ['the rest of a long deletion', { missing: missing(5), recorded: 14, passedLately: 16 }, 'restore'],
    ['a folder that moved', { missing: missing(25), recorded: 30, present: new Set(missing(25).values()) }, 'passOn'],
    ['in a folder that is another now', { folder: 'other' }, 'restore'],
  ])('%s', (_name, given, verdict) => {
    expect(judge(given)).toBe(verdict);
  });
});
