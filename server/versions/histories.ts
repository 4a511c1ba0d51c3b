import type { VersionKind } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { keepsVersions, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import type { Stored } from '../documents/live-document.ts';
import type { Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import type { HistoryRow, VersionRow, VersionStore } from './store.ts';
import { thin } from './thinning.ts';

/** A notebook that is there, with all its versions, newest first. */
export interface History {
  readonly row: HistoryRow;
  readonly live: ObjectInfo;
  readonly versions: readonly VersionRow[];
  /** The version that the notebook is now. */
  readonly current: VersionRow;
}

/** For how long a deleted notebook can be brought back. */
export const deletedKeptMs = 30 * 24 * 60 * 60 * 1000;

export type Histories = ReturnType<typeof createHistories>;

/**
 * The rows of histories, kept in line with the bucket, which is the truth: whatever way a notebook was written, renamed
 * or deleted, the next look finds its generations and makes versions of them.
 * INVARIANT: only one piece of work at a time for each workspace, which the caller sees to.
 * INVARIANT: bytes go before the row that names them, so that what a kill leaves behind is a row, which goes next time.
 */
export function createHistories(deps: { store: VersionStore; buckets: Buckets; clock: Clock }) {
  const { store, buckets, clock } = deps;

  async function historyOf(owner: BucketOwner, info: ObjectInfo, deletedAt: number | null): Promise<HistoryRow> {
    const objectCreatedAt = info.createdAt.getTime();
    const rows = await store.historiesAt(owner.id, info.key);
    const found = rows.find((row) => row.object_created_at === objectCreatedAt);
    if (found !== undefined) return found;
    const row = {
      id: newId(),
      workspace_id: owner.id,
      key: info.key,
      object_created_at: objectCreatedAt,
      deleted_at: deletedAt,
    };
    await store.insertHistory(row);
    return row;
  }

  /** Makes versions of generations that are none yet. */
  async function adopt(
    owner: BucketOwner,
    key: string,
    live: ObjectInfo | null,
    now: number,
    stored?: Pick<Stored, 'generation' | 'authors'>,
  ): Promise<void> {
    const known = await store.knownGenerations(owner.id, key);
    const infos = [...(await buckets.versions(owner, key)), ...(live === null ? [] : [live])];
    for (const info of infos) {
      if (known.has(info.generation)) continue;
      const isOfLive = live !== null && info.createdAt.getTime() === live.createdAt.getTime();
      const history = await historyOf(owner, info, isOfLive ? null : now);
      await store.insertVersion(
        versionRow(history.id, info, {
          kind: info.updatedAt.getTime() === info.createdAt.getTime() ? 'created' : 'autosave',
          authors: info.generation === stored?.generation ? distinct(stored.authors) : [],
        }),
      );
    }
  }

  /** Ends the histories of a key whose notebook is there no more, or was replaced by another of that name. */
  async function close(owner: BucketOwner, key: string, live: ObjectInfo | null, now: number): Promise<void> {
    for (const row of await store.historiesAt(owner.id, key)) {
      const isLive = row.object_created_at === live?.createdAt.getTime();
      if (isLive !== (row.deleted_at === null)) await store.updateHistory(row.id, { deleted_at: isLive ? null : now });
    }
  }

  /**
   * The history of a key as the bucket has it now; null when there is no such notebook.
   * @param stored  who made that generation, should it be new
   */
  async function settle(
    owner: BucketOwner,
    key: string,
    stored?: Pick<Stored, 'generation' | 'authors'>,
  ): Promise<History | null> {
    const now = clock.now();
    const live = await buckets.head(owner, key);
    await adopt(owner, key, live, now, stored);
    await close(owner, key, live, now);
    if (live === null) return null;
    const row = await historyOf(owner, live, null);
    const versions = newestFirst(await store.versionsOf(row.id));
    const current = versions.find(
      ({ object_key: objectKey, generation }) => objectKey === key && generation === live.generation,
    );
    if (current === undefined) throw new Error(`The live object of "${key}" is no version.`);
    return { row, live, versions, current };
  }

  async function removeBytes(owner: BucketOwner, version: VersionRow): Promise<void> {
    const { object_key: key, generation } = version;
    // A conflict's bytes are an object of their own, which becomes an older generation when it is deleted.
    if (!keepsVersions(key)) await buckets.delete(owner, key);
    await buckets.deleteVersion(owner, key, generation);
  }

  return {
    settle,

    /** Takes the versions that the rule lets go. @param held  ids that stay for now */
    async thin(owner: BucketOwner, history: History, held: ReadonlySet<string>): Promise<void> {
      const byId = new Map(history.versions.map((version) => [version.id, version]));
      const facts = history.versions.map((version) => ({
        ...version,
        authorIds: authorsOf(version.authors).map(({ accountId }) => accountId),
        isCurrent: version === history.current,
      }));
      for (const { id, into } of thin(facts, clock.now())) {
        const [version, heir] = [byId.get(id), byId.get(into)];
        if (version === undefined || heir === undefined || held.has(id)) continue;
        await removeBytes(owner, version);
        const formerAuthors = JSON.stringify(
          distinct([
            ...authorsOf(heir.former_authors),
            ...authorsOf(version.former_authors),
            ...authorsOf(version.authors),
          ]),
        );
        byId.set(into, { ...heir, former_authors: formerAuthors });
        await store.updateVersion(into, { former_authors: formerAuthors });
        await store.deleteVersion(id);
      }
    },

    /** Takes the history along when its object got another key. */
    async move(owner: BucketOwner, from: string, to: string): Promise<void> {
      const now = clock.now();
      const live = await buckets.head(owner, to);
      const [last] = await buckets.versions(owner, from);
      if (live === null || last === undefined) return;
      await adopt(owner, from, await buckets.head(owner, from), now);
      const row = await historyOf(owner, last, now);
      // Somebody may have looked at the new key already, and taken it for another notebook.
      for (const other of await store.historiesAt(owner.id, to)) {
        if (other.object_created_at === live.createdAt.getTime()) await store.deleteHistory(other.id);
      }
      await store.updateHistory(row.id, { key: to, object_created_at: live.createdAt.getTime(), deleted_at: null });
      const moved = (await store.versionsOf(row.id)).find(
        (version) => version.object_key === from && version.generation === last.generation,
      );
      // The copy is the first generation of its key; it has the bytes of what was live, which are kept once.
      const copy = [live, ...(await buckets.versions(owner, to))].find(
        ({ createdAt, updatedAt }) =>
          createdAt.getTime() === live.createdAt.getTime() && updatedAt.getTime() === createdAt.getTime(),
      );
      if (moved === undefined || copy?.size !== last.size) return;
      await store.updateVersion(moved.id, { object_key: to, generation: copy.generation });
      await buckets.deleteVersion(owner, from, last.generation);
    },

    /** Removes a history with all its bytes. */
    async remove(owner: BucketOwner, row: HistoryRow): Promise<void> {
      for (const version of await store.versionsOf(row.id)) await removeBytes(owner, version);
      await store.deleteHistory(row.id);
    },
  };
}

export function versionRow(
  historyId: string,
  info: ObjectInfo,
  given: { kind: VersionKind; name?: string | null; authors: readonly Author[] },
): VersionRow {
  return {
    id: newId(),
    history_id: historyId,
    object_key: info.key,
    generation: info.generation,
    at: info.updatedAt.getTime(),
    kind: given.kind,
    name: given.name ?? null,
    size: info.size,
    authors: JSON.stringify(given.authors),
    former_authors: '[]',
  };
}

export function authorsOf(json: string): Author[] {
  // Written by this noun alone.
  return JSON.parse(json) as Author[];
}

export function distinct(authors: readonly Author[]): Author[] {
  return [...new Map(authors.map((author) => [author.accountId, author])).values()];
}

export function newestFirst(versions: readonly VersionRow[]): VersionRow[] {
  return versions.toSorted(
    (left, right) => right.at - left.at || (BigInt(left.generation) < BigInt(right.generation) ? 1 : -1),
  );
}
