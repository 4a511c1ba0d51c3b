import type { DiskFact } from '../../disks/disk-driver.ts';
import type { MachineFact } from '../compute-driver.ts';
import { isAlive } from '../plan.ts';

/** `ready` ones alone can be taken. */
export type PreparedState = 'making' | 'ready' | 'removing';

export type PreparedStep =
  | 'create-disk'
  | 'create-machine'
  | 'start-machine'
  | 'await-kernel'
  | 'sleep-machine'
  | 'delete-machine'
  | 'delete-disk';

export type PreparedDecision =
  | { readonly kind: 'step'; readonly step: PreparedStep }
  /** It can be taken. */
  | { readonly kind: 'ready' }
  /** What there was of it is gone: it can be taken no more. */
  | { readonly kind: 'lost' }
  /** Nothing is left of it. */
  | { readonly kind: 'forget' };

/** What to do next for a prepared machine, from what is there. Pure; the same facts give the same decision. */
export function planPrepared(
  state: PreparedState,
  facts: {
    readonly machine: MachineFact;
    readonly disk: DiskFact;
    /** Its agent and the kernel that is kept warm answer. */
    readonly isWarm: boolean;
    readonly canSleep: boolean;
  },
): PreparedDecision {
  const { machine, disk, isWarm, canSleep } = facts;
  switch (state) {
    case 'removing':
      if (machine.state !== 'absent') return step('delete-machine');
      return disk.state === 'absent' ? { kind: 'forget' } : step('delete-disk');
    case 'ready':
      return isAlive(machine) && disk.state === 'ready' ? { kind: 'ready' } : { kind: 'lost' };
    case 'making':
      if (disk.state === 'absent') return step('create-disk');
      if (machine.state === 'absent') return step('create-machine');
      if (machine.state === 'stopped') return step('start-machine');
      // It is put to sleep warm, and never before.
      if (machine.state === 'asleep') return { kind: 'ready' };
      if (!isWarm) return step('await-kernel');
      return canSleep ? step('sleep-machine') : { kind: 'ready' };
  }
}

function step(name: PreparedStep): PreparedDecision {
  return { kind: 'step', step: name };
}

/**
 * Which prepared machines to remove, and whether to begin with another: one at a time, until as many of that shape are
 * ready as are wanted.
 */
export function planPool(
  rows: readonly { readonly id: string; readonly spec: string; readonly state: PreparedState }[],
  wanted: { readonly size: number; readonly spec: string | null },
): { readonly remove: string[]; readonly isOneMissing: boolean } {
  const present = rows.filter(({ state }) => state !== 'removing');
  const fitting = present.filter(({ spec }) => spec === wanted.spec);
  const kept = [
    ...fitting.filter(({ state }) => state === 'ready'),
    ...fitting.filter(({ state }) => state === 'making'),
  ].slice(0, wanted.size);
  return {
    remove: present.filter((row) => !kept.includes(row)).map(({ id }) => id),
    isOneMissing: kept.length < wanted.size && kept.every(({ state }) => state === 'ready'),
  };
}
