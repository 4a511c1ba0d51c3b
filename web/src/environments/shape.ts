import {
  diskPricePerMonth,
  environmentPrice,
  type Environment,
  type EnvironmentStatus,
  type PriceTable,
} from '@terrarium/contract';

export interface Estimate {
  perHourRunning: number;
  perHourPaused: number;
  diskPerMonth: number;
  currency: string;
}

export function estimate(
  shape: { cpus: number; memoryGiB: number; diskGiB: number; bootDiskGiB: number },
  prices: PriceTable,
): Estimate {
  return {
    ...environmentPrice({ ...shape, gpus: 0 }, prices),
    diskPerMonth: diskPricePerMonth(shape.diskGiB, prices),
    currency: prices.currency,
  };
}

/** What the machine costs in this status. One in Error may still hold a machine, so it is counted as running. */
export function pricePerHourNow({ status, cost }: Pick<Environment, 'status' | 'cost'>): number {
  return isPausedPrice[status] ? cost.perHourPaused : cost.perHourRunning;
}

const isPausedPrice: Record<EnvironmentStatus, boolean> = {
  Creating: false,
  Running: false,
  Updating: false,
  Stopping: false,
  Starting: false,
  Error: false,
  Stopped: true,
  Deleting: true,
  Deleted: true,
};

/** "1 CPU, 4 GiB memory". */
export function shapeText({ cpus, memoryGiB, gpus }: { cpus: number; memoryGiB: number; gpus: number }): string {
  return [
    `${String(cpus)} CPU${cpus === 1 ? '' : 's'}`,
    `${String(memoryGiB)} GiB memory`,
    ...(gpus > 0 ? [`${String(gpus)} GPU${gpus === 1 ? '' : 's'}`] : []),
  ].join(', ');
}
