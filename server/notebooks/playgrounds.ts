import { Readable } from 'node:stream';
import {
  AppError,
  isPlaygroundPath,
  playgroundDays,
  type ChangeEvent,
  type NotebookSummary,
  type Playground,
} from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner } from '../bucket/buckets.ts';
import { alreadyExists, isPreconditionFailed } from '../bucket/move-object.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import { writeNotebook } from '../documents/nbformat.ts';
import { isPlaygroundKey, mayUsePlayground } from '../documents/playground-key.ts';
import { isoMoment } from '../plumbing/clock.ts';
import { keyOf, notebooksFolder, type Notebooks } from './notebooks.ts';

export type Playgrounds = ReturnType<typeof createPlaygrounds>;

const lifetimeMs = playgroundDays * 86_400_000;

/** Private copies of notebooks, by their path below `notebooks/`. */
export function createPlaygrounds(deps: {
  documents: Pick<LiveDocuments, 'hold' | 'createPlayground' | 'playgroundOwner' | 'playgrounds' | 'forget'>;
  notebooks: Pick<Notebooks, 'put'>;
  events: { publish(event: ChangeEvent, accountId?: string | null): void };
}) {
  const { documents, notebooks, events } = deps;

  /** @throws AppError NotFound  there is none, or it is somebody else's: that must not be told apart */
  async function required(owner: BucketOwner, accountId: string, key: string): Promise<void> {
    const madeBy = isPlaygroundKey(key) ? await documents.playgroundOwner(owner, key) : null;
    if (!mayUsePlayground(madeBy, accountId)) throw noSuchPlayground();
  }

  function changed(owner: BucketOwner, key: string, accountId: string): void {
    events.publish({ kind: 'notebook', id: key, workspaceId: owner.id }, accountId);
  }

  return {
    /** Lets every key pass but that of somebody else's playground. @throws AppError NotFound */
    async admit(owner: BucketOwner, accountId: string, key: string): Promise<void> {
      if (isPlaygroundKey(key)) await required(owner, accountId, key);
    },

    /** A private copy of a notebook, or of one's own playground. @throws AppError NotFound; InvalidInput (not a notebook) */
    async create(owner: BucketOwner, author: Author, path: string): Promise<{ path: string }> {
      if (isPlaygroundPath(path)) await required(owner, author.accountId, keyOf(path));
      const { key } = await documents.createPlayground(owner, keyOf(path), author);
      changed(owner, key, author.accountId);
      return { path: key.slice(notebooksFolder.length) };
    },

    async list(owner: BucketOwner, accountId: string): Promise<Playground[]> {
      const rows = await documents.playgrounds(owner, accountId);
      return rows.map((row) => ({
        path: row.key.slice(notebooksFolder.length),
        source:
          row.source_key === null || isPlaygroundKey(row.source_key)
            ? null
            : row.source_key.slice(notebooksFolder.length),
        createdAt: isoMoment(row.created_at),
        lastUsedAt: isoMoment(row.used_at),
        deletedAt: isoMoment(row.used_at + lifetimeMs),
      }));
    },

    /**
     * Stores it as a new notebook of the bucket; the playground stays as it is.
     * @throws AppError NotFound; AlreadyExists; StorageFull
     */
    async keep(owner: BucketOwner, author: Author, path: string, to: string): Promise<NotebookSummary> {
      await required(owner, author.accountId, keyOf(path));
      using held = await documents.hold(owner, keyOf(path));
      const bytes = Buffer.from(writeNotebook(held.document.notebook()));
      try {
        return await notebooks.put(owner, to, Readable.from([bytes]), { ifGeneration: 'absent', author }, 'created');
      } catch (error) {
        throw isPreconditionFailed(error) ? alreadyExists(to, error) : error;
      }
    },

    /** @throws AppError NotFound */
    async delete(owner: BucketOwner, accountId: string, path: string): Promise<void> {
      await required(owner, accountId, keyOf(path));
      await documents.forget(owner, keyOf(path));
      changed(owner, keyOf(path), accountId);
    },
  };
}

function noSuchPlayground(): AppError {
  return new AppError(
    'NotFound',
    `There is no such playground of yours. One that is unused for ${String(playgroundDays)} days is deleted.`,
  );
}
