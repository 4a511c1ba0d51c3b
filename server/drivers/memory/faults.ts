/**
 * Faults that a test puts in the way of the next calls. Each applies once, in the order in which they were given.
 */
export interface Faults<Method extends string> {
  /** The next call of `method` fails and has no effect. */
  failNext(method: Method, error: Error): void;
  /** The next call of `method` has its effect and then fails, as when the process dies or the answer is lost. */
  failAfterEffect(method: Method, error: Error): void;
  /** Holds the next call of `method` before its effect until the test lets it go. */
  holdNext(method: Method): Hold;
  /** Every call of `method` fails, without effect, until the returned function is called. */
  failAlways(method: Method, error: Error): () => void;
  /** Takes back every fault that has not been met. */
  clear(): void;
  around<R>(method: Method, effect: () => R): Promise<R>;
}

/** How the memory driver makes each of its calls: noted, and with the faults that a test put in the way. */
export type Around<Method extends string> = <R>(method: Method, id: string | null, effect: () => R) => Promise<R>;

export interface Hold {
  /** Resolves when the call has arrived and waits. */
  readonly arrived: Promise<void>;
  release(): void;
}

type Fault = { kind: 'before' | 'after'; error: Error } | { kind: 'hold'; arrive: () => void; released: Promise<void> };

export function createFaults<Method extends string>(): Faults<Method> {
  const next = new Map<Method, Fault[]>();
  const always = new Map<Method, Error>();
  const add = (method: Method, fault: Fault): void => {
    next.set(method, [...(next.get(method) ?? []), fault]);
  };
  return {
    failNext(method, error) {
      add(method, { kind: 'before', error });
    },
    failAfterEffect(method, error) {
      add(method, { kind: 'after', error });
    },
    holdNext(method) {
      const arrived = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      add(method, { kind: 'hold', arrive: arrived.resolve, released: released.promise });
      return { arrived: arrived.promise, release: released.resolve };
    },
    failAlways(method, error) {
      always.set(method, error);
      return () => {
        always.delete(method);
      };
    },
    clear() {
      next.clear();
      always.clear();
    },
    async around(method, effect) {
      const standing = always.get(method);
      if (standing !== undefined) throw standing;
      const fault = next.get(method)?.shift();
      if (fault?.kind === 'before') throw fault.error;
      if (fault?.kind === 'hold') {
        fault.arrive();
        await fault.released;
      }
      const result = effect();
      if (fault?.kind === 'after') throw fault.error;
      return result;
    },
  };
}
