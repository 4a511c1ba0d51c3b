/** Runs pieces of work for the same key one after the other, in the order they came. */
export function createKeyedLock() {
  const tails = new Map<string, Promise<unknown>>();
  return function inTurn<R>(key: string, work: () => Promise<R>): Promise<R> {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(key, turn);
    const forget = (): void => {
      if (tails.get(key) === turn) tails.delete(key);
    };
    turn.then(forget, forget);
    return turn;
  };
}

export type KeyedLock = ReturnType<typeof createKeyedLock>;
