import * as Y from 'yjs';

type Clocks = Map<number, number>;

interface Place {
  readonly parent: Y.Item['parent'];
  /** In a map. */
  readonly key: string | null;
}

/**
 * Looks at a client's update before Yjs does, which applies what it can and stops in the middle of what it cannot.
 *
 * @returns whether all that the update builds on is in the document or in the update itself
 * @throws Error  no client sends such an update
 */
export function isComplete(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update);
  const ends: Clocks = new Map();
  const endOf = (client: number): number => ends.get(client) ?? Y.getState(doc.store, client);
  for (const struct of structs) {
    const { client, clock } = struct.id;
    const end = endOf(client);
    if (struct instanceof Y.Skip) continue;
    requireRange(clock, struct.length);
    if (clock > end) return false;
    ends.set(client, Math.max(end, clock + struct.length));
  }
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    for (const id of dependencies(struct)) {
      if (id.client === struct.id.client && id.clock >= struct.id.clock) throw new Error('it builds on its own future');
      if (id.clock >= endOf(id.client)) return false;
    }
    const here = Y.getState(doc.store, struct.id.client);
    if (struct.id.clock < here && here < struct.id.clock + struct.length) requireContinuation(doc, struct, here);
  }
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) {
      requireRange(clock, len);
      if (clock + len > endOf(client)) return false;
    }
  }
  return true;
}

/** What a client adds to an item of its own stands where that item does, whatever else it claims. */
function requireContinuation(doc: Y.Doc, item: Y.Item, here: number): void {
  const last = structAt(doc, Y.createID(item.id.client, here - 1));
  const place = placeOf(doc, item);
  const lastPlace = last instanceof Y.Item ? { parent: last.parent, key: last.parentSub } : null;
  if (place?.parent !== lastPlace?.parent || place?.key !== lastPlace?.key) {
    throw new Error('it continues what is elsewhere');
  }
}

/** Where Yjs puts an item; null when that was deleted. */
function placeOf(doc: Y.Doc, { origin, rightOrigin, parent, parentSub }: Y.Item): Place | null {
  const neighbours = [origin, rightOrigin].filter((id) => id !== null).map((id) => structAt(doc, id));
  if (neighbours.some((one) => !(one instanceof Y.Item))) return null;
  const [neighbour] = neighbours;
  if (neighbour instanceof Y.Item) return { parent: neighbour.parent, key: neighbour.parentSub };
  if (!(parent instanceof Y.ID))
    return { parent: typeof parent === 'string' ? doc.get(parent) : parent, key: parentSub };
  const holder = structAt(doc, parent);
  if (!(holder instanceof Y.Item)) return null;
  return { parent: holder.content instanceof Y.ContentType ? holder.content.type : null, key: parentSub };
}

/** @throws Error  there is none */
function structAt(doc: Y.Doc, id: Y.ID): Y.AbstractStruct {
  return Y.getItem(doc.store, id);
}

function dependencies({ origin, rightOrigin, parent }: Y.Item): Y.ID[] {
  return [origin, rightOrigin, parent].filter((one) => one instanceof Y.ID);
}

function requireRange(clock: number, length: number): void {
  if (length <= 0 || !Number.isSafeInteger(clock + length)) throw new Error('it has no length');
}
