import { isNotebookKey, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import type { Log } from '../plumbing/log.ts';
import type { Versions } from './versions.ts';

/** The same buckets, whose notebooks take their history along when they move, and leave it behind when they are deleted. */
export function createVersionedBuckets(deps: { buckets: Buckets; versions: Versions; log: Log }): Buckets {
  const { buckets, versions, log } = deps;

  // What has happened to the object is not undone for want of its history; the next sweep finds what is missing.
  async function tell(owner: BucketOwner, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      log.warn({ err: error, workspaceId: owner.id }, 'a history is behind its notebook');
    }
  }

  return {
    ...buckets,

    async delete(owner, key, options) {
      const existed = await buckets.delete(owner, key, options);
      if (existed) await tell(owner, versions.refresh(owner, key));
      return existed;
    },

    async deleteFolder(owner, folder) {
      const keys: string[] = [];
      for await (const { key } of buckets.all(owner, folder)) if (isNotebookKey(key)) keys.push(key);
      const existed = await buckets.deleteFolder(owner, folder);
      for (const key of keys) await tell(owner, versions.refresh(owner, key));
      return existed;
    },

    async move(owner, from, to) {
      const info = await buckets.move(owner, from, to);
      if (from !== to) await tell(owner, versions.moved(owner, from, to));
      return info;
    },
  };
}
