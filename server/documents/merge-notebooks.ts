import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from './json-object.ts';
import { mergeText } from './merge-text.ts';
import type { Cell, Notebook } from './nbformat.ts';

export interface Merge {
  readonly notebook: Notebook;
  /** Ids of cells that both sides changed in ways that exclude each other; `notebook` has ours there. */
  readonly conflicts: readonly string[];
}

/**
 * Three-way merge by cell id. A cell that one side deleted and the other changed stays. Cells keep our order where we
 * changed it, else theirs.
 */
export function mergeNotebooks(base: Notebook, ours: Notebook, theirs: Notebook): Merge {
  const conflicts: string[] = [];
  const before = byId(base);
  const mine = byId(ours);
  const others = byId(theirs);
  const merged = new Map<string, Cell>();
  for (const id of new Set([...mine.keys(), ...others.keys()])) {
    const cell = mergeCell(before.get(id), mine.get(id), others.get(id), () => conflicts.push(id));
    if (cell !== null) merged.set(id, cell);
  }
  const cells = orderOf(idsOf(base), idsOf(ours), idsOf(theirs), merged);
  const metadata = mergeObject(base.metadata, ours.metadata, theirs.metadata);
  const minor = Math.max(ours.nbformat_minor, theirs.nbformat_minor);
  return { notebook: { ...ours, nbformat_minor: minor, metadata, cells }, conflicts };
}

function byId({ cells }: Notebook): Map<string, Cell> {
  return new Map(cells.map((cell) => [idOf(cell), cell]));
}

function idsOf({ cells }: Notebook): string[] {
  return cells.map(idOf);
}

function idOf(cell: Cell): string {
  return typeof cell['id'] === 'string' ? cell['id'] : '';
}

function mergeCell(
  base: Cell | undefined,
  ours: Cell | undefined,
  theirs: Cell | undefined,
  onConflict: () => void,
): Cell | null {
  if (ours === undefined) return theirs === undefined || isDeepStrictEqual(base, theirs) ? null : theirs;
  if (theirs === undefined) return base !== undefined && isDeepStrictEqual(base, ours) ? null : ours;
  if (isDeepStrictEqual(ours, theirs) || isDeepStrictEqual(base, theirs)) return ours;
  if (isDeepStrictEqual(base, ours)) return theirs;
  if (base === undefined || base.cell_type !== ours.cell_type || ours.cell_type !== theirs.cell_type) {
    onConflict();
    return ours;
  }
  let isConflict = false;
  const conflict = (): void => {
    isConflict = true;
  };
  const source = mergeText(textOf(base), textOf(ours), textOf(theirs));
  if (source === null) conflict();
  const { metadata: _, ...rest } = ours;
  const cell: Cell = {
    ...rest,
    cell_type: ours.cell_type,
    metadata: mergeObject(base.metadata, ours.metadata, theirs.metadata),
    source: source ?? textOf(ours),
  };
  const results = (one: Cell): unknown => [one['outputs'], one['execution_count']];
  if (!isDeepStrictEqual(results(base), results(theirs))) {
    if (isDeepStrictEqual(results(base), results(ours))) {
      cell['outputs'] = theirs['outputs'];
      cell['execution_count'] = theirs['execution_count'];
    } else if (!isDeepStrictEqual(results(ours), results(theirs))) conflict();
  }
  if (!isDeepStrictEqual(base['attachments'], theirs['attachments'])) {
    if (isDeepStrictEqual(base['attachments'], ours['attachments'])) cell['attachments'] = theirs['attachments'];
    else if (!isDeepStrictEqual(ours['attachments'], theirs['attachments'])) conflict();
  }
  for (const key of ['outputs', 'execution_count', 'attachments']) if (cell[key] === undefined) delete cell[key];
  if (isConflict) {
    onConflict();
    return ours;
  }
  return cell;
}

function textOf(cell: Cell): string {
  return typeof cell['source'] === 'string' ? cell['source'] : '';
}

/** Key by key; where both changed one, ours stays. */
function mergeObject(base: JsonObject, ours: JsonObject, theirs: JsonObject): JsonObject {
  const merged: JsonObject = { ...ours };
  for (const key of new Set([...Object.keys(base), ...Object.keys(theirs)])) {
    const isTheirs = !isDeepStrictEqual(base[key], theirs[key]) && isDeepStrictEqual(base[key], ours[key]);
    if (!isTheirs) continue;
    if (key in theirs) merged[key] = theirs[key];
    else delete merged[key];
  }
  return merged;
}

function orderOf(
  base: readonly string[],
  ours: readonly string[],
  theirs: readonly string[],
  merged: ReadonlyMap<string, Cell>,
): Cell[] {
  const isOursMoved = !isDeepStrictEqual(common(ours, base), common(base, ours));
  const [leading, following] = isOursMoved ? [ours, theirs] : [theirs, ours];
  const order = leading.filter((id) => merged.has(id));
  const placed = new Set(order);
  // What only the other side has comes behind whatever it came behind there.
  following.forEach((id, index) => {
    if (!merged.has(id) || placed.has(id)) return;
    const before = following.slice(0, index).findLast((other) => placed.has(other));
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, id);
    placed.add(id);
  });
  return order.flatMap((id) => merged.get(id) ?? []);
}

function common(ids: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return ids.filter((id) => known.has(id));
}
