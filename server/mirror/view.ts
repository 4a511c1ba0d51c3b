import type { AgentNotebooks } from '@terrarium/contract/agent';
import type { Clock } from '../plumbing/clock.ts';
import type { AgentDisk } from './agent-notebooks.ts';
import { isMirrored, keyOf, pathIn, type BucketNotebooks, type StoredNotebook } from './bucket-notebooks.ts';
import type { DiskSide, Records } from './sides.ts';

/** The bucket is read anew this often, for what no event told of. */
const relistEveryMs = 60_000;

/** Both sides as they were seen last. */
export interface View {
  /** The disk; what is changed through it is seen at once. */
  readonly disk: DiskSide;
  readonly listing: AgentNotebooks | null;
  /** Waits for another list of the disk than the last. */
  follow(waitMs: number, signal: AbortSignal): Promise<void>;
  /** Lists the disk now. */
  look(signal: AbortSignal): Promise<void>;
  /** An object of the bucket, or all in a folder of it, changed. @returns whether that matters here */
  touch(key: string): boolean;
  /** Reads what changed in the bucket. @returns when all of it is to be read again */
  readBucket(): Promise<number>;
  /** Every notebook that is on either side, or was. */
  keys(): Set<string>;
  onDisk(key: string): { hash: string; size: number } | undefined;
  inBucket(key: string): StoredNotebook | undefined;
  isInStep(key: string): boolean;
  /** Whether it is being written on the disk, or its folder could not be read. */
  isUnknown(key: string): boolean;
}

export function createView(options: {
  disk: AgentDisk;
  bucket: Pick<BucketNotebooks, 'list' | 'stat'>;
  records: Records;
  clock: Clock;
}): View {
  const { disk, bucket, records, clock } = options;
  let listing: AgentNotebooks | null = null;
  let onDisk = new Map<string, { hash: string; size: number }>();
  let inBucket = new Map<string, StoredNotebook>();
  let relistAt = 0;
  const touched = new Set<string>();

  function take(found: AgentNotebooks): void {
    listing = found;
    onDisk = new Map(found.files.map(({ path, hash, size }) => [keyOf(path), { hash, size }]));
  }

  return {
    disk: {
      read: disk.read,
      async write(key, bytes, expected) {
        const hash = await disk.write(key, bytes, expected);
        onDisk.set(key, { hash, size: bytes.byteLength });
        return hash;
      },
      async remove(key, expected) {
        await disk.remove(key, expected);
        onDisk.delete(key);
      },
    },
    get listing() {
      return listing;
    },
    async follow(waitMs, signal) {
      take(await disk.list(listing?.version ?? null, waitMs, signal));
    },
    async look(signal) {
      take(await disk.list(null, 0, signal));
    },

    touch(key) {
      if (key.endsWith('/') || 'notebooks/'.startsWith(key)) relistAt = 0;
      else if (isMirrored(key)) touched.add(key);
      else return false;
      return true;
    },

    async readBucket() {
      if (clock.now() >= relistAt) {
        relistAt = clock.now() + relistEveryMs;
        touched.clear();
        const found = await bucket.list();
        inBucket = new Map(found.filter(({ key }) => isMirrored(key)).map((info) => [info.key, info]));
        return relistAt;
      }
      const keys = [...touched];
      touched.clear();
      for (const key of keys) {
        const info = await bucket.stat(key);
        if (info === null) inBucket.delete(key);
        else inBucket.set(key, info);
      }
      return relistAt;
    },

    keys: () => new Set([...onDisk.keys(), ...inBucket.keys(), ...Array.from(records.all(), (record) => record.key)]),
    onDisk: (key) => onDisk.get(key),
    inBucket: (key) => inBucket.get(key),

    isInStep(key) {
      const record = records.get(key);
      return (
        record !== undefined &&
        onDisk.get(key)?.hash === record.diskHash &&
        inBucket.get(key)?.generation === record.generation
      );
    },

    isUnknown(key) {
      const path = pathIn(key);
      return listing?.settling.some((one) => one === path || (one.endsWith('/') && path.startsWith(one))) ?? true;
    },
  };
}
