/** One notebook as it was when both sides last had the same, and as each side has it now. Contents by hash, null: none. */
export interface Facts {
  readonly synced: string | null;
  /** `unreadable`: there is a file that cannot be taken now, since it is half written or not a notebook. */
  readonly disk: string | null | typeof unreadable;
  readonly bucket: string | null;
  /** Whether the environment's owner may change the bucket. */
  readonly canWrite: boolean;
}

export const unreadable = Symbol('unreadable');

export type Decision =
  | 'nothing'
  /** The two are the same without a record of it, or neither is there any more: only the record changes. */
  | 'adopt'
  | 'forget'
  | 'writeDisk'
  | 'writeBucket'
  | 'deleteOnDisk'
  | 'deleteInBucket'
  /** Both changed since they were the same: to be merged cell by cell, and both kept where that cannot be done. */
  | 'merge'
  /** Both are there and never were the same: both are kept. */
  | 'keepBoth'
  /** The disk's change stays on the disk, because its owner may not write to the bucket. */
  | 'leave';

/**
 * What to do about one notebook. A change on one side goes to the other, a deletion too; a change wins over a deletion,
 * and what both sides changed is never decided for one of them here.
 */
export function decide({ synced, disk, bucket, canWrite }: Facts): Decision {
  if (disk === unreadable) return 'nothing';
  if (disk === bucket) {
    if (disk === synced) return 'nothing';
    return disk === null ? 'forget' : 'adopt';
  }
  if (disk === synced) return bucket === null ? 'deleteOnDisk' : 'writeDisk';
  if (bucket === synced) {
    if (!canWrite) return 'leave';
    return disk === null ? 'deleteInBucket' : 'writeBucket';
  }
  // Both changed, each in its own way.
  if (disk === null) return 'writeDisk';
  if (!canWrite) return 'leave';
  if (bucket === null) return 'writeBucket';
  return synced === null ? 'keepBoth' : 'merge';
}
