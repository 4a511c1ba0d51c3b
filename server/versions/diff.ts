import { isDeepStrictEqual } from 'node:util';
import type { CellDiff, DiffField, NotebookDiff } from '@terrarium/contract';
import type { JsonObject } from '../documents/json-object.ts';
import type { Cell, Notebook } from '../documents/nbformat.ts';
import { diffText, inOneDirection, wholeEffort, type Effort } from './diff-text.ts';

interface Placed {
  readonly cell: Cell;
  readonly place: number;
}

/** What turns one notebook into the other, cell by cell id. Both are as `upgradeNotebook` makes them. */
export function diffNotebooks(before: Notebook, after: Notebook): NotebookDiff {
  const old = placedById(before);
  const young = placedById(after);
  const moved = movedCells([...old.keys()], [...young.keys()]);
  const effort = { steps: wholeEffort };
  const cells: CellDiff[] = [];
  // Removed cells stand where they were: after the cell that was before them.
  let removed = removedAfter(null, before, young);
  cells.push(...removed);
  for (const [id, there] of young) {
    const here = old.get(id);
    cells.push(here === undefined ? addedCell(id, there) : bothCells(id, here, there, moved.has(id), effort));
    if (here === undefined) continue;
    removed = removedAfter(here.place, before, young);
    cells.push(...removed);
  }
  return {
    cells,
    metadata: changedFields(before.metadata, after.metadata),
    fields: changedFields(before, after, ['cells', 'metadata']),
  };
}

/** The cell's id: every cell that `upgradeNotebook` gives has one of its own. */
export function idOf(cell: Cell): string {
  return String(cell['id']);
}

function placedById(notebook: Notebook): Map<string, Placed> {
  return new Map(notebook.cells.map((cell, place) => [idOf(cell), { cell, place }]));
}

function removedAfter(place: number | null, before: Notebook, young: ReadonlyMap<string, Placed>): CellDiff[] {
  const removed: CellDiff[] = [];
  for (let at = place === null ? 0 : place + 1; at < before.cells.length; at += 1) {
    const cell = before.cells[at];
    if (cell === undefined || young.has(idOf(cell))) break;
    removed.push({ kind: 'removed', id: idOf(cell), type: cell.cell_type, before: at, cell });
  }
  return removed;
}

function addedCell(id: string, { cell, place }: Placed): CellDiff {
  return { kind: 'added', id, type: cell.cell_type, after: place, cell };
}

function bothCells(id: string, old: Placed, young: Placed, isMoved: boolean, effort: Effort): CellDiff {
  const places = { before: old.place, after: young.place, isMoved };
  const type = young.cell.cell_type;
  if (isDeepStrictEqual(old.cell, young.cell)) return { kind: 'same', id, type, ...places };
  const isSourceText = typeof old.cell['source'] === 'string' && typeof young.cell['source'] === 'string';
  const [source, newSource] = [textOf(old.cell['source']), textOf(young.cell['source'])];
  const areOutputs = Array.isArray(old.cell['outputs']) && Array.isArray(young.cell['outputs']);
  const [outputs, newOutputs] = [listOf(old.cell['outputs']), listOf(young.cell['outputs'])];
  return {
    kind: 'changed',
    id,
    type,
    ...places,
    source: !isSourceText || source === newSource ? null : diffText(source, newSource, effort),
    outputs: !areOutputs || isDeepStrictEqual(outputs, newOutputs) ? null : { before: outputs, after: newOutputs },
    metadata: changedFields(old.cell.metadata, young.cell.metadata),
    // A cell that became another type may have gained or lost its outputs altogether.
    fields: changedFields(old.cell, young.cell, [
      'id',
      'metadata',
      ...(isSourceText ? ['source'] : []),
      ...(areOutputs ? ['outputs'] : []),
    ]),
  };
}

function changedFields(before: JsonObject, after: JsonObject, except: readonly string[] = []): DiffField[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys]
    .filter((key) => !except.includes(key))
    .toSorted()
    .map((key) => ({
      key,
      ...(Object.hasOwn(before, key) ? { before: before[key] } : {}),
      ...(Object.hasOwn(after, key) ? { after: after[key] } : {}),
    }))
    .filter((field) => !isDeepStrictEqual(field.before, field.after));
}

/** Cells that are on both sides, but not in the same order: all but a longest sequence that kept its order. */
function movedCells(old: readonly string[], young: readonly string[]): Set<string> {
  const [oldIds, youngIds] = [new Set(old), new Set(young)];
  const common = (ids: readonly string[], other: ReadonlySet<string>): string =>
    ids.filter((id) => other.has(id)).join('\n');
  const moved = (before: string, after: string): string[] => {
    const places = new Map(before.split('\n').map((id, place) => [id, place]));
    const ids = after.split('\n');
    const kept = longestRising(ids.map((id) => places.get(id) ?? 0));
    return ids.filter((_, index) => !kept.has(index));
  };
  return new Set(inOneDirection(common(old, youngIds), common(young, oldIds), moved, (ids) => ids));
}

/** Indexes of a longest subsequence that rises. @see https://en.wikipedia.org/wiki/Patience_sorting */
function longestRising(values: readonly number[]): Set<number> {
  /** By length, the index at which the sequence of that length with the least end ends. */
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  const endOf = (length: number): number => values[ends[length] ?? 0] ?? 0;
  for (const [index, value] of values.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(middle) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = ends[low - 1];
    ends[low] = index;
  }
  const kept = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = previous[at]) kept.add(at);
  return kept;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
