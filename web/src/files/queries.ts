import type { BucketListing } from '@terrarium/contract';
import { queryOptions } from '@tanstack/react-query';
import { api } from '../api.ts';

/** One level of a workspace's bucket, all of it, page after page. `folder` is '' or ends in a slash. */
export function folderQuery({ namespace, name }: { namespace: string; name: string }, folder: string) {
  return queryOptions({
    queryKey: ['objects', namespace, name, folder],
    queryFn: async ({ signal }): Promise<Omit<BucketListing, 'nextPageToken'>> => {
      const objects: BucketListing['objects'] = [];
      const folders: string[] = [];
      let pageToken: string | null = null;
      do {
        const page: BucketListing = await api.listObjects({
          params: { namespace, name },
          query: { prefix: folder, delimiter: '/', ...(pageToken === null ? {} : { pageToken }) },
          signal,
        });
        objects.push(...page.objects);
        folders.push(...page.folders);
        pageToken = page.nextPageToken;
      } while (pageToken !== null);
      // A folder made empty is an object whose key is the folder itself.
      return { objects: objects.filter(({ key }) => key !== folder), folders };
    },
  });
}

export interface FolderContents {
  objects: number;
  bytes: number;
  /** False when there are more than were counted. */
  isComplete: boolean;
}

const countedPages = 10;

/** How much is in a folder and all below it: what deleting it would lose. */
export function folderContentsQuery({ namespace, name }: { namespace: string; name: string }, folder: string) {
  return queryOptions({
    queryKey: ['objects', namespace, name, folder, 'contents'],
    queryFn: async ({ signal }): Promise<FolderContents> => {
      let objects = 0;
      let bytes = 0;
      let pageToken: string | null = null;
      for (let page = 0; page < countedPages; page += 1) {
        const listing: BucketListing = await api.listObjects({
          params: { namespace, name },
          query: { prefix: folder, ...(pageToken === null ? {} : { pageToken }) },
          signal,
        });
        for (const object of listing.objects) {
          if (object.key.endsWith('/')) continue;
          objects += 1;
          bytes += object.size;
        }
        pageToken = listing.nextPageToken;
        if (pageToken === null) return { objects, bytes, isComplete: true };
      }
      return { objects, bytes, isComplete: false };
    },
  });
}
