import type {
  ComputeOffer,
  Disk,
  Environment,
  EnvironmentCreate,
  EnvironmentUpdate,
  Image,
  StartupScriptRuns,
} from '@terrarium/contract';

export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The form while it is filled in. A number is undefined while its field is empty. */
export interface Draft {
  name: string;
  image: string | undefined;
  cpus: number | undefined;
  memoryGiB: number | undefined;
  gpus: number | undefined;
  bootDiskGiB: number | undefined;
  /** Name of the disk that is there already: a detached one, or the environment's own; null for a new one. */
  existingDisk: string | null;
  /** Size of the new disk, or that the environment's own is to have. */
  diskGiB: number | undefined;
  /** Name of the new disk; empty lets the server choose. */
  diskName: string;
  startupScript: string;
  startupScriptRuns: StartupScriptRuns;
  isAutopaused: boolean;
  autopauseMinutes: number | undefined;
  /** Whether it sleeps by itself when idle. */
  isPutToSleep: boolean;
  sleepMinutes: number | undefined;
  variables: readonly Variable[];
}

/** What a new environment has before anything is chosen. `wantedDisk` names a detached disk to begin with. */
export function initialDraft(facts: {
  images: readonly Image[];
  detached: readonly Disk[];
  offer: ComputeOffer;
  takenNames: readonly string[];
  wantedDisk?: string | undefined;
}): Draft {
  const { images, detached, offer, takenNames, wantedDisk } = facts;
  const { defaults } = offer;
  const disk = detached.find(({ name }) => name === wantedDisk) ?? detached.toSorted(byLatestUse)[0];
  return {
    ...defaults,
    name: freeName(takenNames),
    image: (images.find((image) => image.isDefault) ?? images[0])?.reference,
    gpus: 0,
    existingDisk: disk?.name ?? null,
    diskName: '',
    startupScript: '',
    startupScriptRuns: 'everyStart',
    ...idleChoices(defaults, defaults),
    variables: [],
  };
}

function freeName(taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? 'main' : `main-${String(number)}`;
    if (!taken.includes(name)) return name;
  }
}

function byLatestUse(left: Disk, right: Disk): number {
  return (right.lastAttachedAt ?? right.createdAt).localeCompare(left.lastAttachedAt ?? left.createdAt);
}

type IdleMinutes = Pick<Environment, 'autopauseMinutes' | 'sleepMinutes'>;

/** A turned-off time shows the default when it is turned on again. */
function idleChoices({ autopauseMinutes, sleepMinutes }: IdleMinutes, defaults: IdleMinutes) {
  return {
    isAutopaused: autopauseMinutes > 0,
    autopauseMinutes: autopauseMinutes > 0 ? autopauseMinutes : defaults.autopauseMinutes || 30,
    isPutToSleep: sleepMinutes > 0,
    sleepMinutes: sleepMinutes > 0 ? sleepMinutes : defaults.sleepMinutes || 10,
  };
}

/** An environment as the form shows it to be changed. */
export function draftOf(environment: Environment, offer: ComputeOffer): Draft {
  const { disk, environmentVariables, name, image, cpus, memoryGiB, gpus, bootDiskGiB } = environment;
  return {
    name,
    image,
    cpus,
    memoryGiB,
    gpus,
    bootDiskGiB,
    existingDisk: disk?.name ?? null,
    diskGiB: disk === null ? undefined : (disk.growsToGiB ?? disk.sizeGiB),
    diskName: '',
    startupScript: environment.startupScript,
    startupScriptRuns: environment.startupScriptRuns,
    ...idleChoices(environment, offer.defaults),
    variables: Object.entries(environmentVariables).map(([variable, value]) => ({ name: variable, value })),
  };
}

/** An empty number becomes NaN, which the schema refuses with its own sentence. */
const amount = (value: number | undefined): number => value ?? Number.NaN;

function valuesOf(draft: Draft) {
  const filled = draft.variables.filter(({ name, value }) => name !== '' || value !== '');
  return {
    ...(draft.image === undefined ? {} : { image: draft.image }),
    cpus: amount(draft.cpus),
    memoryGiB: amount(draft.memoryGiB),
    gpus: amount(draft.gpus),
    bootDiskGiB: amount(draft.bootDiskGiB),
    startupScript: draft.startupScript,
    startupScriptRuns: draft.startupScriptRuns,
    environmentVariables: Object.fromEntries(filled.map(({ name, value }) => [name, value])),
    autopauseMinutes: draft.isAutopaused ? amount(draft.autopauseMinutes) : 0,
    sleepMinutes: draft.isPutToSleep ? amount(draft.sleepMinutes) : 0,
  } satisfies EnvironmentCreate;
}

/** What is sent to create it. */
export function requestOf(draft: Draft): EnvironmentCreate {
  const { existingDisk, diskName, name } = draft;
  return {
    name,
    ...valuesOf(draft),
    ...(existingDisk === null ? { diskGiB: amount(draft.diskGiB) } : { diskName: existingDisk }),
    ...(existingDisk === null && diskName !== '' ? { diskName } : {}),
  };
}

/** What is sent to change the environment: only what differs from how it is. */
export function changesOf(draft: Draft, environment: Environment, offer: ComputeOffer): EnvironmentUpdate {
  const before = draftOf(environment, offer);
  const values = { ...valuesOf(draft), name: draft.name };
  const known: Record<string, unknown> = { ...valuesOf(before), name: before.name };
  const isMoved = draft.existingDisk !== null && draft.existingDisk !== before.existingDisk;
  const isGrown = !isMoved && before.existingDisk !== null && draft.diskGiB !== before.diskGiB;
  return {
    ...Object.fromEntries(Object.entries(values).filter(([field, value]) => !isSame(value, known[field]))),
    ...(isMoved ? { diskName: draft.existingDisk ?? '' } : {}),
    ...(isGrown ? { diskGiB: amount(draft.diskGiB) } : {}),
  };
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
