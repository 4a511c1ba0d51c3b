import * as z from 'zod';
import { Moment } from './resources.ts';

/** How a version came to be. */
export const VersionKind = z.enum(['created', 'autosave', 'checkpoint', 'restore', 'upload', 'disk', 'conflict']);
export type VersionKind = z.infer<typeof VersionKind>;

export const VersionName = z
  .string()
  .trim()
  .min(1, 'A version needs a name.')
  .max(120, 'The name of a version has at most 120 characters.');

/** One state of a notebook that it can be read as, compared with and put back to. */
export const NotebookVersion = z.object({
  version: z.string(),
  at: Moment,
  authors: z
    .array(z.object({ accountId: z.string(), name: z.string() }))
    .describe('Who changed it since the version before; empty when only kernels did'),
  kind: VersionKind,
  name: z.string().nullable(),
  size: z.number().int(),
  isCurrent: z.boolean().describe('Whether it is what the notebook is now'),
});
export type NotebookVersion = z.infer<typeof NotebookVersion>;

/** A notebook that was deleted and can still be brought back. */
export const DeletedNotebook = z.object({
  id: z.string(),
  path: z.string().describe('Where it was, relative to notebooks/'),
  size: z.number().int(),
  deletedAt: Moment,
  keptUntil: Moment,
});
export type DeletedNotebook = z.infer<typeof DeletedNotebook>;

/** A line of a source. `parts` says which of its words changed, where only some did; joined they are `text`. */
export const DiffLine = z.object({
  kind: z.enum(['same', 'added', 'removed']),
  text: z.string(),
  parts: z.array(z.object({ text: z.string(), isChanged: z.boolean() })).optional(),
});
export type DiffLine = z.infer<typeof DiffLine>;

/** A value under a key; on the side where the key is missing, the field is missing. */
export const DiffField = z.object({
  key: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type DiffField = z.infer<typeof DiffField>;

const cellBase = {
  id: z.string(),
  type: z.string().describe('cell_type, of the later side where it changed'),
};
const DiffedCell = z.record(z.string(), z.unknown()).describe('The whole cell as nbformat JSON');

/** One cell, by its id. `before` and `after` as numbers are its places, counted from 0. */
export const CellDiff = z.discriminatedUnion('kind', [
  z.object({ ...cellBase, kind: z.literal('same'), before: z.number(), after: z.number(), isMoved: z.boolean() }),
  z.object({ ...cellBase, kind: z.literal('added'), after: z.number(), cell: DiffedCell }),
  z.object({ ...cellBase, kind: z.literal('removed'), before: z.number(), cell: DiffedCell }),
  z.object({
    ...cellBase,
    kind: z.literal('changed'),
    before: z.number(),
    after: z.number(),
    isMoved: z.boolean(),
    source: z.array(DiffLine).nullable().describe('All lines of both sides; null when the source is the same'),
    outputs: z
      .object({ before: z.array(z.unknown()), after: z.array(z.unknown()) })
      .nullable()
      .describe('null when they are the same'),
    metadata: z.array(DiffField).describe('Keys of the metadata that changed'),
    fields: z.array(DiffField).describe('Other keys of the cell that changed: cell_type, execution_count, attachments'),
  }),
]);
export type CellDiff = z.infer<typeof CellDiff>;

/** What turns one notebook into another. */
export const NotebookDiff = z.object({
  cells: z.array(CellDiff).describe('In the order of the later side, removed ones where they were'),
  metadata: z.array(DiffField),
  fields: z.array(DiffField).describe('Other top-level keys that changed'),
});
export type NotebookDiff = z.infer<typeof NotebookDiff>;

/** Between two versions, the older one first. */
export const VersionDiff = NotebookDiff.extend({
  language: z.string().nullable(),
  before: NotebookVersion.nullable().describe('null for the notebook as it is now'),
  after: NotebookVersion.nullable().describe('null for the notebook as it is now'),
});
export type VersionDiff = z.infer<typeof VersionDiff>;

/** What a restore did. `previous` is the version that the notebook was before: restoring that undoes it. */
export const VersionRestored = z.object({
  version: NotebookVersion,
  previous: z.string(),
  isChanged: z.boolean().describe('false where the notebook was like that already'),
});
export type VersionRestored = z.infer<typeof VersionRestored>;
