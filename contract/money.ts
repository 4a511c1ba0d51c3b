import * as z from 'zod';

/** Price table of an installation. Rates are in `currency`; an hour is 60 minutes, a month 730 hours. */
export const PriceTable = z.object({
  currency: z.string().length(3),
  cpuHour: z.number().nonnegative(),
  memoryGiBHour: z.number().nonnegative(),
  gpuHour: z.number().nonnegative(),
  diskGiBMonth: z.number().nonnegative(),
  bootDiskGiBMonth: z.number().nonnegative(),
});
export type PriceTable = z.infer<typeof PriceTable>;

export const hoursPerMonth = 730;

export interface PricedShape {
  cpus: number;
  memoryGiB: number;
  gpus: number;
  bootDiskGiB: number;
}

export interface EnvironmentPrice {
  readonly perHourRunning: number;
  readonly perHourAsleep: number;
  readonly perHourPaused: number;
}

/**
 * What the machine costs per hour: running; asleep, when its memory is kept and its CPUs are free (a GPU is not); and
 * paused, when only its boot disk is there. The estimate, the ledger and every page use this one function.
 */
export function environmentPrice(shape: PricedShape, prices: PriceTable): EnvironmentPrice {
  const perHourPaused = (shape.bootDiskGiB * prices.bootDiskGiBMonth) / hoursPerMonth;
  const perHourAsleep = shape.memoryGiB * prices.memoryGiBHour + shape.gpus * prices.gpuHour + perHourPaused;
  return { perHourRunning: shape.cpus * prices.cpuHour + perHourAsleep, perHourAsleep, perHourPaused };
}

export function diskPricePerMonth(diskGiB: number, prices: PriceTable): number {
  return diskGiB * prices.diskGiBMonth;
}

export function diskPricePerHour(diskGiB: number, prices: PriceTable): number {
  return diskPricePerMonth(diskGiB, prices) / hoursPerMonth;
}
