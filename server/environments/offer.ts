import { diskPricePerMonth, environmentPrice, type ComputeOffer, type PriceTable } from '@terrarium/contract';
import { gib } from '../disks/plan.ts';
import type { Images } from '../images/images.ts';
import type { FittingDefaults } from './fitting-defaults.ts';
import { specOf } from './spec.ts';

/** What an installation offers: what its drivers do, and what is taken where nothing is asked for. */
export interface Offer {
  readonly notes: string[];
  readonly maxCpus: number;
  readonly maxMemoryBytes: number;
  readonly maxGpus: number;
  readonly maxBytes: number;
  readonly canSleep: boolean;
  readonly canLimitLive: boolean;
  readonly growsOnline: boolean;
}

/** As people ask for it: in GiB, the last tenth cut off. */
export function memoryGiBOf(bytes: number): number {
  return Math.floor((bytes / gib) * 10) / 10;
}

/** What people are told of it before they ask for anything. */
export function createOffer(options: {
  describe: () => Promise<Offer>;
  images: Images;
  prices: PriceTable;
  fittingDefaults: FittingDefaults;
}) {
  const { images, prices, fittingDefaults } = options;
  return {
    async offer(): Promise<ComputeOffer> {
      const { maxMemoryBytes, maxBytes, ...offer } = await options.describe();
      return {
        ...offer,
        maxMemoryGiB: memoryGiBOf(maxMemoryBytes),
        maxDiskGiB: Math.min(64_000, Math.floor(maxBytes / gib)),
        defaults: await fittingDefaults(),
      };
    },

    async estimate() {
      const image = await images.default();
      const fitting = await fittingDefaults();
      return {
        currency: prices.currency,
        ...environmentPrice(specOf({}, image.reference, fitting), prices),
        diskPerMonth: diskPricePerMonth(fitting.diskGiB, prices),
      };
    },
  };
}
