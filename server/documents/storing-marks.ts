import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Author } from '../accounts/author.ts';
import type { ObjectInfo } from '../bucket/object-store.ts';

/** Names of what the journal keeps of a document's way to the bucket. */
export const storingMarks = {
  stored: 'document:stored',
  storing: 'document:storing',
  authors: 'document:authors',
} as const;

const Authors = z.array(z.object({ accountId: z.string(), name: z.string() }));
const Known = z.object({ generation: z.string(), hash: z.string() });
const Intended = z.object({ hash: z.string(), authors: Authors });

/** The bucket's state as a document last knew it. */
export interface Known {
  readonly generation: string;
  /** Of what is in it, as it was written here or found, so that storing the same again can be told. */
  readonly hash: string;
}

/** What was about to be written. */
export interface Intended {
  readonly hash: string;
  readonly authors: readonly Author[];
}

type Marks = ReadonlyMap<string, unknown>;

export function knownIn(marks: Marks): Known | null {
  return Known.safeParse(marks.get(storingMarks.stored)).data ?? null;
}

export function intendedIn(marks: Marks): Intended | null {
  return Intended.safeParse(marks.get(storingMarks.storing)).data ?? null;
}

/** Whose changes are in no write yet. */
export function authorsIn(marks: Marks): readonly Author[] {
  return Authors.safeParse(marks.get(storingMarks.authors)).data ?? [];
}

/** The mark of a document that begins as this object of the bucket has it. */
export function marksOfFound({ generation }: ObjectInfo, bytes: Uint8Array): Map<string, unknown> {
  const known: Known = { generation, hash: hashOf(bytes) };
  return new Map([[storingMarks.stored, known]]);
}

export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
