import type { Disk } from '@terrarium/contract';

/** The disks with their snapshots, newest first; a snapshot whose disk is not among them stands for itself. */
export function grouped(disks: readonly Disk[]): { disk: Disk; snapshots: Disk[] }[] {
  const isSnapshotOf = (snapshot: Disk, disk: Disk): boolean =>
    snapshot.kind === 'snapshot' &&
    disk.kind === 'disk' &&
    snapshot.copyOf === disk.name &&
    snapshot.workspace.id === disk.workspace.id;
  const isBelowAnother = (disk: Disk): boolean => disks.some((other) => isSnapshotOf(disk, other));
  return disks
    .filter((disk) => !isBelowAnother(disk))
    .map((disk) => ({
      disk,
      snapshots: disks
        .filter((other) => isSnapshotOf(other, disk))
        .toSorted((left, right) => right.createdAt.localeCompare(left.createdAt)),
    }));
}
