import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectKeyProblem } from '@terrarium/contract';
import { objectStoreConformance } from '../conformance/object-store.ts';
import { createFilesystemObjectStore } from './object-store.ts';
import { openObjectIndex } from './store.ts';
import { viewPath } from './view-path.ts';

const temporary = () => fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-objects-'));

objectStoreConformance({
  name: 'filesystem',
  make: async () => {
    const directory = await temporary();
    let store = createFilesystemObjectStore({ directory });
    return {
      store,
      async reopen() {
        await store.close();
        store = createFilesystemObjectStore({ directory });
        return store;
      },
      async dispose() {
        await store.close();
        await fs.rm(directory, { recursive: true });
      },
    };
  },
});

describe('filesystem object store', () => {
  let directory = '';
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now };
  let store: ReturnType<typeof createFilesystemObjectStore>;
  const put = (key: string, text: string) => store.put('b', key, Buffer.from(text), { contentType: 'text/plain' });
  const seen = (...parts: string[]) => fs.readFile(path.join(directory, 'buckets', 'b', ...parts), 'utf8');

  beforeEach(async () => {
    directory = await temporary();
    store = createFilesystemObjectStore({ directory, clock });
    await store.createBucket('b');
  });
  afterEach(async () => {
    await store.close();
    await fs.rm(directory, { recursive: true });
  });

  it('shows each object under its own name', async () => {
    await put('notebooks/a.ipynb', 'first');
    expect(await seen('notebooks', 'a.ipynb')).toBe('first');
    await put('notebooks/a.ipynb', 'second');
    expect(await seen('notebooks', 'a.ipynb')).toBe('second');
    await put('notebooks/a.ipynb/inner', 'x');
    expect(await seen('notebooks', 'a.ipynb%file')).toBe('second');
    await store.delete('b', 'notebooks/a.ipynb/inner');
    expect(await seen('notebooks', 'a.ipynb')).toBe('second');
    await put('empty/', '');
    expect((await fs.readdir(path.join(directory, 'buckets', 'b'))).toSorted()).toEqual(['empty', 'notebooks']);
    await store.delete('b', 'notebooks/a.ipynb');
    await store.delete('b', 'empty/');
    expect(await fs.readdir(path.join(directory, 'buckets', 'b'))).toEqual([]);
  });

  it('follows no symbolic link planted in the tree', async () => {
    const outside = path.join(directory, 'outside');
    await fs.mkdir(outside);
    await fs.writeFile(path.join(outside, 'secret'), 'secret');
    await fs.symlink(outside, path.join(directory, 'buckets', 'b', 'linked'));
    await fs.symlink(path.join(outside, 'secret'), path.join(directory, 'buckets', 'b', 'file'));
    expect(await store.get('b', 'linked/secret')).toBeNull();
    expect(await store.get('b', 'file')).toBeNull();
    await put('linked/secret', 'mine');
    await put('file', 'mine');
    expect(await fs.readFile(path.join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(await fs.readdir(outside)).toEqual(['secret']);
    await fs.rm(path.join(directory, 'buckets', 'b', 'linked'), { recursive: true });
    await fs.symlink(outside, path.join(directory, 'buckets', 'b', 'linked'));
    await store.delete('b', 'linked/secret');
    await store.deleteBucket('b');
    expect(await fs.readdir(outside)).toEqual(['secret']);
  });

  it('keeps the last 20 versions of a key for at most 30 days', async () => {
    for (let round = 0; round < 25; round += 1) await put('a', String(round));
    expect(await store.versions('b', 'a')).toHaveLength(20);
    expect(await fs.readdir(path.join(directory, 'blobs'))).toHaveLength(21);
    now += 31 * 24 * 60 * 60 * 1000;
    await put('other', 'x');
    expect(await store.versions('b', 'a')).toEqual([]);
    expect(await fs.readdir(path.join(directory, 'blobs'))).toHaveLength(2);
  });

  it('keeps every version of the keys it is told to, those of before too', async () => {
    for (let round = 0; round < 25; round += 1) await put('kept', String(round));
    await store.close();
    store = createFilesystemObjectStore({ directory, clock, keepsVersions: (key) => key === 'kept' });
    for (let round = 0; round < 25; round += 1) await put('kept', String(round));
    for (let round = 0; round < 25; round += 1) await put('other', String(round));
    now += 400 * 24 * 60 * 60 * 1000;
    await put('third', 'x');
    const versions = await store.versions('b', 'kept');
    expect(versions).toHaveLength(45);
    expect(await store.versions('b', 'other')).toEqual([]);
    for (const { generation } of versions) await store.deleteVersion('b', 'kept', generation);
    expect(await fs.readdir(path.join(directory, 'blobs'))).toHaveLength(3);
  });

  it('gives later generations even when the clock goes back', async () => {
    const first = await put('a', '1');
    now -= 1e9;
    expect(BigInt((await put('a', '2')).generation)).toBeGreaterThan(BigInt(first.generation));
  });

  it('sweeps what a killed process left behind', async () => {
    await put('a', '1');
    await store.close();
    await fs.writeFile(path.join(directory, 'incoming', 'half'), 'x');
    await fs.writeFile(path.join(directory, 'blobs', 'unnamed'), 'x');
    await fs.rm(path.join(directory, 'buckets', 'b', 'a'));
    store = createFilesystemObjectStore({ directory, clock });
    expect(await fs.readdir(path.join(directory, 'incoming'))).toEqual([]);
    expect(await fs.readdir(path.join(directory, 'blobs'))).toHaveLength(1);
  });

  it('leaves no upload behind when it is aborted', async () => {
    const body = new Readable({ read() {} });
    const abort = new AbortController();
    const written = store.put('b', 'a', body, { contentType: 'a/b', signal: abort.signal });
    body.push('half');
    abort.abort();
    await expect(written).rejects.toThrow(/aborted/);
    expect(await fs.readdir(path.join(directory, 'incoming'))).toEqual([]);
    expect(await fs.readdir(path.join(directory, 'blobs'))).toEqual([]);
  });

  it('lists ten thousand objects at once and by folder', async () => {
    await store.close();
    const index = openObjectIndex(path.join(directory, 'index.db'));
    index.transaction(() => {
      for (let number = 0; number < 10_000; number += 1) {
        const key = `f${String(number % 100)}/${String(number)}`;
        const times = { createdAt: new Date(now), updatedAt: new Date(now) };
        const generation = index.nextGeneration(now);
        index.setLive('b', { blob: generation, info: { key, size: 1, contentType: 'a/b', generation, ...times } });
        index.settleView('b', key);
      }
    });
    index.close();
    store = createFilesystemObjectStore({ directory, clock });
    expect((await store.list('b', { limit: 20_000 })).objects).toHaveLength(10_000);
    expect((await store.list('b', { delimiter: '/' })).folders).toHaveLength(100);
  });

  it.skipIf(process.getuid?.() !== 0)('says that storage is full and keeps the old object (needs root)', () => {
    // A file system of its own, in a mount namespace of its own, that ends with the process.
    const script = `
      import { createFilesystemObjectStore } from ${JSON.stringify(new URL('./object-store.ts', import.meta.url).href)};
      const store = createFilesystemObjectStore({ directory: process.argv[1] });
      await store.createBucket('b');
      await store.put('b', 'a', Buffer.alloc(300_000, 1), { contentType: 'x/y' });
      const failure = await store.put('b', 'a', Buffer.alloc(4_000_000, 2), { contentType: 'x/y' }).catch((error) => error.code);
      const found = await store.get('b', 'a');
      const chunks = [];
      for await (const chunk of found.body) chunks.push(chunk);
      const back = Buffer.concat(chunks);
      await store.put('b', 'c', Buffer.alloc(300_000, 3), { contentType: 'x/y' });
      console.log(JSON.stringify([failure, back.length, back[0]]));`;
    const mount = 'mount -t tmpfs -o size=3m none "$0" && exec "$1" --input-type=module -e "$2" "$0/objects"';
    const output = execFileSync(
      '/usr/bin/env',
      ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, directory, process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(output)).toEqual(['StorageFull', 300_000, 1]);
  });

  it('keeps what it acknowledged when the process is killed at any moment', async () => {
    const script = `
      import { createFilesystemObjectStore } from ${JSON.stringify(new URL('./object-store.ts', import.meta.url).href)};
      const store = createFilesystemObjectStore({ directory: process.argv[1] });
      await store.createBucket('b');
      for (let round = 1; round <= 200; round += 1) {
        const info = await store.put('b', 'a', Buffer.from(String(round)), { contentType: 'x/y' });
        process.stdout.write(round + ' ' + info.generation + '\\n');
        if (round === Number(process.argv[2])) {
          void store.put('b', 'a', Buffer.from(String(round + 1)), { contentType: 'x/y' });
          setTimeout(() => process.kill(process.pid, 'SIGKILL'), round % 4);
        }
      }`;
    for (const at of [1, 2, 3, 7]) {
      const place = path.join(directory, `killed-${String(at)}`);
      let output = '';
      try {
        execFileSync(process.execPath, ['--input-type=module', '-e', script, place, String(at)], {
          encoding: 'utf8',
          stdio: 'pipe',
        });
      } catch (error) {
        output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
      }
      const acknowledged = Number(output.trim().split('\n').at(-1)?.split(' ')[0]);
      expect(acknowledged).toBeGreaterThanOrEqual(at);
      const again = createFilesystemObjectStore({ directory: place });
      const found = await again.get('b', 'a');
      const text = found === null ? '' : (await buffer(found.body)).toString();
      expect([acknowledged, acknowledged + 1]).toContain(Number(text));
      await again.close();
      expect(await fs.readdir(path.join(place, 'incoming'))).toEqual([]);
      expect(await fs.readFile(path.join(place, 'buckets', 'b', 'a'), 'utf8')).toBe(text);
    }
  });
});

describe('the path of an object in the browsable tree', () => {
  const segment = fc.oneof(
    fc.constantFrom('a', 'A', '%', '%25', 'a%file', 'a%25file', '%~', '%'.repeat(200), `${'%'.repeat(199)}a`),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  );
  const key = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([segments, folder]) => segments.join('/') + (folder ? '/' : ''))
    .filter((candidate) => objectKeyProblem(candidate) === undefined);

  it('is another one for every key, plain or shadowed', () => {
    fc.assert(
      fc.property(key, key, fc.boolean(), fc.boolean(), (left, right, leftAlso, rightAlso) => {
        const samePath = viewPath(left, { alsoFolder: leftAlso }) === viewPath(right, { alsoFolder: rightAlso });
        const sameThing = left === right && (leftAlso === rightAlso || left.endsWith('/'));
        expect(samePath).toBe(sameThing);
      }),
      { numRuns: 2000 },
    );
  });

  it('stays inside, with names that a file system takes', () => {
    fc.assert(
      fc.property(key, fc.boolean(), (each, alsoFolder) => {
        const place = path.join('/root', viewPath(each, { alsoFolder }));
        expect(place.startsWith('/root/')).toBe(true);
        expect(place.length).toBeGreaterThan('/root/'.length);
        for (const name of place.split('/')) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves ordinary names as they are', () => {
    expect(viewPath('notebooks/My analysis (1).ipynb', { alsoFolder: false })).toBe('notebooks/My analysis (1).ipynb');
  });
});
