import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentOf } from './content.ts';
import { createReplaced } from './replaced.ts';
import { passDeletionOn, syncNotebook, type Outcome } from './sync.ts';
import {
  cellIds,
  Crash,
  hashOf,
  memoryBucket,
  memoryDisk,
  memoryRecords,
  notebookBytes,
  textsIn,
  type CellId,
} from './sync-testing.ts';

const key = 'notebooks/a.ipynb';

/** Two people's disks and the bucket between them. */
function createWorld() {
  const bucket = memoryBucket();
  let stepsLeft = Infinity;
  let interrupt = (): void => undefined;
  const step = () => {
    if (stepsLeft-- === 0) interrupt();
  };
  const createPerson = () => {
    const disk = memoryDisk(step);
    const records = memoryRecords(step);
    return { disk, sides: { disk, bucket: bucket.side(step), records, replaced: createReplaced(), canWrite: true } };
  };
  const [one, other] = [createPerson(), createPerson()];
  return {
    bucket,
    person: (index: number) => (index === 0 ? one : other),
    /** One sync of one disk; at its n-th step something else happens. */
    async sync(index: number, after = Infinity, happening = (): void => undefined): Promise<Outcome | 'crashed'> {
      const { sides, disk } = this.person(index);
      stepsLeft = after;
      interrupt = happening;
      try {
        const bytes = disk.files.get(key);
        const outcome = await syncNotebook(sides, key, bytes === undefined ? null : hashOf(bytes));
        return outcome.kind === 'missing' ? await passDeletionOn(sides, outcome.record) : outcome;
      } catch (error) {
        if (error instanceof Crash) return 'crashed';
        throw error;
      } finally {
        stepsLeft = Infinity;
      }
    },
  };
}
type World = ReturnType<typeof createWorld>;

const tokensIn = (bytes: Uint8Array | undefined): string[] =>
  bytes === undefined ? [] : Object.values(textsIn(bytes)).filter((text) => text !== '');

type Change =
  | { do: 'edit'; who: number; cell: CellId }
  | { do: 'editBucket'; cell: CellId }
  | { do: 'reformat' | 'delete'; who: number }
  | { do: 'deleteInBucket' };
type Act = Change | { do: 'sync'; who: number } | { do: 'interrupt'; who: number; after: number; by: Change | 'crash' };

const who = fc.nat(1);
const cell = fc.constantFrom(...cellIds);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('edit' as const), who, cell }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('editBucket' as const), cell }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reformat' as const, 'delete' as const), who }) },
  { weight: 1, arbitrary: fc.constant({ do: 'deleteInBucket' as const }) },
);
const by = fc.oneof(fc.constant('crash' as const), change);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: change },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sync' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('interrupt' as const), who, after: fc.nat(11), by }) },
);

test('no edit is dropped or taken back unseen, whatever happens in whatever order, and all come to the same', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), async (acts) => {
      const world = createWorld();
      const { bucket } = world;
      let tokens = 0;
      const token = () => `t${String(++tokens)}`;
      const empty: Record<CellId, string> = { a: '', b: '', c: '' };
      /** What has been on each disk: its owner can have replaced it knowingly. */
      const seen = [new Set<string>(), new Set<string>()];

      const apply = (one: Change): void => {
        const { files } = world.person('who' in one ? one.who : 0).disk;
        const [onDisk, live] = [files.get(key), bucket.live.get(key)?.bytes];
        const edited = (before: Uint8Array | undefined, at: CellId, written: string) =>
          notebookBytes({ ...(before === undefined ? empty : textsIn(before)), [at]: written });
        switch (one.do) {
          case 'edit': {
            const written = token();
            files.set(key, edited(onDisk, one.cell, written));
            seen[one.who]?.add(written);
            break;
          }
          case 'reformat':
            if (onDisk !== undefined) files.set(key, notebookBytes(textsIn(onDisk), true));
            break;
          case 'delete':
            files.delete(key);
            break;
          case 'editBucket':
            bucket.store(key, edited(live, one.cell, token()));
            break;
          case 'deleteInBucket':
            bucket.live.delete(key);
            break;
        }
      };

      const sync = async (index: number, after?: number, by?: Change | 'crash'): Promise<void> => {
        const { disk } = world.person(index);
        let onDisk: string[] = [];
        let live: string[] = [];
        const look = () => {
          onDisk = tokensIn(disk.files.get(key));
          live = tokensIn(bucket.live.get(key)?.bytes);
        };
        const check = () => {
          const everywhere = new Set([...bucket.history.values(), ...bucket.kept].flatMap(tokensIn));
          const diskNow = new Set(tokensIn(disk.files.get(key)));
          const liveNow = new Set(tokensIn(bucket.live.get(key)?.bytes));
          for (const one of onDisk) expect(diskNow.has(one) || everywhere.has(one), `${one} of the disk`).toBe(true);
          for (const one of live) expect(liveNow.has(one) || seen[index]?.has(one), `${one} of the bucket`).toBe(true);
          for (const one of diskNow) seen[index]?.add(one);
        };
        look();
        const outcome = await world.sync(index, after, () => {
          if (by === 'crash') throw new Crash();
          // What the sync did so far, then what somebody does in the middle of it, and from there on the rest.
          check();
          if (by !== undefined) apply(by);
          look();
        });
        outcomes.add(outcome === 'crashed' ? outcome : outcome.kind);
        check();
      };

      for (const one of acts) {
        if (one.do === 'sync') await sync(one.who);
        else if (one.do === 'interrupt') await sync(one.who, one.after, one.by);
        else apply(one);
      }

      for (let round = 0; round < 4; round++) {
        await sync(0);
        await sync(1);
      }
      const generation = bucket.live.get(key)?.generation;
      const contents = [bucket.live.get(key)?.bytes, ...[0, 1].map((index) => world.person(index).disk.files.get(key))];
      const [first, ...others] = contents.map((bytes) => (bytes === undefined ? null : contentOf(bytes).contentHash));
      expect(others).toEqual([first, first]);
      // In step is at rest: nothing is written any more.
      await sync(0);
      await sync(1);
      expect(bucket.live.get(key)?.generation).toBe(generation);
    }),
    { numRuns: 2000 },
  );
  expect(outcomes).toEqual(new Set(['inStep', 'keptBoth', 'lookAgain', 'crashed']));
});

describe('one notebook', () => {
  const start = { a: 'one', b: 'two', c: 'three' };
  async function inStep(): Promise<World> {
    const world = createWorld();
    world.bucket.store(key, notebookBytes(start));
    await world.sync(0);
    expect(textsIn(world.person(0).disk.files.get(key) ?? new Uint8Array())).toEqual(start);
    return world;
  }
  const onDisk = (world: World) => world.person(0).disk.files;
  const live = (world: World) => textsIn(world.bucket.live.get(key)?.bytes ?? new Uint8Array());

  test('changed in different cells on both sides is merged', async () => {
    const world = await inStep();
    onDisk(world).set(key, notebookBytes({ ...start, a: 'disk' }));
    world.bucket.store(key, notebookBytes({ ...start, b: 'bucket' }));
    expect(await world.sync(0)).toEqual({ kind: 'inStep' });
    expect(live(world)).toEqual({ a: 'disk', b: 'bucket', c: 'three' });
    expect(textsIn(onDisk(world).get(key) ?? new Uint8Array())).toEqual(live(world));
    expect(world.bucket.kept).toEqual([]);
  });

  test("changed in the same cell on both sides keeps the bucket's live and the disk's as a version", async () => {
    const world = await inStep();
    const ours = notebookBytes({ ...start, a: 'disk' });
    onDisk(world).set(key, ours);
    world.bucket.store(key, notebookBytes({ ...start, a: 'bucket' }));
    expect(await world.sync(0)).toEqual({ kind: 'keptBoth' });
    expect(world.bucket.kept).toEqual([ours]);
    expect(live(world).a).toBe('bucket');
    expect(textsIn(onDisk(world).get(key) ?? new Uint8Array()).a).toBe('bucket');
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'changed again on the disk after a crash at step %i is no conflict with what was under way then',
    async (crashAt) => {
      const world = await inStep();
      onDisk(world).set(key, notebookBytes({ ...start, a: 'disk' }));
      const crash = (): void => {
        throw new Crash();
      };
      await world.sync(0, crashAt, crash);
      onDisk(world).set(key, notebookBytes({ ...start, a: 'disk again' }));
      expect(await world.sync(0)).toEqual({ kind: 'inStep' });
      expect(live(world).a).toBe('disk again');
      expect(world.bucket.kept).toEqual([]);
    },
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'changed again in the bucket after a crash at step %i is no conflict with what was under way then',
    async (crashAt) => {
      const world = await inStep();
      world.bucket.store(key, notebookBytes({ ...start, a: 'bucket' }));
      await world.sync(0, crashAt, () => {
        throw new Crash();
      });
      world.bucket.store(key, notebookBytes({ ...start, a: 'bucket again' }));
      expect(await world.sync(0)).toEqual({ kind: 'inStep' });
      expect(textsIn(onDisk(world).get(key) ?? new Uint8Array()).a).toBe('bucket again');
      expect(world.bucket.kept).toEqual([]);
    },
  );

  test('written anew in another form is no change', async () => {
    const world = await inStep();
    const generations = world.bucket.history.size;
    onDisk(world).set(key, notebookBytes(start, true));
    expect(await world.sync(0)).toEqual({ kind: 'inStep' });
    expect(world.bucket.history.size).toBe(generations);
    expect(onDisk(world).get(key)).toEqual(notebookBytes(start, true));
  });

  test('half written stays on the disk, and is not overwritten by a change in the bucket', async () => {
    const world = await inStep();
    const half = notebookBytes(start).subarray(0, 40);
    onDisk(world).set(key, half);
    world.bucket.store(key, notebookBytes({ ...start, a: 'bucket' }));
    expect(await world.sync(0)).toMatchObject({ kind: 'left', reason: expect.stringContaining('not valid JSON') });
    expect(onDisk(world).get(key)).toBe(half);
  });

  test('of someone who may not write stays on the disk, also over a change in the bucket', async () => {
    const world = await inStep();
    Object.assign(world.person(0).sides, { canWrite: false });
    onDisk(world).set(key, notebookBytes({ ...start, a: 'disk' }));
    world.bucket.store(key, notebookBytes({ ...start, b: 'bucket' }));
    expect(await world.sync(0)).toMatchObject({ kind: 'left' });
    expect(live(world).a).toBe('one');
    expect(textsIn(onDisk(world).get(key) ?? new Uint8Array()).a).toBe('disk');
  });

  test('that is none is mirrored byte by byte, and can be repaired on the disk', async () => {
    const world = createWorld();
    const broken = Buffer.from('{"cells": [');
    world.bucket.store(key, broken);
    expect(await world.sync(0)).toEqual({ kind: 'inStep' });
    expect(onDisk(world).get(key)).toBe(broken);
    onDisk(world).set(key, notebookBytes(start));
    expect(await world.sync(0)).toEqual({ kind: 'inStep' });
    expect(live(world)).toEqual(start);
  });
});

describe('the same notebook', () => {
  const of = (text: string) => contentOf(Buffer.from(text)).contentHash;
  const written =
    '{"cells":[{"cell_type":"code","id":"x","metadata":{},"source":["1\\n","2"],"outputs":[],"execution_count":null}],"metadata":{},"nbformat":4,"nbformat_minor":5}';

  test.each([
    ['with other spaces', written.replaceAll(',', ' ,\r\n')],
    ['with a text in one piece', written.replace('["1\\n","2"]', '"1\\n2"')],
    [
      'with its keys in another order',
      `{"nbformat_minor":5,"nbformat":4,${written.slice(1, written.lastIndexOf(','))}}`.replace(',"nbformat":4}', '}'),
    ],
    ['with a trust mark', written.replace('"metadata":{},"source"', '"metadata":{"trusted":true},"source"')],
    ['with an escaped letter', written.replace('"x"', '"\\u0078"')],
  ])('%s', (_name, text) => {
    expect(JSON.parse(text)).toBeInstanceOf(Object);
    expect(of(text)).toBe(of(written));
  });

  test.each([
    ['another source', written.replace('"2"', '"3"')],
    [
      'another output',
      written.replace('"outputs":[]', '"outputs":[{"output_type":"stream","name":"stdout","text":"x"}]'),
    ],
    ['another cell id', written.replace('"x"', '"y"')],
    ['other metadata', written.replace('"metadata":{},"nbformat"', '"metadata":{"a":1},"nbformat"')],
  ])('is not one with %s', (_name, text) => {
    expect(of(text)).not.toBe(of(written));
  });
});
