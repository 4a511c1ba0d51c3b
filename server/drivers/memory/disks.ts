import { AppError } from '@terrarium/contract';
import type { DiskDriver, DiskFact } from '../../disks/disk-driver.ts';
import type { MemoryAbilities } from './abilities.ts';
import { checkId } from './check-id.ts';
import type { Around } from './faults.ts';
import type { IntervalRecord } from './intervals.ts';
import { diskInUse } from './machines.ts';

export type DiskMethod =
  'disks.describe' | 'disks.inspect' | 'disks.create' | 'disks.resize' | 'disks.delete' | 'disks.list';

export interface MemoryDisks {
  readonly driver: DiskDriver;
  has(id: string): boolean;
  setUsedBytes(id: string, usedBytes: number): void;
  /** What is on a disk: one text, empty at first. */
  write(id: string, text: string): void;
  read(id: string): string | null;
}

export function createDisks(options: {
  around: Around<DiskMethod>;
  record: IntervalRecord;
  abilities: () => MemoryAbilities;
  userOf: (diskId: string) => string | null;
}): MemoryDisks {
  const { around, record, abilities } = options;
  const disks = new Map<string, { sizeBytes: number; usedBytes: number; text: string }>();

  const factOf = (id: string): DiskFact => {
    const disk = disks.get(id);
    if (disk === undefined) return { id, state: 'absent' };
    return { id, state: 'ready', sizeBytes: disk.sizeBytes, usedBytes: disk.usedBytes };
  };
  const checkSize = (sizeBytes: number): void => {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > abilities().maxDiskBytes)
      throw new AppError('InvalidInput', 'A disk size is a whole number of bytes, above 0 and at most what fits here.');
  };

  const driver: DiskDriver = {
    name: 'memory',
    describe: () =>
      around('disks.describe', null, () => ({
        notes: ['Disks exist in memory only.'],
        maxBytes: abilities().maxDiskBytes,
        growsOnline: abilities().growsOnline,
      })),
    inspect: (id) => around('disks.inspect', id, () => factOf(id)),
    create: ({ id, sizeBytes, copyOf }) =>
      around('disks.create', id, () => {
        checkId(id);
        checkSize(sizeBytes);
        if (disks.has(id)) return;
        const source = copyOf === undefined ? undefined : disks.get(copyOf);
        if (copyOf !== undefined && source === undefined)
          throw new AppError('NotFound', `There is no disk '${copyOf}' to copy.`);
        disks.set(id, {
          sizeBytes: Math.max(sizeBytes, source?.sizeBytes ?? 0),
          usedBytes: source?.usedBytes ?? 0,
          text: source?.text ?? '',
        });
        record.open('disk', id);
      }),
    resize: (id, sizeBytes) =>
      around('disks.resize', id, () => {
        const disk = disks.get(id);
        if (disk === undefined) throw new AppError('NotFound', `There is no disk '${id}'.`);
        checkSize(sizeBytes);
        if (sizeBytes < disk.sizeBytes)
          throw new AppError('InvalidInput', 'A disk only grows; give a size above the present one.');
        if (sizeBytes === disk.sizeBytes) return;
        const user = options.userOf(id);
        if (user !== null && !abilities().growsOnline) throw diskInUse(id, user);
        disk.sizeBytes = sizeBytes;
      }),
    delete: (id) =>
      around('disks.delete', id, () => {
        const user = options.userOf(id);
        if (user !== null) throw diskInUse(id, user);
        if (disks.delete(id)) record.close('disk', id);
      }),
    list: () => around('disks.list', null, () => [...disks.keys()].map(factOf)),
  };

  return {
    driver,
    has: (id) => disks.has(id),
    setUsedBytes(id, usedBytes) {
      const disk = disks.get(id);
      if (disk !== undefined) disk.usedBytes = usedBytes;
    },
    write(id, text) {
      const disk = disks.get(id);
      if (disk !== undefined) disk.text = text;
    },
    read: (id) => disks.get(id)?.text ?? null,
  };
}
