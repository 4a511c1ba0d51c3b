const mostAtOnce = 500;

/**
 * Asks for many ids in few queries, each id once. A statement takes a limited number of values, and one of ten thousand
 * would keep everybody else waiting.
 */
export async function inChunks<R>(ids: readonly string[], ask: (some: string[]) => Promise<R[]>): Promise<R[]> {
  const distinct = [...new Set(ids)];
  const found: R[] = [];
  for (let from = 0; from < distinct.length; from += mostAtOnce) {
    found.push(...(await ask(distinct.slice(from, from + mostAtOnce))));
  }
  return found;
}
