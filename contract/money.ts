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

/** What the machine costs per hour while its processes run, and while it is paused and only keeps its boot disk. */
export function environmentPrice(
  shape: PricedShape,
  prices: PriceTable,
): { perHourRunning: number; perHourPaused: number } {
  const bootDisk = (shape.bootDiskGiB * prices.bootDiskGiBMonth) / hoursPerMonth;
  return {
    perHourRunning:
      shape.cpus * prices.cpuHour + shape.memoryGiB * prices.memoryGiBHour + shape.gpus * prices.gpuHour + bootDisk,
    perHourPaused: bootDisk,
  };
}

export function diskPricePerMonth(diskGiB: number, prices: PriceTable): number {
  return diskGiB * prices.diskGiBMonth;
}

export function diskPricePerHour(diskGiB: number, prices: PriceTable): number {
  return diskPricePerMonth(diskGiB, prices) / hoursPerMonth;
}
