import { AppError } from '@terrarium/contract';
import { mergeNotebooks } from '../documents/merge-notebooks.ts';
import type { Notebook } from '../documents/nbformat.ts';
import { contentOf, type Content } from './content.ts';
import { decide, unreadable } from './decide.ts';
import type { Replaced } from './replaced.ts';
import type { BucketSide, DiskSide, MirrorRecord, Records } from './sides.ts';

export type Outcome =
  | { readonly kind: 'inStep' }
  /** The disk's content and the bucket's both stay: the one in a version, the other live. */
  | { readonly kind: 'keptBoth' }
  /** It was deleted on the disk; whether that is meant is judged together with the others. */
  | { readonly kind: 'missing'; readonly record: MirrorRecord }
  /** What is on the disk stays there alone, for this reason: a sentence without its subject. */
  | { readonly kind: 'left'; readonly reason: string }
  /** One side changed while it was looked at. */
  | { readonly kind: 'lookAgain' };

interface Side {
  readonly contentHash: string;
  /** Null when the record says what it is. */
  readonly content: Content | null;
}

/**
 * Brings one notebook into step.
 * INVARIANT: a side is changed under the precondition that it still is what was looked at, and the record is written
 * after that. So a crash in between leaves both sides whole, and what was done is found done (`adopt`) the next time.
 * INVARIANT: before a content goes to the other side that intention is recorded. So after a crash what one side got from
 * the other is not taken for somebody's change.
 * INVARIANT: what is replaced on the disk is in the bucket by then: as its notebook, merged into it, or as a version.
 * @param onDisk  hash of the file's bytes; null where there is none
 */
export async function syncNotebook(
  sides: { disk: DiskSide; bucket: BucketSide; records: Records; replaced: Replaced; canWrite: boolean },
  key: string,
  onDisk: string | null,
): Promise<Outcome> {
  try {
    return await bringIntoStep(sides, key, onDisk);
  } catch (error) {
    if (error instanceof AppError && error.code === 'PreconditionFailed') return { kind: 'lookAgain' };
    throw error;
  }
}

const inStep: Outcome = { kind: 'inStep' };

async function bringIntoStep(
  { disk, bucket, records, replaced, canWrite }: Parameters<typeof syncNotebook>[0],
  key: string,
  onDisk: string | null,
): Promise<Outcome> {
  let record = records.get(key);
  const intended = records.intended(key, 'bucket');
  const stored = await bucket.head(key);
  if (stored === (record?.generation ?? null) && onDisk === (record?.diskHash ?? null)) {
    if (record !== undefined && intended.size > 0) await records.set(record);
    return inStep;
  }

  let theirs: Side | null = null;
  let generation = stored;
  if (stored !== null && stored === record?.generation) theirs = { contentHash: record.contentHash, content: null };
  else if (stored !== null) {
    const read = await bucket.read(key);
    if (read === null) return { kind: 'lookAgain' };
    const content = contentOf(read.bytes);
    theirs = { contentHash: content.contentHash, content };
    ({ generation } = read);
  }

  if (theirs !== null && generation !== null && intended.has(theirs.contentHash)) {
    // The bytes on the disk are not known to be those; they are read.
    record = { key, contentHash: theirs.contentHash, generation, diskHash: '' };
  }

  let ours: Side | null = null;
  if (onDisk !== null && onDisk === record?.diskHash) ours = { contentHash: record.contentHash, content: null };
  else if (onDisk !== null) {
    const bytes = await disk.read(key);
    const content = bytes === null ? null : contentOf(bytes);
    if (content?.bytesHash !== onDisk) return { kind: 'lookAgain' };
    ours = { contentHash: content.contentHash, content };
  }
  if (ours !== null && onDisk !== null && records.intended(key, 'disk').has(ours.contentHash)) {
    // It is as the mirror wrote it, so nobody has changed it.
    record = { key, contentHash: ours.contentHash, generation: '', diskHash: onDisk };
  }
  const problem = ours?.content?.problem ?? null;
  const isUnreadable = problem !== null && ours?.contentHash !== theirs?.contentHash;

  const decision = decide({
    synced: record?.contentHash ?? null,
    disk: isUnreadable ? unreadable : (ours?.contentHash ?? null),
    bucket: theirs?.contentHash ?? null,
    canWrite,
  });
  switch (decision) {
    case 'nothing':
    case 'adopt':
      if (isUnreadable)
        return { kind: 'left', reason: `on the disk is not a notebook, and stays there alone: ${problem}` };
      if (ours !== null && generation !== null && onDisk !== null) {
        if (ours.content !== null) replaced.has(key, generation, ours.content);
        await records.set({ key, contentHash: ours.contentHash, generation, diskHash: onDisk });
      }
      return inStep;
    case 'forget':
      await records.delete(key);
      return inStep;
    case 'writeDisk':
      return writeDisk();
    case 'deleteOnDisk':
      if (onDisk !== null) await disk.remove(key, onDisk);
      await records.delete(key);
      return inStep;
    case 'deleteInBucket':
      // What is stored now holds the same as what was recorded, perhaps as a later generation.
      return record === undefined || generation === null
        ? { kind: 'lookAgain' }
        : { kind: 'missing', record: { ...record, generation } };
    case 'writeBucket':
      if (generation === null) return putIn('absent');
      return merge(() => putIn(generation ?? 'absent'));
    case 'merge':
      return merge(keepBoth);
    case 'keepBoth':
      return keepBoth();
    case 'leave':
      return {
        kind: 'left',
        reason: 'was changed on the disk alone: you may read the notebooks of this workspace, and not change them.',
      };
  }

  /** Makes the disk's file what is in the bucket now. */
  async function writeDisk(): Promise<Outcome> {
    const read = await bucket.read(key);
    if (read === null) return { kind: 'lookAgain' };
    const content = contentOf(read.bytes);
    const { contentHash } = content;
    if (record !== undefined && onDisk === record.diskHash) {
      const { generation: before } = record;
      await replaced.replacing(key, before, async () => {
        const found = await bucket.read(key, before);
        return found === null ? null : contentOf(found.bytes);
      });
    }
    await records.intend(key, 'disk', contentHash);
    const diskHash = await disk.write(key, read.bytes, onDisk);
    replaced.has(key, read.generation, content);
    await records.set({ key, contentHash, generation: read.generation, diskHash });
    return inStep;
  }

  async function contentOnDisk(): Promise<Content> {
    if (ours?.content != null) return ours.content;
    const bytes = await disk.read(key);
    const content = bytes === null ? null : contentOf(bytes);
    if (content === null || content.bytesHash !== onDisk) throw new AppError('PreconditionFailed', 'It has changed.');
    return content;
  }

  async function putIn(ifGeneration: string): Promise<Outcome> {
    const content = await contentOnDisk();
    const { bytes, bytesHash, contentHash } = content;
    await records.intend(key, 'bucket', contentHash);
    const put = await bucket.put(key, bytes, ifGeneration);
    replaced.has(key, put, content);
    await records.set({ key, contentHash, generation: put, diskHash: bytesHash });
    return inStep;
  }

  async function merge(otherwise: () => Promise<Outcome>): Promise<Outcome> {
    const content = await contentOnDisk();
    const { notebook, contentHash, bytesHash } = content;
    // There is a record wherever both sides have changed, and what cannot be read does not come here.
    if (record === undefined || notebook === null) return otherwise();
    const before = new Set(intended);
    await records.intend(key, 'bucket', contentHash);
    const { generation: base } = record;
    const change = await changeOf(content, notebook, base);
    if (change === 'conflict') return keepBoth();
    let outcome;
    try {
      outcome = await bucket.merge(key, { base, notebook: change });
      if (outcome.kind === 'conflict') {
        // The document may have had an earlier content of this disk that the bucket only has now.
        const now = await bucket.read(key);
        const isOurs = now !== null && before.has(contentOf(now.bytes).contentHash);
        if (isOurs) outcome = await bucket.merge(key, { base: now.generation, notebook: change });
      }
    } catch (error) {
      if (error instanceof AppError && error.code === 'InvalidInput') return otherwise();
      if (!(error instanceof AppError) || error.code !== 'NotFound') throw error;
      // It was deleted just now; or what both sides once had is kept no longer, so that nothing can be merged.
      return (await bucket.head(key)) === null ? { kind: 'lookAgain' } : keepBoth();
    }
    if (outcome.kind === 'conflict') return keepBoth();
    const now = await bucket.read(key);
    if (now === null) return { kind: 'lookAgain' };
    if (contentOf(now.bytes).contentHash === contentHash) {
      replaced.has(key, now.generation, content);
      await records.set({ key, contentHash, generation: now.generation, diskHash: bytesHash });
      return inStep;
    }
    replaced.replacingMerged(key, content);
    return writeDisk();
  }

  /** What the disk's notebook makes of the one that both sides had: without taking back what its writer never saw. */
  async function changeOf(content: Content, notebook: Notebook, synced: string): Promise<Notebook | 'conflict'> {
    const seen = replaced.readBy(key, content);
    if (seen === null) return notebook;
    const [before, now] = [seen.notebook ?? (await notebookAt(seen.generation)), await notebookAt(synced)];
    if (before === null || now === null) return notebook;
    const merged = mergeNotebooks(before, now, notebook);
    return merged.conflicts.length > 0 ? 'conflict' : merged.notebook;
  }

  async function notebookAt(generation: string | null): Promise<Notebook | null> {
    const read = generation === null ? null : await bucket.read(key, generation);
    return read === null ? null : contentOf(read.bytes).notebook;
  }

  async function keepBoth(): Promise<Outcome> {
    const { bytes } = await contentOnDisk();
    await bucket.keep(key, bytes);
    const written = await writeDisk();
    return written.kind === 'inStep' ? { kind: 'keptBoth' } : written;
  }
}

/** Passes a deletion on the disk on to the bucket. */
export async function passDeletionOn(
  { bucket, records }: { bucket: BucketSide; records: Records },
  record: MirrorRecord,
): Promise<Outcome> {
  try {
    await bucket.remove(record.key, record.generation);
  } catch (error) {
    if (error instanceof AppError && error.code === 'PreconditionFailed') return { kind: 'lookAgain' };
    throw error;
  }
  await records.delete(record.key);
  return inStep;
}
