import { AppError } from '@terrarium/contract';
import type { Cell, Notebook } from '../documents/nbformat.ts';
import { idOf } from './diff.ts';

/**
 * The notebook with these cells as they were in a version: changed back where they are in both, brought back behind the
 * cell they followed, and taken out where the version does not have them.
 * @throws AppError InvalidInput  a cell that neither has
 */
export function restoreCells(current: Notebook, version: Notebook, ids: readonly string[]): Notebook {
  const there = new Map(version.cells.map((cell) => [idOf(cell), cell]));
  const here = new Set(current.cells.map(idOf));
  const wanted = new Set(ids);
  for (const id of wanted) {
    if (!there.has(id) && !here.has(id)) {
      throw new AppError('InvalidInput', `Neither the notebook nor that version has a cell "${id.slice(0, 64)}".`);
    }
  }
  const cells: Cell[] = current.cells.flatMap((cell) => {
    const id = idOf(cell);
    if (!wanted.has(id)) return cell;
    return there.get(id) ?? [];
  });
  let previous: string | null = null;
  for (const cell of version.cells) {
    const id = idOf(cell);
    if (wanted.has(id) && !here.has(id)) {
      const place: number = previous === null ? 0 : cells.findIndex((other) => idOf(other) === previous) + 1;
      cells.splice(place, 0, cell);
      previous = id;
    } else if (here.has(id)) previous = id;
  }
  return { ...current, cells };
}
