import { AppError, type VersionDiff, type VersionRestored } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import type { Documents } from '../documents/live-document.ts';
import { emptyNotebook, kernelOf, type Notebook } from '../documents/nbformat.ts';
import { diffNotebooks } from './diff.ts';
import { restoreCells } from './restore-cells.ts';
import { notebookOf } from './version-content.ts';
import { toNotebookVersion, versionById, type Versions } from './versions.ts';

const attempts = 3;

export type GoingBack = ReturnType<typeof createGoingBack>;

/** Reading, comparing and restoring versions. */
export function createGoingBack(deps: {
  versions: Versions;
  buckets: Buckets;
  documents: Pick<Documents, 'flush' | 'merge' | 'opened'>;
}) {
  const { versions, buckets, documents } = deps;

  const historyOf = (owner: BucketOwner, key: string) => versions.inTurn(owner, () => versions.settled(owner, key));

  return {
    /** @throws AppError NotFound, InvalidInput (not a notebook), TooLarge */
    async notebook(owner: BucketOwner, key: string, id: string): Promise<Notebook> {
      return notebookOf(buckets, owner, versionById(await historyOf(owner, key), id));
    },

    /**
     * What changed between a version and another, the older one first.
     * @param against  a version's id; `previous` for the version before; `current` for the notebook as it is now
     */
    async diff(owner: BucketOwner, key: string, id: string, against: string): Promise<VersionDiff> {
      const history = await historyOf(owner, key);
      const version = versionById(history, id);
      const notebook = await notebookOf(buckets, owner, version);
      const shown = toNotebookVersion(version, history);
      if (against === 'current') {
        const live = documents.opened(owner, key)?.notebook() ?? (await notebookOf(buckets, owner, history.current));
        return { ...described(notebook, live), before: shown, after: null };
      }
      const place = history.versions.indexOf(version);
      const other =
        against === 'previous'
          ? history.versions.slice(place + 1).find(({ kind }) => kind !== 'conflict')
          : versionById(history, against);
      if (other === undefined) return { ...described(emptyNotebook(null), notebook), before: null, after: shown };
      const otherShown = toNotebookVersion(other, history);
      const otherNotebook = await notebookOf(buckets, owner, other);
      return history.versions.indexOf(other) > place
        ? { ...described(otherNotebook, notebook), before: otherShown, after: shown }
        : { ...described(notebook, otherNotebook), before: shown, after: otherShown };
    },

    /**
     * Puts the notebook, or only some of its cells, back to a version. Everybody who has it open sees it at once, and
     * what it was before stays as a version.
     * @throws AppError NotFound, InvalidInput, NotPossibleNow (somebody is changing the same cells)
     */
    async restore(
      owner: BucketOwner,
      key: string,
      id: string,
      { cells, author }: { cells: readonly string[] | undefined; author: Author },
    ): Promise<VersionRestored> {
      const target = await notebookOf(buckets, owner, versionById(await historyOf(owner, key), id));
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        await documents.flush(owner, key);
        const { current: before } = await historyOf(owner, key);
        versions.held.add(before.id);
        try {
          const present = await notebookOf(buckets, owner, before);
          const notebook = cells === undefined ? target : restoreCells(present, target, cells);
          // Of single cells, what others change meanwhile in the rest is kept.
          const base = cells === undefined ? null : before.generation;
          const outcome = await documents.merge(owner, key, { base, notebook, author });
          if (outcome.kind === 'conflict') continue;
          await documents.flush(owner, key);
          const history = await historyOf(owner, key);
          const current = toNotebookVersion(history.current, history);
          const stored = outcome.generation === before.generation ? history.current.generation : outcome.generation;
          if (stored === before.generation) return { version: current, previous: before.id, isChanged: false };
          const marked = await versions.mark(owner, key, stored, { kind: 'restore', author });
          return { version: marked ?? current, previous: before.id, isChanged: true };
        } finally {
          versions.held.delete(before.id);
        }
      }
      throw new AppError('NotPossibleNow', 'Somebody is changing these cells just now. Try again in a moment.');
    },
  };
}

function described(before: Notebook, after: Notebook): ReturnType<typeof diffNotebooks> & { language: string | null } {
  return { ...diffNotebooks(before, after), language: kernelOf(after.metadata).language };
}
