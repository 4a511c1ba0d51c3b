import type { BucketListing, BucketObject } from '@terrarium/contract';

/** A row of the file list: a folder (its key ends in a slash) or an object. */
export type Entry =
  | { readonly kind: 'folder'; readonly key: string; readonly name: string }
  | { readonly kind: 'object'; readonly key: string; readonly name: string; readonly object: BucketObject };

/** Where the server keeps what is no file of anybody's: a notebook's checkpoint, the other side of a conflict. */
const serverFolders = ['.checkpoints/', '.versions/'];

/** The rows of one level, folders first. */
export function entriesOf(listing: Pick<BucketListing, 'objects' | 'folders'>, folder: string): Entry[] {
  return [
    ...listing.folders
      .filter((key) => !serverFolders.includes(key))
      .map((key): Entry => ({ kind: 'folder', key, name: key.slice(folder.length, -1) })),
    ...listing.objects.map((object): Entry => {
      const { key } = object;
      return { kind: 'object', key, name: key.slice(folder.length), object };
    }),
  ];
}
