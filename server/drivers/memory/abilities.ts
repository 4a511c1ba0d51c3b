/** What the host that the memory driver stands for can do. */
export interface MemoryAbilities {
  readonly canSleep: boolean;
  readonly canLimitLive: boolean;
  readonly build: string;
  readonly growsOnline: boolean;
  readonly maxCpus: number;
  readonly maxMemoryBytes: number;
  readonly maxGpus: number;
  readonly maxDiskBytes: number;
}

export const fullAbilities: MemoryAbilities = {
  canSleep: true,
  canLimitLive: true,
  build: 'first',
  growsOnline: true,
  maxCpus: 64,
  maxMemoryBytes: 512 * 2 ** 30,
  maxGpus: 0,
  maxDiskBytes: 64 * 2 ** 40,
};
