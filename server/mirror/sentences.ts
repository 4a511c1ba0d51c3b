import { objectKeyProblem } from '@terrarium/contract';
import { pathIn } from './bucket-notebooks.ts';

const named = (key: string): string => `"${pathIn(key)}"`;

/** What people read about the mirror. */
export const sentences = {
  keptBoth: (key: string): string =>
    `${named(key)} was changed on the disk and in the workspace, in the same cells. What was in the workspace stays; what was on the disk is kept among its versions.`,
  restored: (count: number): string =>
    `${count === 1 ? 'A notebook was' : `${String(count)} notebooks were`} gone from ~/notebooks all at once, so ${count === 1 ? 'it was' : 'they were'} put back from the workspace. To delete notebooks, delete them in the workspace, or a few at a time on the disk.`,
  left: (key: string, reason: string): string => `${named(key)} ${reason}`,
  ignored: (path: string, reason: string): string => `"${path}" on the disk is not mirrored: it is ${reason}`,
  impossibleName: (key: string): string =>
    `${named(key)} stays on the disk alone, since the workspace cannot have that name. ${objectKeyProblem(key) ?? 'It is hidden.'} Rename it.`,
  tooLarge: (key: string): string =>
    `${named(key)} has more than 200 MiB, too much to be mirrored. Clear its outputs first.`,
  failed: (key: string, error: unknown): string =>
    `${named(key)} is not the same on the disk and in the workspace yet, and is tried again: ${error instanceof Error ? error.message : String(error)}`,
};
