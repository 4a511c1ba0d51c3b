import type { ComputeOffer } from '@terrarium/contract';

export interface Preset {
  readonly name: string;
  readonly cpus: number;
  readonly memoryGiB: number;
}

const wanted = [
  { name: 'Medium', cpus: 2, memoryGiB: 8 },
  { name: 'Large', cpus: 4, memoryGiB: 16 },
];

/** Shapes to choose with one click: small is what one gets unasked; what would be the same as a smaller one is left out. */
export function presetsFor(offer: Pick<ComputeOffer, 'maxCpus' | 'maxMemoryGiB' | 'defaults'>): Preset[] {
  const presets: Preset[] = [{ name: 'Small', cpus: offer.defaults.cpus, memoryGiB: offer.defaults.memoryGiB }];
  for (const { name, ...shape } of wanted) {
    const cpus = Math.min(shape.cpus, offer.maxCpus);
    const memoryGiB = Math.min(shape.memoryGiB, wholeBelow(offer.maxMemoryGiB));
    const isLarger = presets.every(
      (smaller) =>
        cpus >= smaller.cpus &&
        memoryGiB >= smaller.memoryGiB &&
        (cpus > smaller.cpus || memoryGiB > smaller.memoryGiB),
    );
    if (isLarger) presets.push({ name, cpus, memoryGiB });
  }
  return presets;
}

function wholeBelow(gib: number): number {
  return gib < 1 ? gib : Math.floor(gib);
}
