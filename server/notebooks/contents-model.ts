import { objectKeyProblem, AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import type { BucketOwner } from '../bucket/buckets.ts';
import { guessContentType } from '../bucket/content-type.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';
import { isPlaygroundKey } from '../documents/playground-key.ts';

/** What Jupyter's contents API says of a file, a notebook or a directory. @see jupyter_server 2, services/contents */
export interface ContentsModel {
  readonly name: string;
  readonly path: string;
  readonly type: 'notebook' | 'file' | 'directory';
  readonly last_modified: string;
  readonly created: string;
  /** Notebook JSON, text, base64, or the models of a directory's entries; null when it was not asked for. */
  readonly content: unknown;
  readonly format: 'json' | 'text' | 'base64' | null;
  readonly mimetype: string | null;
  readonly size: number | null;
  readonly writable: boolean;
  readonly hash: string | null;
  readonly hash_algorithm: string | null;
  /** What in a notebook does not follow nbformat. */
  readonly message?: string;
}

/** Whose bucket, and what the caller may do with it. */
export interface ContentsScope {
  readonly owner: BucketOwner;
  readonly canWrite: boolean;
  readonly author: Author;
  /** Of the workspace: the age of directories that nobody made by hand. Epoch ms. */
  readonly createdAt: number;
}

/** The bucket's part of a Jupyter file tree: this directory and all below it. */
export const bucketDirectory = 'notebooks';

export type Place =
  /** Lists the bucket's directory beside what is on the disk. */
  | { readonly kind: 'root' }
  /** The path is the object's key. */
  | { readonly kind: 'bucket'; readonly path: string }
  | { readonly kind: 'disk'; readonly path: string };

/** Where a path of the contents API leads. @throws AppError InvalidInput */
export function placeOf(given: string): Place {
  const path = given.replace(/^\/+|\/+$/g, '');
  if (path === '') return { kind: 'root' };
  const isBucket = path === bucketDirectory || path.startsWith(`${bucketDirectory}/`);
  // On the disk any name goes; what leads elsewhere does not.
  const problem = isBucket
    ? objectKeyProblem(path)
    : /(^|\/)\.{1,2}(\/|$)|\0/.test(path)
      ? 'A path has no "." and no ".." in it.'
      : undefined;
  if (problem !== undefined) throw new AppError('InvalidInput', `"${path.slice(0, 200)}": ${problem}`);
  return { kind: isBucket ? 'bucket' : 'disk', path };
}

/** Jupyter serves no hidden files; a playground is one that its owner alone knows the way to. */
export function isHidden(path: string): boolean {
  return !isPlaygroundKey(path) && path.split('/').some((name) => name.startsWith('.'));
}

/** Names that Jupyter leaves out of listings. */
export function isListed(name: string): boolean {
  return !name.startsWith('.') && name !== '__pycache__' && !/(\.pyc|\.pyo|~)$/.test(name);
}

export function isNotebookName(path: string): boolean {
  return path.endsWith('.ipynb');
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A file or notebook without its content. */
export function fileModel(scope: ContentsScope, info: ObjectInfo, type: 'notebook' | 'file'): ContentsModel {
  return {
    name: nameOf(info.key),
    path: info.key,
    type,
    last_modified: info.updatedAt.toISOString(),
    created: info.createdAt.toISOString(),
    content: null,
    format: null,
    mimetype: type === 'notebook' ? null : (guessContentType(info.key)?.split(';')[0] ?? null),
    size: info.size,
    writable: scope.canWrite,
    hash: null,
    hash_algorithm: null,
  };
}

/** A directory; `marker` is the object that makes it one even when it is empty. */
export function directoryModel(
  scope: ContentsScope,
  path: string,
  marker: ObjectInfo | null,
  entries: ContentsModel[] | null = null,
): ContentsModel {
  return {
    name: nameOf(path),
    path,
    type: 'directory',
    last_modified: (marker?.updatedAt ?? new Date(scope.createdAt)).toISOString(),
    created: (marker?.createdAt ?? new Date(scope.createdAt)).toISOString(),
    content: entries,
    format: entries === null ? null : 'json',
    mimetype: null,
    size: null,
    writable: scope.canWrite,
    hash: null,
    hash_algorithm: null,
  };
}
