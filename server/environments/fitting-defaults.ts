import { gib } from '../disks/plan.ts';
import type { ShapeDefaults } from './spec.ts';

export type FittingDefaults = () => Promise<ShapeDefaults & { diskGiB: number }>;

/** What is taken where nothing is asked for, as far as the machine can give it. */
export function createFittingDefaults(options: {
  describe: () => Promise<{ maxCpus: number; maxMemoryBytes: number }>;
  defaults: ShapeDefaults & { diskGiB: number };
}): FittingDefaults {
  const { defaults } = options;
  return async () => {
    const { maxCpus, maxMemoryBytes } = await options.describe();
    return {
      ...defaults,
      cpus: Math.min(defaults.cpus, maxCpus),
      memoryGiB: Math.min(defaults.memoryGiB, Math.max(0.25, Math.floor(maxMemoryBytes / gib))),
    };
  };
}
