import { AppError, type DeletedNotebook } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { keepsVersions, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import { isPreconditionFailed } from '../bucket/move-object.ts';
import { isoMoment } from '../plumbing/clock.ts';
import { deletedKeptMs, newestFirst, versionRow } from './histories.ts';
import type { HistoryRow, VersionRow, VersionStore } from './store.ts';
import type { Versions } from './versions.ts';

const folder = 'notebooks/';
const mostNames = 100;

export type DeletedNotebooks = ReturnType<typeof createDeletedNotebooks>;

/** Notebooks that were deleted, for as long as they can be brought back. */
export function createDeletedNotebooks(deps: { store: VersionStore; versions: Versions; buckets: Buckets }) {
  const { store, versions, buckets } = deps;

  /** What the notebook was when it was deleted. */
  async function lastOf(row: HistoryRow): Promise<VersionRow | undefined> {
    return newestFirst(await store.versionsOf(row.id)).find(({ kind }) => kind !== 'conflict');
  }

  /** Notebooks may have been deleted in ways that nobody told of. */
  async function refresh(owner: BucketOwner): Promise<void> {
    const live = new Set<string>();
    for await (const { key } of buckets.all(owner, folder)) live.add(key);
    const ended = new Set((await store.deletedHistories(owner.id)).map(({ key }) => key));
    const open = (await store.openHistories(owner.id)).map(({ key }) => key);
    const versioned = (await buckets.versionedKeys(owner, folder)).filter(keepsVersions);
    const unknown = [...open, ...versioned.filter((key) => !ended.has(key))].filter((key) => !live.has(key));
    for (const key of new Set(unknown)) await versions.refresh(owner, key);
  }

  /** Puts the bytes under the first free name, beginning with the one the notebook had. */
  async function putBack(owner: BucketOwner, row: HistoryRow, last: VersionRow) {
    const stem = row.key.slice(0, -'.ipynb'.length);
    for (let number = 0; number < mostNames; number += 1) {
      const suffix = number === 0 ? '' : number === 1 ? ' (restored)' : ` (restored ${String(number)})`;
      const key = `${stem}${suffix}.ipynb`;
      if ((await buckets.head(owner, key)) !== null) continue;
      const found = await buckets.get(owner, last.object_key, { generation: last.generation });
      if (found === null) return null;
      try {
        return await buckets.put(owner, key, found.body, {
          contentType: found.info.contentType,
          ifGeneration: 'absent',
        });
      } catch (error) {
        // Somebody took the name between looking and writing.
        if (!isPreconditionFailed(error)) throw error;
      }
    }
    throw new AppError('AlreadyExists', `"${pathOf(row)}" has been restored too often. Rename one of its copies.`);
  }

  return {
    /** The one deleted last first. */
    async list(owner: BucketOwner): Promise<DeletedNotebook[]> {
      await refresh(owner);
      const deleted: DeletedNotebook[] = [];
      for (const row of await store.deletedHistories(owner.id)) {
        const last = await lastOf(row);
        if (last === undefined || row.deleted_at === null) continue;
        deleted.push({
          id: row.id,
          path: pathOf(row),
          size: last.size,
          deletedAt: isoMoment(row.deleted_at),
          keptUntil: isoMoment(row.deleted_at + deletedKeptMs),
        });
      }
      return deleted;
    },

    /**
     * Brings a notebook back as it was when it was deleted, with its history; under another name where its own is taken.
     * @throws AppError NotFound; as the bucket's put
     */
    async restore(owner: BucketOwner, id: string, author: Author): Promise<{ path: string }> {
      const key = await versions.inTurn(owner, async () => {
        const row = (await store.deletedHistories(owner.id)).find((each) => each.id === id);
        const last = row === undefined ? undefined : await lastOf(row);
        const info = row === undefined || last === undefined ? null : await putBack(owner, row, last);
        if (row === undefined || info === null) {
          throw new AppError('NotFound', 'This notebook is no longer kept, or somebody has restored it already.');
        }
        const objectCreatedAt = info.createdAt.getTime();
        await store.updateHistory(row.id, { key: info.key, object_created_at: objectCreatedAt, deleted_at: null });
        await store.insertVersion(versionRow(row.id, info, { kind: 'restore', authors: [author] }));
        return info.key;
      });
      return { path: key.slice(folder.length) };
    },
  };
}

function pathOf({ key }: HistoryRow): string {
  return key.slice(folder.length);
}
