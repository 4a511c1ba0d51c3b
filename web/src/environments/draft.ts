import { defaultShape, type Disk, type EnvironmentCreate, type Image } from '@terrarium/contract';
import type { FieldErrors } from '../ui/form.ts';

export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The form while it is filled in. A number is undefined while its field is empty. */
export interface Draft {
  image: string | undefined;
  cpus: number | undefined;
  memoryGiB: number | undefined;
  bootDiskGiB: number | undefined;
  /** Name of the detached disk to attach; null for a new one. */
  reattach: string | null;
  diskGiB: number | undefined;
  /** Name of the new disk; empty lets the server choose. */
  diskName: string;
  isAutopaused: boolean;
  autopauseMinutes: number | undefined;
  variables: readonly Variable[];
}

export function initialDraft(images: readonly Image[], detached: readonly Disk[]): Draft {
  return {
    ...defaultShape,
    image: (images.find((image) => image.isDefault) ?? images[0])?.reference,
    reattach: detached.toSorted(byLatestUse)[0]?.name ?? null,
    diskName: '',
    isAutopaused: true,
    variables: [],
  };
}

function byLatestUse(left: Disk, right: Disk): number {
  return (right.lastAttachedAt ?? right.createdAt).localeCompare(left.lastAttachedAt ?? left.createdAt);
}

/** What is sent. An empty number becomes NaN, which the schema refuses with its own sentence. */
export function requestOf(draft: Draft): EnvironmentCreate {
  const amount = (value: number | undefined): number => value ?? Number.NaN;
  const filled = draft.variables.filter(({ name, value }) => name !== '' || value !== '');
  return {
    ...(draft.image === undefined ? {} : { image: draft.image }),
    cpus: amount(draft.cpus),
    memoryGiB: amount(draft.memoryGiB),
    bootDiskGiB: amount(draft.bootDiskGiB),
    ...(draft.reattach === null ? { diskGiB: amount(draft.diskGiB) } : { diskName: draft.reattach }),
    ...(draft.reattach === null && draft.diskName !== '' ? { diskName: draft.diskName } : {}),
    autopauseMinutes: draft.isAutopaused ? amount(draft.autopauseMinutes) : 0,
    ...(filled.length === 0
      ? {}
      : { environmentVariables: Object.fromEntries(filled.map(({ name, value }) => [name, value])) }),
  };
}

/** What the schema of the request cannot see, because it is about the form or about what exists. */
export function draftProblems(draft: Draft, detached: readonly Disk[]): FieldErrors {
  const problems: FieldErrors = {};
  if (draft.isAutopaused && draft.autopauseMinutes === 0)
    problems['autopauseMinutes'] = 'Give at least 1 minute, or turn autopause off.';
  if (draft.reattach === null && detached.length > 0) {
    // With no name the server would attach the disk that is there.
    if (draft.diskName === '') problems['diskName'] = 'Name the new disk: there is another one here already.';
    else if (detached.some((disk) => disk.name === draft.diskName))
      problems['diskName'] = `There is a disk "${draft.diskName}" already. Attach it, or choose another name.`;
  }
  const names = draft.variables.map(({ name }) => name).filter((name) => name !== '');
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) problems['environmentVariables'] = `The variable "${repeated}" is there twice.`;
  return problems;
}
