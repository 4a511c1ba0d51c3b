import { createHash } from 'node:crypto';

/** Room for a name on any common file system, less what a shadowed name adds. */
const longestName = 240;

/**
 * Where an object shows in the browsable tree, relative to its bucket's folder. A key is its own path, except that '%' is
 * written '%25', and that an object that is also a folder of other objects ("a" beside "a/b") ends in '%file'.
 * Injective over all keys that the contract allows, and never outside the folder: no part is empty, '.' or '..'.
 */
export function viewPath(key: string, options: { alsoFolder: boolean }): string {
  const folder = key.endsWith('/');
  const parts = (folder ? key.slice(0, -1) : key).split('/').map(viewName);
  return parts.join('/') + (folder ? '/' : options.alsoFolder ? '%file' : '');
}

function viewName(segment: string): string {
  const name = segment.replaceAll('%', '%25');
  if (Buffer.byteLength(name) <= longestName) return name;
  // Only names with many '%' get here. '%~' is in no other name.
  return `${segment.replaceAll('%', '').slice(0, 20)}%~${createHash('sha256').update(segment).digest('hex')}`;
}
