import { buffer } from 'node:stream/consumers';
import { AppError } from '@terrarium/contract';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import { readNotebook, type Notebook } from '../documents/nbformat.ts';
import type { VersionRow } from './store.ts';

// As much as can be opened: a larger object is no notebook that anybody edited here.
const byteLimit = 200 * 1024 * 1024;

/**
 * The notebook of a version.
 * @throws AppError NotFound (no longer kept), InvalidInput (not a notebook), TooLarge
 */
export async function notebookOf(buckets: Buckets, owner: BucketOwner, version: VersionRow): Promise<Notebook> {
  const name = `The version of ${new Date(version.at).toISOString()}`;
  if (version.size > byteLimit) {
    throw new AppError('TooLarge', `${name} has more than ${String(byteLimit / 1024 / 1024)} MiB, too much to open.`);
  }
  const found = await buckets.get(owner, version.object_key, { generation: version.generation });
  if (found === null) throw new AppError('NotFound', `${name} is no longer kept. Choose another one.`);
  const reading = readNotebook(await buffer(found.body));
  if (reading.kind === 'refused') throw new AppError('InvalidInput', `${name} is not a notebook: ${reading.reason}`);
  return reading.notebook;
}
