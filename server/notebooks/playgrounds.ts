import { Readable } from 'node:stream';
import {
  AppError,
  isPlaygroundPath,
  playgroundDays,
  type ChangeEvent,
  type NotebookSummary,
  type Playground,
} from '@terrarium/contract';
import type { BucketOwner } from '../bucket/buckets.ts';
import { alreadyExists, isPreconditionFailed } from '../bucket/move-object.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import type { Author } from '../documents/live-document.ts';
import { writeNotebook } from '../documents/nbformat.ts';
import { isoMoment } from '../plumbing/clock.ts';
import { keyOf, noSuchNotebook, notebooksFolder, type Notebooks } from './notebooks.ts';

export type Playgrounds = ReturnType<typeof createPlaygrounds>;

const lifetimeMs = playgroundDays * 86_400_000;

/** Playgrounds that nobody used since then are to be deleted. Epoch ms. */
export function playgroundsEndBefore(now: number): number {
  return now - lifetimeMs;
}

/** May this account read, write, run and list a playground? The one place that answers: only who made it may. */
export function mayUsePlayground(playground: { readonly owner: string | null }, accountId: string): boolean {
  return playground.owner === accountId;
}

/** Private copies of notebooks, by their path below `notebooks/`. */
export function createPlaygrounds(deps: {
  documents: Pick<LiveDocuments, 'hold' | 'createPlayground' | 'playgroundOwner' | 'playgrounds' | 'forget'>;
  notebooks: Pick<Notebooks, 'put'>;
  events: { publish(event: ChangeEvent, accountId?: string | null): void };
}) {
  const { documents, notebooks, events } = deps;

  /** @throws AppError NotFound  there is none, or it is somebody else's: that must not be told apart */
  async function required(owner: BucketOwner, accountId: string, path: string): Promise<void> {
    const madeBy = isPlaygroundPath(path) ? await documents.playgroundOwner(owner, keyOf(path)) : null;
    if (!mayUsePlayground({ owner: madeBy }, accountId)) throw noSuchPlayground(path);
  }

  function changed(owner: BucketOwner, path: string, accountId: string): void {
    events.publish({ kind: 'notebook', id: keyOf(path), workspaceId: owner.id }, accountId);
  }

  return {
    required,

    /** Lets every path pass but that of somebody else's playground. @throws AppError NotFound */
    async admit(owner: BucketOwner, accountId: string, path: string): Promise<void> {
      if (isPlaygroundPath(path)) await required(owner, accountId, path);
    },

    /** A private copy of a notebook, or of one's own playground. @throws AppError NotFound; InvalidInput (not a notebook) */
    async create(owner: BucketOwner, author: Author, path: string): Promise<{ path: string }> {
      if (isPlaygroundPath(path)) await required(owner, author.accountId, path);
      const { key } = await documents.createPlayground(owner, keyOf(path), author);
      const made = key.slice(notebooksFolder.length);
      changed(owner, made, author.accountId);
      return { path: made };
    },

    async list(owner: BucketOwner, accountId: string): Promise<Playground[]> {
      const rows = await documents.playgrounds(owner, accountId);
      return rows.map((row) => ({
        path: row.key.slice(notebooksFolder.length),
        source: row.source_key === null ? null : row.source_key.slice(notebooksFolder.length),
        createdAt: isoMoment(row.created_at),
        lastUsedAt: isoMoment(row.used_at),
        deletedAt: isoMoment(row.used_at + lifetimeMs),
      }));
    },

    /**
     * Stores it as a new notebook of the bucket; the playground stays as it is.
     * @throws AppError NotFound; AlreadyExists; StorageFull
     */
    async keep(owner: BucketOwner, accountId: string, path: string, to: string): Promise<NotebookSummary> {
      await required(owner, accountId, path);
      using held = await documents.hold(owner, keyOf(path));
      const bytes = Buffer.from(writeNotebook(held.document.notebook()));
      try {
        return await notebooks.put(owner, to, Readable.from([bytes]), { ifGeneration: 'absent' });
      } catch (error) {
        throw isPreconditionFailed(error) ? alreadyExists(to, error) : error;
      }
    },

    /** @throws AppError NotFound */
    async delete(owner: BucketOwner, accountId: string, path: string): Promise<void> {
      await required(owner, accountId, path);
      await documents.forget(owner, keyOf(path));
      changed(owner, path, accountId);
    },
  };
}

function noSuchPlayground(path: string): AppError {
  return isPlaygroundPath(path)
    ? new AppError(
        'NotFound',
        'There is no such playground of yours. It may have been deleted: unused ones go by themselves.',
      )
    : noSuchNotebook(path);
}
