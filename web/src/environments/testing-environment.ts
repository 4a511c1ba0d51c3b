import type { ComputeOffer, Disk, Environment } from '@terrarium/contract';

const now = '2026-01-01T00:00:00Z';

export const offer: ComputeOffer = {
  maxCpus: 8,
  maxMemoryGiB: 32,
  maxGpus: 0,
  maxDiskGiB: 500,
  canSleep: true,
  canLimitLive: true,
  growsOnline: true,
  defaults: { cpus: 1, memoryGiB: 4, diskGiB: 50, bootDiskGiB: 50, autopauseMinutes: 30, sleepMinutes: 10 },
  notes: [],
};

/** A disk as the server describes it. */
export function diskOf(part: Partial<Disk> & { name: string }): Disk {
  return {
    id: part.name,
    workspace: { id: 'w', namespace: 'lab', name: 'w' },
    owner: 'a@b',
    status: 'Ready',
    reason: null,
    kind: 'disk',
    copyOf: null,
    sizeGiB: 20,
    growsToGiB: null,
    usedBytes: null,
    attachedTo: null,
    pricePerMonth: 1,
    createdAt: now,
    lastAttachedAt: null,
    ...part,
  };
}

/** A running environment as the server describes it. */
export function environmentOf(part: Partial<Environment> = {}): Environment {
  return {
    id: 'e',
    name: 'main',
    workspace: { id: 'w', namespace: 'lab', name: 'w' },
    owner: 'a@b',
    status: 'Running',
    reason: null,
    image: 'host',
    imageTitle: 'Host',
    cpus: 1,
    memoryGiB: 4,
    gpus: 0,
    bootDiskGiB: 50,
    environmentVariables: {},
    startupScript: '',
    labels: {},
    startupScriptRuns: 'everyStart',
    autopauseMinutes: 30,
    sleepMinutes: 10,
    isChosen: true,
    disk: { id: 'd', name: 'main-disk', sizeGiB: 50, growsToGiB: null, status: 'Ready' },
    timeline: [],
    operations: [],
    usage: null,
    cost: {
      currency: 'USD',
      perHourRunning: 0.06,
      perHourAsleep: 0.03,
      perHourPaused: 0.01,
      perHourNow: 0.06,
      diskPerMonth: 2,
      soFar: 0,
    },
    notes: [],
    createdAt: now,
    startedAt: now,
    lastActivityAt: null,
    busyReasons: [],
    sleepsAt: null,
    pausesAt: null,
    keepRunningUntil: null,
    pausesWhenIdle: false,
    ...part,
  };
}
