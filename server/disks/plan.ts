import type { DiskStatus } from '@terrarium/contract';
import type { DiskFact } from './disk-driver.ts';

export const gib = 1024 ** 3;

export type DiskDecision =
  | { readonly kind: 'create' }
  | { readonly kind: 'grow'; readonly sizeGiB: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'settle'; readonly status: DiskStatus; readonly reason: string | null };

/** What to do next for a disk: from what is wanted and what is there. */
export function planDisk(
  intent: { desired: 'present' | 'deleted'; status: DiskStatus; growsToGiB: number | null },
  fact: DiskFact,
): DiskDecision {
  if (intent.desired === 'deleted') {
    return fact.state === 'absent' ? { kind: 'settle', status: 'Deleted', reason: null } : { kind: 'delete' };
  }
  if (fact.state === 'ready') {
    return intent.growsToGiB !== null && fact.sizeBytes < intent.growsToGiB * gib
      ? { kind: 'grow', sizeGiB: intent.growsToGiB }
      : { kind: 'settle', status: 'Ready', reason: null };
  }
  // A disk that was ready held someone's files. An empty one in its place would hide that they are gone.
  if (intent.status === 'Ready') {
    return {
      kind: 'settle',
      status: 'Failed',
      reason: 'The disk is gone from where it was stored. Restore it from a backup, or delete it here.',
    };
  }
  return { kind: 'create' };
}
