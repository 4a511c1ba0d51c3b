import { createHash } from 'node:crypto';
import { AppError } from '@terrarium/contract';
import type { MergeOutcome } from '../documents/live-document.ts';
import { readNotebook, writeNotebook, type Notebook } from '../documents/nbformat.ts';
import type { BucketSide, DiskSide, MirrorRecord, Records } from './sides.ts';

/** What stops a sync at one of its steps, as the end of the process would. */
export class Crash extends Error {}

/** Called before every look and around every change: may throw a Crash, or change something itself. */
export type Step = () => void;

export const cellIds = ['a', 'b', 'c'] as const;
export type CellId = (typeof cellIds)[number];

/** A notebook whose cells hold these texts. */
export function notebookBytes(texts: Record<CellId, string>, isReformatted = false): Uint8Array {
  const cells = cellIds.map((id) => ({ cell_type: 'markdown', id, metadata: {}, source: texts[id] }));
  const notebook: Notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  return Buffer.from(isReformatted ? JSON.stringify(notebook) : writeNotebook(notebook));
}

export function notebookIn(bytes: Uint8Array): Notebook {
  const reading = readNotebook(bytes);
  if (reading.kind === 'refused') throw new AppError('InvalidInput', reading.reason);
  return reading.notebook;
}

export function textsIn(bytes: Uint8Array): Record<CellId, string> {
  const { cells } = notebookIn(bytes);
  return Object.fromEntries(cells.map((cell) => [cell['id'], cell['source']])) as Record<CellId, string>;
}

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const changedMeanwhile = () => new AppError('PreconditionFailed', 'Something else is there.');

/** A disk in memory. */
export function memoryDisk(step: Step): DiskSide & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const require = (key: string, expected: string | null) => {
    const bytes = files.get(key);
    if ((bytes === undefined ? null : hashOf(bytes)) !== expected) throw changedMeanwhile();
  };
  return {
    files,
    async read(key) {
      step();
      return files.get(key) ?? null;
    },
    async write(key, bytes, expected) {
      step();
      require(key, expected);
      files.set(key, bytes);
      step();
      return hashOf(bytes);
    },
    async remove(key, expected) {
      step();
      if (files.has(key)) require(key, expected);
      files.delete(key);
      step();
    },
  };
}

/** A bucket in memory that remembers all it ever held, and merges cell by cell. */
export function memoryBucket() {
  const live = new Map<string, { generation: string; bytes: Uint8Array }>();
  const history = new Map<string, Uint8Array>();
  const kept: Uint8Array[] = [];
  let generations = 0;

  function store(key: string, bytes: Uint8Array): string {
    const generation = String(++generations);
    live.set(key, { generation, bytes });
    history.set(generation, bytes);
    return generation;
  }

  function merge(key: string, base: string, notebook: Notebook): MergeOutcome {
    const now = live.get(key);
    if (now === undefined) throw new AppError('NotFound', 'There is no such notebook.');
    const [before, theirs] = [textsIn(history.get(base) ?? now.bytes), textsIn(now.bytes)];
    const ours = textsIn(Buffer.from(writeNotebook(notebook)));
    const merged = { ...theirs };
    const conflicts: string[] = [];
    for (const id of cellIds) {
      if (ours[id] === before[id] || ours[id] === theirs[id]) continue;
      if (theirs[id] === before[id]) merged[id] = ours[id];
      else conflicts.push(id);
    }
    if (conflicts.length > 0) return { kind: 'conflict', cells: conflicts, generation: now.generation };
    const isSame = cellIds.every((id) => merged[id] === theirs[id]);
    const generation = isSame ? now.generation : store(key, notebookBytes(merged));
    return { kind: cellIds.every((id) => merged[id] === ours[id]) ? 'applied' : 'merged', generation };
  }

  /** The bucket as one environment's mirror sees it. */
  function side(step: Step): BucketSide {
    const require = (key: string, ifGeneration: string) => {
      if ((live.get(key)?.generation ?? 'absent') !== ifGeneration) throw changedMeanwhile();
    };
    return {
      async head(key) {
        step();
        return live.get(key)?.generation ?? null;
      },
      async read(key, generation = live.get(key)?.generation) {
        step();
        const bytes = history.get(generation ?? '');
        return generation === undefined || bytes === undefined ? null : { generation, bytes };
      },
      async merge(key, { base, notebook }) {
        step();
        const outcome = merge(key, base, notebook);
        step();
        return outcome;
      },
      async put(key, bytes, ifGeneration) {
        step();
        require(key, ifGeneration);
        const generation = store(key, bytes);
        step();
        return generation;
      },
      async remove(key, ifGeneration) {
        step();
        if (live.has(key)) require(key, ifGeneration);
        live.delete(key);
        step();
      },
      async keep(_key, bytes) {
        step();
        kept.push(bytes);
        step();
      },
    };
  }

  return { live, history, kept, store, side };
}

export function memoryRecords(step: Step): Records {
  const records = new Map<string, MirrorRecord>();
  const intents = new Map<string, Set<string>>();
  const forget = (key: string): void => {
    for (const to of ['disk', 'bucket']) intents.delete(`${to} ${key}`);
  };
  return {
    get: (key) => records.get(key),
    all: () => records.values(),
    async set(record) {
      step();
      records.set(record.key, record);
      forget(record.key);
      step();
    },
    async delete(key) {
      step();
      records.delete(key);
      forget(key);
      step();
    },
    intended: (key, to) => intents.get(`${to} ${key}`) ?? new Set(),
    async intend(key, to, contentHash) {
      step();
      intents.set(`${to} ${key}`, (intents.get(`${to} ${key}`) ?? new Set()).add(contentHash));
      step();
    },
  };
}
