import { buffer } from 'node:stream/consumers';
import type { BucketOwner, Buckets } from '../bucket/buckets.ts';
import { notebookByteLimit, readNotebook, type Notebook } from './nbformat.ts';
import { tooLarge } from './notebook-bytes.ts';
import { noSuchNotebook, notANotebook } from './refusals.ts';

/**
 * One generation of a notebook's object, as it is and as a notebook.
 * @throws AppError NotFound; TooLarge; InvalidInput  it is not a notebook; DriverUnavailable
 */
export async function readObject(
  buckets: Buckets,
  owner: BucketOwner,
  key: string,
  generation: string,
): Promise<{ bytes: Buffer; notebook: Notebook }> {
  const found = await buckets.get(owner, key, { generation });
  if (found === null) throw noSuchNotebook(key);
  if (found.info.size > notebookByteLimit) {
    found.body.destroy();
    throw tooLarge(key);
  }
  const bytes = await buffer(found.body);
  const reading = readNotebook(bytes);
  if (reading.kind === 'refused') throw notANotebook(key, reading.reason);
  return { bytes, notebook: reading.notebook };
}
