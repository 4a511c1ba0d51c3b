import { Readable } from 'node:stream';
import { isNotebookKey, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import { changedMeanwhile } from '../bucket/http-conditions.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { LiveDocuments } from './documents.ts';
import { notebookContentType, readNotebook } from './nbformat.ts';
import { readNotebookBytes } from './notebook-bytes.ts';
import { notANotebook } from './refusals.ts';
import { isPlaygroundKey } from './playground-key.ts';
import { isUnstored, type Snapshot } from './snapshot.ts';

/**
 * The buckets as everybody but the documents themselves should see them: an open notebook is read as it stands and
 * written through its document, so that nobody gets old bytes and nobody's edits are written over. That goes on while the
 * bucket itself is in trouble.
 * @param options.withPlaygrounds  answer for playgrounds too; who may use one is the caller's to check
 */
export function createLiveBuckets(
  buckets: Buckets,
  documents: LiveDocuments,
  { withPlaygrounds }: { withPlaygrounds: boolean },
): Buckets {
  async function put(
    owner: BucketOwner,
    key: string,
    body: Readable | Uint8Array,
    options: Parameters<Buckets['put']>[3] = {},
  ): Promise<ObjectInfo> {
    const document = documents.opened(owner, key);
    const { ifGeneration, author = null } = options;
    if (document === null && !isPlaygroundKey(key)) {
      const info = await buckets.put(owner, key, body, options);
      if (isNotebookKey(key)) documents.report(owner, info, author);
      return info;
    }
    const bytes = body instanceof Uint8Array ? body : await readNotebookBytes(body, key);
    const reading = readNotebook(bytes);
    if (reading.kind === 'refused') throw notANotebook(key, reading.reason);
    if (ifGeneration !== undefined) {
      const current = await head(owner, key);
      if (current === null || ifGeneration !== current.generation) {
        throw changedMeanwhile(key, current, ifGeneration === 'absent');
      }
    }
    const { notebook } = reading;
    const outcome = await documents.merge(owner, key, { base: ifGeneration ?? null, notebook, author });
    if (outcome.kind === 'conflict') throw changedMeanwhile(key, await head(owner, key));
    const info = await head(owner, key);
    if (info === null) throw changedMeanwhile(key, null);
    return info;
  }

  async function head(owner: BucketOwner, key: string): Promise<ObjectInfo | null> {
    if (isPlaygroundKey(key)) return (await playground(owner, key))?.info ?? null;
    return orAsItStands(
      owner,
      key,
      () => buckets.head(owner, key),
      ({ info }) => info,
    );
  }

  /** What the bucket answers once it has everything; while it is in trouble, what is open answers for itself. */
  async function orAsItStands<T>(
    owner: BucketOwner,
    key: string,
    ask: () => Promise<T>,
    answer: (snapshot: Snapshot) => T,
  ): Promise<T> {
    try {
      await documents.flush(owner, key);
      return await ask();
    } catch (error) {
      const snapshot = documents.readOpen(owner, key);
      if (snapshot === null) throw error;
      return answer(snapshot);
    }
  }

  async function playground(owner: BucketOwner, key: string): Promise<{ info: ObjectInfo; bytes: Buffer } | null> {
    return withPlaygrounds ? documents.readPlayground(owner, key) : null;
  }

  async function forgetBelow(owner: BucketOwner, folder: string, keys: readonly string[]): Promise<void> {
    for (const key of keys) if (key.startsWith(folder)) await documents.forget(owner, key);
  }

  return {
    ...buckets,
    head,
    put,

    async get(owner, key, options = {}) {
      if (isPlaygroundKey(key)) {
        const found = await playground(owner, key);
        return found === null ? null : { info: found.info, body: Readable.from([found.bytes]) };
      }
      const { range, generation } = options;
      const read = ({ info, bytes }: Snapshot): { info: ObjectInfo; body: Readable } => {
        // The end of a range belongs to it.
        const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
        return { info, body: Readable.from([part]) };
      };
      if (generation === undefined) return orAsItStands(owner, key, () => buckets.get(owner, key, options), read);
      const snapshot = documents.givenOut(owner, key, generation);
      if (snapshot !== null) return read(snapshot);
      return isUnstored(generation) ? null : buckets.get(owner, key, options);
    },

    async delete(owner, key, options = {}) {
      if (isPlaygroundKey(key)) {
        const isThere = (await playground(owner, key)) !== null;
        if (isThere) await documents.forget(owner, key);
        return isThere;
      }
      // What was typed a moment ago is kept among the versions.
      await documents.flush(owner, key);
      const existed = await buckets.delete(owner, key, options);
      if (existed && isNotebookKey(key)) await documents.forget(owner, key);
      return existed;
    },

    async deleteFolder(owner, folder) {
      const keys: string[] = [];
      for await (const { key } of buckets.all(owner, folder)) if (isNotebookKey(key)) keys.push(key);
      for (const key of keys) await documents.flush(owner, key);
      const existed = await buckets.deleteFolder(owner, folder);
      await forgetBelow(owner, folder, keys);
      return existed;
    },

    async copy(owner, from, to, options = {}) {
      const found = isPlaygroundKey(from) ? await playground(owner, from) : null;
      if (found !== null) return put(owner, to, found.bytes, { ...options, contentType: notebookContentType });
      await documents.flush(owner, from);
      return buckets.copy(owner, from, to, options);
    },

    async move(owner, from, to) {
      if (!isNotebookKey(from)) return buckets.move(owner, from, to);
      return documents.move(owner, from, to, () => buckets.move(owner, from, to));
    },
  };
}
