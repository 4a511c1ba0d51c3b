import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { objectKeyProblem } from '@terrarium/contract';
import type { ObjectStore } from '../../bucket/object-store.ts';

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** The driver object made anew over the same storage, as after a restart of the control plane. */
  reopen(): Promise<ObjectStore>;
  dispose(): Promise<void>;
}

/** What every ObjectStore does. Call it once in the driver's own test file. */
export function objectStoreConformance(driver: { name: string; make: () => Promise<ObjectStoreUnderTest> }): void {
  describe(`object store: ${driver.name}`, () => {
    let subject: ObjectStoreUnderTest;
    let store: ObjectStore;
    let bucket = '';
    let count = 0;

    beforeAll(async () => {
      subject = await driver.make();
      store = subject.store;
    });
    beforeEach(async () => {
      count += 1;
      bucket = `conformance-${String(count)}`;
      await store.createBucket(bucket);
    });
    afterAll(async () => {
      await subject.dispose();
    });

    const put = (key: string, text: string, options: { ifGeneration?: string; contentType?: string } = {}) =>
      store.put(bucket, key, Buffer.from(text), { contentType: 'text/plain', ...options });
    const read = async (key: string, options: { range?: { start: number; end: number }; generation?: string } = {}) => {
      const found = await store.get(bucket, key, options);
      return found === null ? null : (await buffer(found.body)).toString();
    };
    const keysOf = async (options: Parameters<ObjectStore['list']>[1] = {}) =>
      (await store.list(bucket, options)).objects.map((object) => object.key);
    const refusal = (code: string) => expect.objectContaining({ name: 'AppError', code });

    describe('what was put', () => {
      it('is read back with its size, content type and times', async () => {
        const info = await put('notebooks/a.ipynb', 'hello', { contentType: 'application/x-ipynb+json' });
        expect(info).toMatchObject({ key: 'notebooks/a.ipynb', size: 5, contentType: 'application/x-ipynb+json' });
        expect(info.updatedAt).toBeInstanceOf(Date);
        expect(await store.head(bucket, 'notebooks/a.ipynb')).toEqual(info);
        const found = await store.get(bucket, 'notebooks/a.ipynb');
        expect(found?.info).toEqual(info);
        found?.body.destroy();
        expect(await read('notebooks/a.ipynb')).toBe('hello');
      });

      it('may be empty', async () => {
        expect((await put('empty', '')).size).toBe(0);
        expect(await read('empty')).toBe('');
      });

      it('may come as a stream', async () => {
        await store.put(bucket, 'stream', Readable.from([Buffer.from('ab'), Buffer.from('cd')]), {
          contentType: 'a/b',
        });
        expect(await read('stream')).toBe('abcd');
      });

      it('keeps when the key was first written, until it is deleted', async () => {
        const first = await put('a', '1');
        const second = await put('a', '2');
        expect(second.createdAt).toEqual(first.createdAt);
        await store.delete(bucket, 'a');
        const third = await put('a', '3');
        expect(third.createdAt.getTime()).toBeGreaterThanOrEqual(second.updatedAt.getTime());
      });

      it('is found again by a restarted driver, with the same generation', async () => {
        const info = await put('a/b', 'kept', { contentType: 'x/y' });
        const again = await subject.reopen();
        expect(await again.head(bucket, 'a/b')).toEqual(info);
        const found = await again.get(bucket, 'a/b');
        expect(found && (await buffer(found.body)).toString()).toBe('kept');
        store = again;
      });
    });

    describe('absence', () => {
      it('is a value', async () => {
        expect(await store.head(bucket, 'nothing')).toBeNull();
        expect(await store.get(bucket, 'nothing')).toBeNull();
        expect(await store.delete(bucket, 'nothing')).toBe(false);
        expect(await store.versions(bucket, 'nothing')).toEqual([]);
        expect(await store.list(bucket)).toEqual({ objects: [], folders: [], nextPageToken: null });
      });

      it('of a bucket refuses a write and names the bucket', async () => {
        const written = store.put('conformance-none', 'a', Buffer.from('x'), { contentType: 'a/b' });
        await expect(written).rejects.toThrow(/conformance-none/);
        await expect(written).rejects.toEqual(refusal('NotFound'));
      });

      it('of a source refuses a copy', async () => {
        await expect(store.copy(bucket, 'nothing', 'b')).rejects.toEqual(refusal('NotFound'));
      });
    });

    describe('buckets', () => {
      it('are created and deleted any number of times', async () => {
        await put('a', '1');
        await store.createBucket(bucket);
        expect(await read('a')).toBe('1');
        await store.deleteBucket(bucket);
        await store.deleteBucket(bucket);
        await store.createBucket(bucket);
        expect(await keysOf()).toEqual([]);
        expect(await store.versions(bucket, 'a')).toEqual([]);
      });

      it('do not see each other', async () => {
        const other = `${bucket}-other`;
        await store.createBucket(other);
        await put('a', '1');
        expect(await store.head(other, 'a')).toBeNull();
        expect((await store.list(other)).objects).toEqual([]);
        await store.deleteBucket(other);
        expect(await read('a')).toBe('1');
      });

      it.each(['', '.', '..', '../x', 'a/b', '/abs', 'UPPER', 'a'.repeat(64), 'nul\u0000'])(
        'refuses the name %j',
        async (name) => {
          await expect(store.createBucket(name)).rejects.toEqual(refusal('InvalidInput'));
        },
      );
    });

    describe('generations', () => {
      it('grow with every write and are never used again, not even after a delete and a restart', async () => {
        const seen: bigint[] = [];
        for (let round = 0; round < 3; round += 1) {
          seen.push(BigInt((await put('a', 'x')).generation), BigInt((await put('a', 'y')).generation));
          await store.delete(bucket, 'a');
          store = await subject.reopen();
        }
        expect(seen).toEqual([...new Set(seen)].toSorted((left, right) => (left < right ? -1 : 1)));
      });

      it('let one of two concurrent writes over the same generation win', async () => {
        for (let round = 0; round < 10; round += 1) {
          const { generation } = await put('race', 'start');
          const results = await Promise.allSettled([
            put('race', 'left', { ifGeneration: generation }),
            put('race', 'right', { ifGeneration: generation }),
          ]);
          const won = results.filter((result) => result.status === 'fulfilled');
          expect(won).toHaveLength(1);
          const lost = results.find((result) => result.status === 'rejected');
          expect(lost?.reason).toEqual(refusal('PreconditionFailed'));
          expect(await read('race')).toBe(results[0].status === 'fulfilled' ? 'left' : 'right');
        }
      });

      it('let one of many concurrent first writes win', async () => {
        const results = await Promise.allSettled(
          Array.from({ length: 12 }, (_, index) => put('first', String(index), { ifGeneration: 'absent' })),
        );
        const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
        expect(winners).toHaveLength(1);
        expect(await read('first')).toBe(String(winners[0]));
      });

      it('refuse a stale write, delete and copy, and change nothing', async () => {
        const old = await put('a', '1');
        const now = await put('a', '2');
        await put('source', 's');
        await expect(put('a', '3', { ifGeneration: old.generation })).rejects.toEqual(refusal('PreconditionFailed'));
        await expect(put('a', '3', { ifGeneration: 'absent' })).rejects.toEqual(refusal('PreconditionFailed'));
        await expect(put('gone', '3', { ifGeneration: old.generation })).rejects.toEqual(refusal('PreconditionFailed'));
        const stale = { ifGeneration: old.generation };
        await expect(store.delete(bucket, 'a', stale)).rejects.toEqual(refusal('PreconditionFailed'));
        await expect(store.copy(bucket, 'source', 'a', stale)).rejects.toEqual(refusal('PreconditionFailed'));
        expect(await store.head(bucket, 'a')).toEqual(now);
        expect(await store.head(bucket, 'gone')).toBeNull();
        expect(await store.delete(bucket, 'a', { ifGeneration: now.generation })).toBe(true);
      });

      it('refused early still end the stream that was to be written', async () => {
        await put('a', '1');
        const body = new Readable({ read() {} });
        const written = store.put(bucket, 'a', body, { contentType: 'a/b', ifGeneration: 'absent' });
        await expect(written).rejects.toEqual(refusal('PreconditionFailed'));
        expect(body.destroyed).toBe(true);
      });
    });

    describe('versions', () => {
      it('are older generations, newest first, still readable, and survive a delete', async () => {
        const one = await put('a', 'one', { contentType: 'text/one' });
        const two = await put('a', 'two');
        const three = await put('a', 'three');
        expect(await store.versions(bucket, 'a')).toEqual([two, one]);
        expect(await read('a', { generation: one.generation })).toBe('one');
        expect(await read('a', { generation: three.generation })).toBe('three');
        const found = await store.get(bucket, 'a', { generation: one.generation });
        expect(found?.info).toEqual(one);
        found?.body.destroy();
        await store.delete(bucket, 'a');
        expect(await read('a')).toBeNull();
        expect((await store.versions(bucket, 'a')).map((version) => version.generation)).toEqual(
          [three, two, one].map((info) => info.generation),
        );
        expect(await read('a', { generation: three.generation })).toBe('three');
      });

      it('are deleted one by one, and the live one is not a version', async () => {
        const one = await put('a', 'one');
        const two = await put('a', 'two');
        const three = await put('a', 'three');
        expect(await store.deleteVersion(bucket, 'a', one.generation)).toBe(true);
        expect(await store.deleteVersion(bucket, 'a', one.generation)).toBe(false);
        expect(await store.deleteVersion(bucket, 'a', three.generation)).toBe(false);
        expect(await store.deleteVersion(bucket, 'b', two.generation)).toBe(false);
        for (const generation of ['0', '-1', 'x', '', '1e3', '9'.repeat(40)]) {
          expect(await store.deleteVersion(bucket, 'a', generation)).toBe(false);
        }
        expect(await store.versions(bucket, 'a')).toEqual([two]);
        expect(await read('a', { generation: one.generation })).toBeNull();
        expect(await read('a')).toBe('three');
        store = await subject.reopen();
        expect(await store.versions(bucket, 'a')).toEqual([two]);
        await store.delete(bucket, 'a');
        expect(await store.deleteVersion(bucket, 'a', three.generation)).toBe(true);
        expect(BigInt((await put('a', 'four')).generation)).toBeGreaterThan(BigInt(three.generation));
      });

      it('lead to their keys, whether something is there now or not', async () => {
        for (const key of ['n/a', 'n/b', 'n/b', 'n/c', 'n/c', 'nn', 'nn', 'N/a', 'N/a']) await put(key, 'x');
        await store.delete(bucket, 'n/b');
        expect((await store.versionedKeys(bucket, 'n/')).toSorted()).toEqual(['n/b', 'n/c']);
        expect((await store.versionedKeys(bucket, '')).toSorted()).toEqual(['N/a', 'n/b', 'n/c', 'nn']);
        expect(await store.versionedKeys('conformance-none', '')).toEqual([]);
      });

      it('of another key or of no key are not found', async () => {
        const a = await put('a', '1');
        await put('b', '2');
        expect(await store.get(bucket, 'b', { generation: a.generation })).toBeNull();
        for (const generation of ['0', '-1', 'x', '', '1e3', '9'.repeat(40), '../1']) {
          expect(await store.get(bucket, 'a', { generation })).toBeNull();
        }
      });
    });

    describe('ranges', () => {
      it('are inclusive', async () => {
        await put('digits', '0123456789');
        expect(await read('digits', { range: { start: 0, end: 0 } })).toBe('0');
        expect(await read('digits', { range: { start: 3, end: 6 } })).toBe('3456');
        expect(await read('digits', { range: { start: 9, end: 9 } })).toBe('9');
        expect(await read('digits', { range: { start: 0, end: 9 } })).toBe('0123456789');
      });
    });

    describe('copies', () => {
      it('are objects of their own', async () => {
        const source = await put('a', 'text', { contentType: 'x/y' });
        const copy = await store.copy(bucket, 'a', 'deep/b', { ifGeneration: 'absent' });
        expect(copy).toMatchObject({ key: 'deep/b', size: 4, contentType: 'x/y' });
        expect(BigInt(copy.generation)).toBeGreaterThan(BigInt(source.generation));
        await put('a', 'changed');
        await store.delete(bucket, 'a');
        expect(await read('deep/b')).toBe('text');
      });

      it('onto themselves are a new generation of the same bytes', async () => {
        const before = await put('a', 'text');
        const after = await store.copy(bucket, 'a', 'a');
        expect(BigInt(after.generation)).toBeGreaterThan(BigInt(before.generation));
        expect(await read('a')).toBe('text');
      });
    });

    describe('lists', () => {
      it('are in the order of the UTF-8 bytes', async () => {
        // U+FF5E sorts after U+1F600 by UTF-16 units and before it by UTF-8 bytes.
        const keys = ['B', 'a', 'a b', 'a/b', 'a-b', 'a0', 'é', 'z', '～', '😀', 'Z/z', 'ab'];
        for (const key of keys) await put(key, 'x');
        expect(await keysOf()).toEqual(
          keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
        );
      });

      it('fold deeper keys into folders', async () => {
        for (const key of ['a', 'a/', 'a/1', 'a/b/2', 'a/b/3', 'a/c', 'a0', 'b/x', 'top']) await put(key, 'x');
        const top = await store.list(bucket, { delimiter: '/' });
        expect(top.objects.map((object) => object.key)).toEqual(['a', 'a0', 'top']);
        expect(top.folders).toEqual(['a/', 'b/']);
        const inside = await store.list(bucket, { delimiter: '/', prefix: 'a/' });
        expect(inside.objects.map((object) => object.key)).toEqual(['a/', 'a/1', 'a/c']);
        expect(inside.folders).toEqual(['a/b/']);
        expect(await keysOf({ prefix: 'a/' })).toEqual(['a/', 'a/1', 'a/b/2', 'a/b/3', 'a/c']);
        expect((await store.list(bucket, { delimiter: '/', prefix: 'a' })).folders).toEqual(['a/']);
        expect(await keysOf({ prefix: 'nothing' })).toEqual([]);
      });

      it('take a prefix literally', async () => {
        for (const key of ['a_b', 'aXb', 'a%b', 'a*b', 'A_b']) await put(key, 'x');
        expect(await keysOf({ prefix: 'a_' })).toEqual(['a_b']);
        expect(await keysOf({ prefix: 'a%' })).toEqual(['a%b']);
        expect(await keysOf({ prefix: '../' })).toEqual([]);
        expect(await keysOf({ prefix: '\ud800' })).toEqual([]);
      });

      it('come in pages that together are the whole, with any prefix and delimiter', async () => {
        const keys = [
          'a',
          'a/',
          'a/1',
          'a/b/2',
          'a/b/3',
          'a/b/c/4',
          'a/c',
          'a/é/5',
          'a/😀/6',
          'a/～/7',
          'a0',
          'b/x',
          'b/y',
          'c',
        ];
        for (const key of keys) await put(key, 'x');
        for (const prefix of ['', 'a', 'a/', 'a/b/', 'b/x']) {
          for (const delimiter of [undefined, '/'] as const) {
            const options = { prefix, ...(delimiter === undefined ? {} : { delimiter }) };
            const whole = await store.list(bucket, options);
            expect(whole.nextPageToken).toBeNull();
            for (const limit of [1, 2, 3]) {
              const paged = await allPages(store, bucket, { ...options, limit });
              expect(paged.objects.map((object) => object.key)).toEqual(whole.objects.map((object) => object.key));
              expect(paged.folders).toEqual(whole.folders);
              expect(paged.largest).toBeLessThanOrEqual(limit);
            }
          }
        }
      });

      it('refuse a page token that no list gave', async () => {
        await expect(store.list(bucket, { pageToken: '!' })).rejects.toEqual(refusal('InvalidInput'));
      });
    });

    describe('keys', () => {
      it.each([
        '',
        '/a',
        'a//b',
        '..',
        'a/../b',
        './a',
        'a\\b',
        'a\u0000b',
        'a\nb',
        'a\u202eb',
        '\ud800',
        'x'.repeat(201),
        ' a',
      ])('refuses %j in every method', async (key) => {
        const invalid = refusal('InvalidInput');
        await put('fine', 'x');
        await expect(put(key, 'x')).rejects.toEqual(invalid);
        await expect(store.head(bucket, key)).rejects.toEqual(invalid);
        await expect(store.get(bucket, key)).rejects.toEqual(invalid);
        await expect(store.delete(bucket, key)).rejects.toEqual(invalid);
        await expect(store.copy(bucket, 'fine', key)).rejects.toEqual(invalid);
        await expect(store.versions(bucket, key)).rejects.toEqual(invalid);
        expect(await keysOf()).toEqual(['fine']);
      });

      it('may be an object and a folder of others at once, in any order of writing and deleting', async () => {
        const keys = ['a', 'a/', 'a/b', 'a/b/c', 'A', 'A/b'];
        for (const order of [keys, keys.toReversed()]) {
          for (const key of order) await put(key, `in ${key}`);
          for (const key of keys) expect(await read(key)).toBe(`in ${key}`);
          for (const key of order) {
            expect(await store.delete(bucket, key)).toBe(true);
            expect(await read(key)).toBeNull();
          }
          expect(await keysOf()).toEqual([]);
        }
      });

      it('never share a place: any set of keys reads back as it was written', async () => {
        const segment = fc.oneof(
          fc.constantFrom(
            'a',
            'A',
            'a%',
            'a%file',
            '%25',
            '%',
            '.a',
            'a.',
            '~',
            'con',
            'a b',
            'é',
            'e\u0301',
            '...',
            '%2F',
            'index.db',
          ),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
          fc.constantFrom('%'.repeat(200), `${'%'.repeat(199)}b`),
        );
        const key = fc
          .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
          .map(([segments, folder]) => segments.join('/') + (folder ? '/' : ''))
          .filter((candidate) => objectKeyProblem(candidate) === undefined);
        let round = 0;
        await fc.assert(
          fc.asyncProperty(fc.uniqueArray(key, { minLength: 2, maxLength: 8 }), async (keys) => {
            round += 1;
            const own = `${bucket}-keys-${String(round)}`;
            await store.createBucket(own);
            for (const each of keys) await store.put(own, each, Buffer.from(`in ${each}`), { contentType: 'a/b' });
            for (const each of keys) {
              const found = await store.get(own, each);
              expect(found && (await buffer(found.body)).toString()).toBe(`in ${each}`);
            }
            const listed = (await store.list(own)).objects.map((object) => object.key);
            expect(listed.toSorted()).toEqual(keys.toSorted());
            await store.deleteBucket(own);
          }),
          { numRuns: 40 },
        );
      });
    });

    describe('uploads', () => {
      it('that are aborted leave nothing behind', async () => {
        const before = await put('a', 'before');
        const bySignal = new AbortController();
        const endless = new Readable({
          read() {
            this.push(Buffer.alloc(64 * 1024));
            if (this.readableDidRead) bySignal.abort();
          },
        });
        await expect(store.put(bucket, 'a', endless, { contentType: 'a/b', signal: bySignal.signal })).rejects.toThrow(
          /abort/i,
        );
        expect(endless.destroyed).toBe(true);

        let pushed = 0;
        const broken = new Readable({
          read() {
            pushed += 1;
            if (pushed < 4) this.push(Buffer.alloc(64 * 1024));
            else this.destroy(new Error('the browser went away'));
          },
        });
        await expect(store.put(bucket, 'b', broken, { contentType: 'a/b' })).rejects.toThrow('the browser went away');

        const already = AbortSignal.abort();
        await expect(store.put(bucket, 'c', Buffer.from('x'), { contentType: 'a/b', signal: already })).rejects.toThrow(
          /abort/i,
        );

        expect(await store.head(bucket, 'a')).toEqual(before);
        expect(await read('a')).toBe('before');
        expect(await keysOf()).toEqual(['a']);
        expect(await store.versions(bucket, 'b')).toEqual([]);
      });

      it('and downloads of 320 MB need little memory', async () => {
        const chunk = Buffer.alloc(256 * 1024, 7);
        const chunks = 1280;
        let peak = 0;
        const rss = process.memoryUsage().rss;
        const watch = () => {
          peak = Math.max(peak, process.memoryUsage().rss - rss);
        };
        let sent = 0;
        const hash = createHash('sha256');
        const source = new Readable({
          read() {
            watch();
            sent += 1;
            if (sent <= chunks) hash.update(chunk);
            this.push(sent <= chunks ? chunk : null);
          },
        });
        const info = await store.put(bucket, 'large', source, { contentType: 'a/b' });
        expect(info.size).toBe(chunk.length * chunks);
        const found = await store.get(bucket, 'large');
        const back = createHash('sha256');
        found?.body.on('data', (data: Buffer) => {
          watch();
          back.update(data);
        });
        if (found) await once(found.body, 'end');
        expect(back.digest('hex')).toBe(hash.digest('hex'));
        expect(peak).toBeLessThan(120 * 1024 * 1024);
      });

      it('of many keys at once all arrive', async () => {
        await Promise.all(Array.from({ length: 60 }, (_, index) => put(`many/${String(index)}`, String(index))));
        expect((await keysOf({ prefix: 'many/' })).length).toBe(60);
        expect(await read('many/42')).toBe('42');
      });

      it('over an object that is being read change nothing for the reader', async () => {
        await put('a', 'old'.repeat(50_000));
        const found = await store.get(bucket, 'a');
        await put('a', 'new');
        await store.delete(bucket, 'a');
        expect(found && (await buffer(found.body)).toString()).toBe('old'.repeat(50_000));
      });
    });
  });
}

async function allPages(store: ObjectStore, bucket: string, options: NonNullable<Parameters<ObjectStore['list']>[1]>) {
  const objects = [];
  const folders = [];
  let largest = 0;
  let token: string | null = null;
  for (let pages = 0; pages < 100; pages += 1) {
    const page: Awaited<ReturnType<ObjectStore['list']>> = await store.list(bucket, {
      ...options,
      ...(token === null ? {} : { pageToken: token }),
    });
    objects.push(...page.objects);
    folders.push(...page.folders);
    largest = Math.max(largest, page.objects.length + page.folders.length);
    token = page.nextPageToken;
    if (token === null) return { objects, folders, largest };
  }
  throw new Error('The list never ended.');
}
