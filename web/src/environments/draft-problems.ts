import type { ComputeOffer, Disk } from '@terrarium/contract';
import type { FieldErrors } from '../ui/form.ts';
import type { Draft } from './draft.ts';

interface Surroundings {
  readonly offer: ComputeOffer;
  /** Disks that could be attached. */
  readonly detached: readonly Disk[];
  /** Names that the person's other environments here have. */
  readonly takenNames: readonly string[];
  /** The disk of the environment that is changed. */
  readonly ownDisk?: { readonly name: string; readonly sizeGiB: number } | undefined;
}

/** What the schema of the request cannot see, because it is about the form, about what exists or what is offered. */
export function draftProblems(draft: Draft, around: Surroundings): FieldErrors {
  return {
    ...limitProblems(draft, around),
    ...idleProblems(draft),
    ...diskProblems(draft, around),
    ...(around.takenNames.includes(draft.name)
      ? { name: `You have an environment "${draft.name}" here already. Choose another name.` }
      : {}),
    ...variableProblems(draft),
  };
}

function limitProblems(draft: Draft, { offer }: Surroundings): FieldErrors {
  const problems: FieldErrors = {};
  if ((draft.cpus ?? 0) > offer.maxCpus)
    problems['cpus'] = `This installation has at most ${text(offer.maxCpus)} CPUs.`;
  if ((draft.memoryGiB ?? 0) > offer.maxMemoryGiB)
    problems['memoryGiB'] = `This installation has at most ${text(offer.maxMemoryGiB)} GiB of memory.`;
  if ((draft.gpus ?? 0) > offer.maxGpus)
    problems['gpus'] = `This installation has at most ${text(offer.maxGpus)} GPUs.`;
  return problems;
}

function idleProblems(draft: Draft): FieldErrors {
  const problems: FieldErrors = {};
  if (draft.isAutopaused && draft.autopauseMinutes === 0)
    problems['autopauseMinutes'] = 'Give at least 1 minute, or turn autopause off.';
  if (draft.isPutToSleep && draft.sleepMinutes === 0)
    problems['sleepMinutes'] = 'Give at least 1 minute, or turn sleep off.';
  return problems;
}

function diskProblems(draft: Draft, { offer, detached, ownDisk }: Surroundings): FieldErrors {
  const { diskGiB, existingDisk, diskName } = draft;
  const isOwn = ownDisk !== undefined && existingDisk === ownDisk.name;
  if (existingDisk !== null && !isOwn) return {};
  const problems: FieldErrors = {};
  if ((diskGiB ?? 0) > offer.maxDiskGiB)
    problems['diskGiB'] = `A disk has at most ${text(offer.maxDiskGiB)} GiB on this installation.`;
  if (isOwn) {
    if (diskGiB !== undefined && diskGiB < ownDisk.sizeGiB)
      problems['diskGiB'] = `A disk only grows: this one has ${text(ownDisk.sizeGiB)} GiB.`;
    return problems;
  }
  if (detached.length > 0) {
    // With no name the server would attach the disk that is there.
    if (diskName === '') problems['diskName'] = 'Name the new disk: there is another one here already.';
    else if (detached.some((disk) => disk.name === diskName))
      problems['diskName'] = `There is a disk "${diskName}" already. Attach it, or choose another name.`;
  }
  return problems;
}

function variableProblems({ variables }: Draft): FieldErrors {
  const names = variables.map(({ name }) => name).filter((name) => name !== '');
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined ? {} : { environmentVariables: `The variable "${repeated}" is there twice.` };
}

function text(number: number): string {
  return String(Math.round(number * 100) / 100);
}
