import { AppError } from '@terrarium/contract';
import type { ObjectInfo } from '../../bucket/object-store.ts';
import { afterFolder, type ObjectIndex } from './store.ts';

/** The last thing of the page before: go on behind it. */
interface PageStart {
  readonly after: string;
}

/**
 * One page in key order. Folders are skipped over, not read through, so a page costs what it shows.
 * A page holds at most `limit` objects and folders together.
 */
export function listPage(
  index: ObjectIndex,
  bucket: string,
  options: { prefix: string; folded: boolean; start: PageStart | null; limit: number },
): { objects: ObjectInfo[]; folders: string[]; nextPageToken: string | null } {
  const { prefix, folded, start, limit } = options;
  const objects: ObjectInfo[] = [];
  const folders: string[] = [];
  let last = '';
  let from: { key: string; inclusive: boolean } | null = { key: prefix, inclusive: true };
  // A start before the prefix would only come from a token of another listing.
  if (start !== null && Buffer.compare(Buffer.from(start.after), Buffer.from(prefix)) >= 0)
    from = behind(start.after, prefix, folded);
  while (from !== null) {
    let jump: string | null = null;
    for (const { info } of index.scan(bucket, from)) {
      if (!info.key.startsWith(prefix)) break;
      if (objects.length + folders.length >= limit) return { objects, folders, nextPageToken: encodePageToken(last) };
      const slash = folded ? info.key.indexOf('/', prefix.length) : -1;
      if (slash === -1) {
        objects.push(info);
        last = info.key;
        continue;
      }
      last = info.key.slice(0, slash + 1);
      folders.push(last);
      jump = afterFolder(last);
      break;
    }
    from = jump === null ? null : { key: jump, inclusive: true };
  }
  return { objects, folders, nextPageToken: null };
}

function behind(last: string, prefix: string, folded: boolean): { key: string; inclusive: boolean } {
  const wasFolder = folded && last.endsWith('/') && last.length > prefix.length;
  return wasFolder ? { key: afterFolder(last), inclusive: true } : { key: last, inclusive: false };
}

function encodePageToken(last: string): string {
  return Buffer.from(last).toString('base64url');
}

/** @throws AppError InvalidInput */
export function decodePageToken(token: string): PageStart {
  const after = Buffer.from(token, 'base64url').toString();
  if (after === '' || encodePageToken(after) !== token) {
    throw new AppError(
      'InvalidInput',
      'The page token is not one that a listing gave. Start again from the first page.',
    );
  }
  return { after };
}
