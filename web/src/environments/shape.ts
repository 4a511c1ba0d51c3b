import { diskPricePerMonth, environmentPrice, type PricedShape, type PriceTable } from '@terrarium/contract';

export interface Estimate {
  perHourRunning: number;
  perHourAsleep: number;
  perHourPaused: number;
  diskPerMonth: number;
  currency: string;
}

export function estimate(shape: PricedShape & { diskGiB: number }, prices: PriceTable): Estimate {
  return {
    ...environmentPrice(shape, prices),
    diskPerMonth: diskPricePerMonth(shape.diskGiB, prices),
    currency: prices.currency,
  };
}

/** "1 CPU, 4 GiB memory". */
export function shapeText({ cpus, memoryGiB, gpus }: { cpus: number; memoryGiB: number; gpus: number }): string {
  return [
    `${String(cpus)} CPU${cpus === 1 ? '' : 's'}`,
    `${String(memoryGiB)} GiB memory`,
    ...(gpus > 0 ? [`${String(gpus)} GPU${gpus === 1 ? '' : 's'}`] : []),
  ].join(', ');
}
