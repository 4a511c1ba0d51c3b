import type { NotebookVersion, VersionKind } from '@terrarium/contract';
import { noSuchNotebook } from '../documents/refusals.ts';
import { AppError, type ChangeEvent } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { keepsVersions, type BucketOwner, type Buckets } from '../bucket/buckets.ts';
import type { Documents, Stored } from '../documents/live-document.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import { newId } from '../plumbing/ids.ts';
import { createKeyedLock } from '../plumbing/keyed-lock.ts';
import type { Log } from '../plumbing/log.ts';
import { authorsOf, createHistories, deletedKeptMs, distinct, versionRow, type History } from './histories.ts';
import type { VersionRow, VersionStore } from './store.ts';

/** Where the bytes of versions lie that never were what the notebook was. */
export const apartFolder = '.versions/';

export type Versions = ReturnType<typeof createVersions>;

export interface VersionsDeps {
  readonly store: VersionStore;
  readonly buckets: Buckets;
  readonly documents: Pick<Documents, 'flush' | 'onStored' | 'onMessage'>;
  readonly events: { publish(event: ChangeEvent): void };
  readonly clock: Clock;
  readonly log: Log;
}

/** The version history of notebooks: what was stored when, by whom, under which name. */
export function createVersions(deps: VersionsDeps) {
  const { store, buckets, documents, events, clock, log } = deps;
  const histories = createHistories({ store, buckets, clock });
  const lock = createKeyedLock();
  /** What a restore under way is about to replace: it stays until the restore is known as one. */
  const held = new Set<string>();
  const recording = new Set<Promise<void>>();
  let isClosing = false;

  function inTurn<R>(owner: BucketOwner, work: () => Promise<R>): Promise<R> {
    return lock(owner.id, work);
  }

  function changed(owner: BucketOwner, key: string): void {
    events.publish({ kind: 'notebook', id: key, workspaceId: owner.id });
  }

  async function settled(owner: BucketOwner, key: string): Promise<History> {
    const history = await histories.settle(owner, key);
    if (history === null) throw noSuchNotebook(key);
    return history;
  }

  async function record(stored: Stored): Promise<void> {
    const { owner, key, generation, authors } = stored;
    const history = keepsVersions(key) ? await histories.settle(owner, key, stored) : null;
    if (history === null) return;
    const version = versionOf(history, key, generation);
    // Somebody looked at the history before this was told.
    if (version !== undefined && authors.length > 0 && authorsOf(version.authors).length === 0) {
      await store.updateVersion(version.id, { authors: JSON.stringify(distinct(authors)) });
    }
    await histories.thin(owner, history, held);
    changed(owner, key);
  }

  /** A kind that says more than the one before; never less. */
  async function describe(
    owner: BucketOwner,
    key: string,
    version: VersionRow,
    given: { kind: VersionKind; name?: string | null; author?: Author | null },
  ): Promise<VersionRow> {
    const described = {
      ...version,
      kind: saysMore[given.kind] > saysMore[version.kind] ? given.kind : version.kind,
      name: given.name ?? version.name,
      authors:
        given.author !== undefined && given.author !== null && authorsOf(version.authors).length === 0
          ? JSON.stringify([given.author])
          : version.authors,
    };
    await store.updateVersion(version.id, {
      kind: described.kind,
      name: described.name,
      authors: described.authors,
    });
    changed(owner, key);
    return described;
  }

  const versions = {
    inTurn,
    settled,
    held,

    /** @throws AppError NotFound */
    async list(owner: BucketOwner, key: string): Promise<NotebookVersion[]> {
      const history = await inTurn(owner, () => settled(owner, key));
      return history.versions.map((version) => toNotebookVersion(version, history));
    },

    /**
     * Writes the notebook to the bucket now and keeps what it is as a checkpoint; with a name, for ever.
     * @throws AppError NotFound; as the bucket's put
     */
    async checkpoint(
      owner: BucketOwner,
      key: string,
      given: { name: string | null; author: Author },
    ): Promise<NotebookVersion> {
      await documents.flush(owner, key);
      return inTurn(owner, async () => {
        const history = await settled(owner, key);
        return toNotebookVersion(
          await describe(owner, key, history.current, { kind: 'checkpoint', ...given }),
          history,
        );
      });
    },

    /** Gives a version another name; null takes it away. @throws AppError NotFound */
    async rename(owner: BucketOwner, key: string, id: string, name: string | null): Promise<NotebookVersion> {
      return inTurn(owner, async () => {
        const history = await settled(owner, key);
        const version = versionById(history, id);
        await store.updateVersion(id, { name });
        changed(owner, key);
        return toNotebookVersion({ ...version, name }, history);
      });
    },

    /**
     * Says how a stored generation came to be, where that is more than that it was saved. What is stored stays stored
     * when that fails.
     * @returns null when that generation is no version, or could not be told of
     */
    async mark(
      owner: BucketOwner,
      key: string,
      generation: string,
      given: { kind: VersionKind; author?: Author | null },
    ): Promise<NotebookVersion | null> {
      if (!keepsVersions(key)) return null;
      try {
        return await inTurn(owner, async () => {
          const history = await histories.settle(owner, key);
          const version = history === null ? undefined : versionOf(history, key, generation);
          if (history === null || version === undefined) return null;
          return toNotebookVersion(await describe(owner, key, version, given), history);
        });
      } catch (error) {
        log.warn({ err: error, workspaceId: owner.id }, 'how a version came to be could not be recorded');
        return null;
      }
    },

    /**
     * Keeps bytes as a version that never became the notebook, such as the other side of a conflict.
     * @throws AppError NotFound (no such notebook); as the bucket's put
     */
    async keep(
      owner: BucketOwner,
      key: string,
      bytes: Uint8Array,
      given: { kind: 'conflict'; name?: string | null; authors: readonly Author[] },
    ): Promise<NotebookVersion> {
      return inTurn(owner, async () => {
        const history = await settled(owner, key);
        const info = await buckets.put(owner, `${apartFolder}${newId()}.ipynb`, bytes);
        const version = versionRow(history.row.id, info, given);
        await store.insertVersion(version);
        changed(owner, key);
        return toNotebookVersion(version, history);
      });
    },

    /** Takes the history along when a notebook got another key. */
    async moved(owner: BucketOwner, from: string, to: string): Promise<void> {
      if (!keepsVersions(from) || !keepsVersions(to)) return;
      await inTurn(owner, () => histories.move(owner, from, to));
    },

    /** Looks at a key again: what was deleted there is kept as a deleted notebook. */
    async refresh(owner: BucketOwner, key: string): Promise<void> {
      if (keepsVersions(key)) await inTurn(owner, () => histories.settle(owner, key));
    },

    /** Brings all histories of a workspace up to date, thins them, and lets go of what was deleted long ago. */
    async sweep(owner: BucketOwner): Promise<void> {
      if (isClosing) return;
      const open = (await store.openHistories(owner.id)).map(({ key }) => key);
      const keys = new Set([...open, ...(await buckets.versionedKeys(owner, 'notebooks/')).filter(keepsVersions)]);
      for (const key of keys) {
        if (isClosing) return;
        await inTurn(owner, async () => {
          const history = await histories.settle(owner, key);
          if (history !== null) await histories.thin(owner, history, held);
        });
      }
      for (const row of await store.deletedHistories(owner.id)) {
        if (clock.now() - (row.deleted_at ?? 0) < deletedKeptMs) continue;
        await inTurn(owner, () => histories.remove(owner, row));
      }
    },

    /** A sweep under way ends soon. */
    stopSweeping(): void {
      isClosing = true;
    },

    /** Resolves when everything that was stored so far is recorded. */
    async close(): Promise<void> {
      isClosing = true;
      await Promise.all(recording);
    },
  };

  documents.onStored((stored) => {
    const recorded = inTurn(stored.owner, () => record(stored))
      .catch((error: unknown) => {
        // The next look at the history finds the generation; only who made it is lost.
        log.warn({ err: error, workspaceId: stored.owner.id }, 'a version could not be recorded');
      })
      .finally(() => recording.delete(recorded));
    recording.add(recorded);
  });

  documents.onMessage('checkpoint', (member, document, message) => {
    const { request, name } = message;
    if (!member.canWrite) {
      const refusal = { code: 'NotAllowed', message: 'You can read this notebook, and not change it.' };
      member.tell({ type: 'checkpoint', request, error: refusal });
      return;
    }
    const given = { name: typeof name === 'string' ? checkedName(name) : null, author: member.author };
    versions.checkpoint(document.owner, document.key, given).then(
      (version) => {
        member.tell({ type: 'checkpoint', request, version });
      },
      (error: unknown) => {
        const { code, message: reason } = error instanceof AppError ? error : unexpected;
        if (!(error instanceof AppError)) log.error({ err: error }, 'a checkpoint failed');
        member.tell({ type: 'checkpoint', request, error: { code, message: reason } });
      },
    );
  });

  return versions;
}

/** Of two kinds of one version, the greater is told: going back depends on restores being known as such. */
const saysMore: Record<VersionKind, number> = {
  autosave: 0,
  created: 1,
  upload: 2,
  disk: 2,
  checkpoint: 3,
  restore: 4,
  conflict: 4,
};

const unexpected = { code: 'Internal', message: 'The checkpoint could not be made. Try again.' } as const;

// A room has no forms to say that a name is too long in.
function checkedName(name: string): string | null {
  const trimmed = name.trim().slice(0, 120).trim();
  return trimmed === '' ? null : trimmed;
}

function versionOf({ versions }: History, key: string, generation: string): VersionRow | undefined {
  return versions.find((version) => version.object_key === key && version.generation === generation);
}

/** @throws AppError NotFound */
export function versionById(history: History, id: string): VersionRow {
  const version = history.versions.find((each) => each.id === id);
  if (version === undefined) {
    throw new AppError('NotFound', `This notebook has no version "${id.slice(0, 60)}". It may have been thinned out.`);
  }
  return version;
}

export function toNotebookVersion(version: VersionRow, history: Pick<History, 'current'>): NotebookVersion {
  return {
    version: version.id,
    at: isoMoment(version.at),
    authors: distinct([...authorsOf(version.authors), ...authorsOf(version.former_authors)]),
    kind: version.kind,
    name: version.name,
    size: version.size,
    isCurrent: version.id === history.current.id,
  };
}
