import type { Notebook } from '../documents/nbformat.ts';
import type { Content } from './content.ts';

/** What the mirror has replaced on the disk. */
export interface Replaced {
  /** Told before a stored content that the disk has is replaced. @param load  reads it; null where it is gone */
  replacing(key: string, generation: string, load: () => Promise<Content | null>): Promise<void>;
  /** Told before the mirror replaces what a program wrote by that and what it kept beside it. */
  replacingMerged(key: string, content: Content): void;
  /** Told what the disk has now. */
  has(key: string, generation: string, content: Content): void;
  /** What the program that wrote this had read, or written, before; null where there is no sign of anything older. */
  readBy(key: string, content: Content): Earlier | null;
}

export interface Earlier {
  /** In the bucket; null for what was on the disk alone. */
  readonly generation: string | null;
  /** Kept of the last of those alone. */
  readonly notebook: Notebook | null;
  readonly contentHash: string;
  /** Null for what is not a notebook. */
  readonly sources: string | null;
}

const keptOfEach = 500;

/**
 * Knows a program that read a notebook before the mirror wrote to it, and writes it back afterwards: such as nbconvert,
 * which runs a notebook for minutes while people go on editing it. What it writes has the sources of that time and other
 * outputs. Taken for a change of what is there now, it would take back everybody's edits since.
 *
 * What was there exactly like that before was put back on purpose, as `git checkout` does, and is no sign.
 * In memory alone: a program that runs through a restart of the control plane is not known, and the versions have it all.
 */
export function createReplaced(): Replaced {
  const current = new Map<string, Earlier>();
  const earlier = new Map<string, Earlier[]>();

  return {
    async replacing(key, generation, load) {
      const known = current.get(key);
      const content = known?.generation === generation ? null : await load();
      const entry = content === null ? known : entryOf(generation, content);
      if (entry?.generation !== generation) return;
      earlier.set(key, [...(earlier.get(key) ?? []), entry].slice(-keptOfEach));
    },
    replacingMerged(key, content) {
      const kept = earlier.get(key)?.filter(({ notebook }) => notebook === null) ?? [];
      earlier.set(key, [...kept, { ...entryOf(null, content), notebook: content.notebook }].slice(-keptOfEach));
    },
    has(key, generation, content) {
      current.set(key, entryOf(generation, content));
    },
    readBy(key, content) {
      const { sources, contentHash } = entryOf(null, content);
      const now = current.get(key);
      const found = earlier.get(key)?.filter((one) => one.sources === sources) ?? [];
      if (sources === null || sources === now?.sources || found.some((one) => one.contentHash === contentHash))
        return null;
      return found.at(-1) ?? null;
    },
  };
}

function entryOf(generation: string | null, { contentHash, notebook }: Content): Earlier {
  const sources =
    notebook === null ? null : JSON.stringify(notebook.cells.map((cell) => [cell['cell_type'], cell['source']]));
  return { generation, notebook: null, contentHash, sources };
}
