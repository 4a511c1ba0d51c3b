import { AppError } from '@terrarium/contract';
import type { BucketOwner } from '../bucket/buckets.ts';
import { applyNotebook } from './apply-notebook.ts';
import type { Documents } from './live-document.ts';
import type { Loader, OpenDocument } from './load-documents.ts';
import { mergeNotebooks } from './merge-notebooks.ts';
import type { Notebook } from './nbformat.ts';
import type { OpenDocuments } from './open-documents.ts';
import { snapshotOf, storedBefore, unstoredGeneration, type Snapshot, type Snapshots } from './snapshot.ts';

/** A document as an object of its bucket, under the bucket's own generation where that has the same. */
export function asItStands({ document, row, storing }: OpenDocument): Snapshot {
  const { generation, isStored } = storing;
  const nameOf = (hash: string): string =>
    isStored && generation !== null ? generation : unstoredGeneration(generation, hash);
  return snapshotOf(document, new Date(row.created_at), nameOf);
}

/** Brings notebooks that were made elsewhere into documents, whether their buckets can be written to or not. */
export function createMerging(deps: {
  hold: OpenDocuments['hold'];
  loader: Pick<Loader, 'readObject'>;
  snapshots: Snapshots;
}): Documents['merge'] {
  const { hold, loader, snapshots } = deps;

  /** What a change was made from. Where that is no longer kept, nothing: whatever differs is a conflict then. */
  async function baseOf(owner: BucketOwner, key: string, generation: string, changed: Notebook): Promise<Notebook> {
    const given = snapshots.of(owner, key, generation);
    if (given !== null) return given.notebook;
    const nothing = { ...changed, cells: [] };
    const stored = storedBefore(generation);
    try {
      return stored === null ? nothing : await loader.readObject(owner, key, stored);
    } catch (error) {
      if (error instanceof AppError && error.code === 'NotFound') return nothing;
      throw error;
    }
  }

  return async (owner, key, { base, notebook, author }) => {
    using held = await hold(owner, key);
    const { document, storing } = held.entry;
    // What cannot be stored now is merged all the same: the document is the truth, not the bucket.
    const isFlushed = await storing.flush().then(
      () => true,
      () => false,
    );
    const stored = storing.generation;
    const from = base ?? (isFlushed ? stored : asItStands(held.entry).info.generation);
    // What was typed since the last store is in neither side's base, so it is merged as well.
    const isPresent =
      document.isPlayground || (storing.isStored ? from === stored : from === asItStands(held.entry).info.generation);
    let wanted = notebook;
    if (!isPresent && from !== null) {
      const before = await baseOf(owner, key, from, notebook);
      const merged = mergeNotebooks(before, document.notebook(), notebook);
      if (merged.conflicts.length > 0) return { kind: 'conflict', cells: merged.conflicts, generation: stored ?? '' };
      wanted = merged.notebook;
    }
    document.change(
      () => {
        applyNotebook(document.doc, wanted);
      },
      { author },
    );
    if (document.isPlayground) await document.durable();
    // What the journal has is safe, as an edit is, and reaches the bucket once that can be written to.
    else await storing.flush().catch(() => document.durable());
    return { kind: from === stored ? 'applied' : 'merged', generation: storing.generation ?? '' };
  };
}
