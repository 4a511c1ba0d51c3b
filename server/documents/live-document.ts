import type * as Y from 'yjs';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner } from '../bucket/buckets.ts';
import type { Notebook } from './nbformat.ts';

/**
 * A fact that is kept together with the change that made it true: both are in the journal, or neither. The latest value
 * of each name is there again after a crash. `null` forgets the name.
 */
export interface Mark {
  readonly name: string;
  readonly value: unknown;
}

/**
 * An open notebook: one shared Yjs document with the schema of @jupyter/ydoc's YNotebook 2.0.0, held by the control
 * plane. Every editor, the kernels' outputs and autosave meet in it.
 */
export interface LiveDocument {
  /** Stable for the life of the file, renames included. */
  readonly id: string;
  readonly owner: BucketOwner;
  /** Where it is stored now; of a playground, where it would be. */
  readonly key: string;
  readonly isPlayground: boolean;
  /** Read freely; change it through `change` alone. */
  readonly doc: Y.Doc;
  /**
   * Changes `doc` in one Yjs transaction: everybody connected sees it at once, and it is journaled with its marks.
   * @param options.author  whose change the next version counts it as; null for none, as with a kernel's outputs
   */
  change<T>(work: () => T, options: { author: Author | null; marks?: readonly Mark[] }): T;
  marks(): ReadonlyMap<string, unknown>;
  /** Resolves when everything changed so far is on disk. @throws AppError StorageFull */
  durable(): Promise<void>;
  /** The notebook as it stands, valid nbformat 4.5. */
  notebook(): Notebook;
  /** Sends a message of our own to every connected client that speaks them. */
  tell(message: RoomNotice): void;
}

/** What the server says to connected clients beside the document itself. */
export type RoomNotice = { readonly type: string } & Readonly<Record<string, unknown>>;

/** One connected client. */
export interface RoomMember {
  readonly author: Author;
  readonly canWrite: boolean;
  readonly canCompute: boolean;
  tell(message: RoomNotice): void;
}

/** Keeps a document open for as long as somebody needs it. */
export interface Holding extends Disposable {
  readonly document: LiveDocument;
}

/** A document was written to the bucket. */
export interface Stored {
  /** Null when it was written without having been opened. */
  readonly documentId: string | null;
  readonly owner: BucketOwner;
  readonly key: string;
  readonly generation: string;
  readonly size: number;
  /** Epoch ms. */
  readonly at: number;
  /** Who changed it since the time before; empty when only kernels did. */
  readonly authors: readonly Author[];
}

export type MergeOutcome =
  /** `generation` is what is stored now. `merged` when somebody else's changes since `base` were kept beside these. */
  | { readonly kind: 'applied' | 'merged'; readonly generation: string }
  /** Both sides changed the same cells; nothing was changed. */
  | { readonly kind: 'conflict'; readonly cells: readonly string[]; readonly generation: string };

/** The live documents of all workspaces. */
export interface Documents {
  /**
   * Opens a notebook of a bucket, or joins those who have it open.
   * @param key  `notebooks/….ipynb`, or a playground's key
   * @throws AppError NotFound; InvalidInput (not a notebook, with the reason)
   */
  hold(owner: BucketOwner, key: string): Promise<Holding>;
  /** The same by the document's id; null when there is none such any more. */
  holdById(documentId: string): Promise<Holding | null>;
  /** The document of this key if it is in memory. */
  opened(owner: BucketOwner, key: string): LiveDocument | null;
  /**
   * Writes what is not in the bucket yet. Does nothing for a key that is not open or has nothing to write.
   * @throws AppError  as the bucket's put; the document and its journal keep everything
   */
  flush(owner: BucketOwner, key: string): Promise<void>;
  /**
   * Brings a notebook that was made elsewhere into the document (open or not): the difference is applied cell by cell,
   * so that editors keep their cursors and undo. It is journaled when this resolves, and stored if the bucket can be
   * written to.
   * @param change.base  generation that `notebook` was made from; null takes the present one for it
   */
  merge(
    owner: BucketOwner,
    key: string,
    change: { readonly base: string | null; readonly notebook: Notebook; readonly author: Author | null },
  ): Promise<MergeOutcome>;
  /**
   * A private copy of a notebook, whose edits never reach the bucket.
   * @returns its key: `notebooks/.playground/<id>/<name>.ipynb`
   */
  createPlayground(owner: BucketOwner, key: string, author: Author): Promise<{ readonly key: string }>;
  /** After each write to the bucket. */
  onStored(listener: (stored: Stored) => void): void;
  /** After a document that is in memory got another key. */
  onMoved(listener: (document: LiveDocument) => void): void;
  /** Answers messages of one type that clients send in a room; the first field `type` tells them apart. */
  onMessage(
    type: string,
    handler: (member: RoomMember, document: LiveDocument, message: Readonly<Record<string, unknown>>) => void,
  ): void;
}
