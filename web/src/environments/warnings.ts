import type { Environment } from '@terrarium/contract';
import { formatBytes } from '../ui/formats.ts';

const highShare = 0.85;
const gib = 1024 ** 3;

export interface Level {
  readonly used: number | null;
  readonly total: number;
}

/** How full its memory is. The limit is what it was given, until it has been measured. */
export function memoryLevel({ usage, memoryGiB }: Pick<Environment, 'usage' | 'memoryGiB'>): Level {
  return { used: usage?.memoryBytes ?? null, total: usage?.memoryLimitBytes ?? memoryGiB * gib };
}

/** How full its disk is; undefined for one without a disk. */
export function diskLevel({ usage, disk }: Pick<Environment, 'usage' | 'disk'>): Level | undefined {
  const total = usage?.diskTotalBytes ?? (disk === null ? null : disk.sizeGiB * gib);
  return total === null ? undefined : { used: usage?.diskUsedBytes ?? null, total };
}

export function isHigh(level: Level | undefined): boolean {
  return level !== undefined && level.used !== null && level.total > 0 && level.used / level.total >= highShare;
}

/** "91 % full (3.6 GiB of 4 GiB)". */
export function fullness({ used, total }: Level): string {
  return `${String(Math.floor(((used ?? 0) / total) * 100))} % full (${formatBytes(used ?? 0)} of ${formatBytes(total)})`;
}

/** Id of the timeline's step that runs the startup script. */
const startupScriptStep = 'run-script';
const lastLines = 8;

/** What the startup script printed last, when it failed at the latest start; undefined when it did not. */
export function startupFailure({ status, timeline }: Pick<Environment, 'status' | 'timeline'>): string | undefined {
  if (status !== 'Running' && status !== 'Asleep') return undefined;
  const latest = timeline.findLast(({ step }) => step === startupScriptStep);
  if (latest?.outcome !== 'failed') return undefined;
  return latest.log.trimEnd().split('\n').slice(-lastLines).join('\n');
}
