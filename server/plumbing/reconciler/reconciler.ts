import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/**
 * One kind of row whose intent and fact are brought together.
 * INVARIANTS: a row is worked on under a lease by one worker at a time; every write of a worker carries the fence
 * number of its lease, so a worker that lost its lease can change nothing; a row that has work to do has a run_at.
 */
export interface Reconciled {
  readonly kind: string;
  /** Leases one row that is due, or null. */
  claim(now: number, leaseUntil: number): Promise<Claim | null>;
  /** Keeps the lease; false when it was lost. */
  renew(claim: Claim, leaseUntil: number): Promise<boolean>;
  /**
   * Takes the row as far as it goes: observe, plan, execute, again. Ends by scheduling the next look and giving the
   * lease back. Must stop soon after `signal` aborts.
   */
  reconcile(claim: Claim, signal: AbortSignal): Promise<void>;
  /** Called when reconcile threw: schedules another try. */
  failed(claim: Claim, error: unknown): Promise<void>;
  /** When the next row is due, or null. */
  nextRunAt(): Promise<number | null>;
}

export interface Claim {
  readonly id: string;
  readonly fence: number;
}

export interface Reconciler {
  /** Looks now rather than at the next due time. */
  nudge(): void;
  start(): void;
  /** Stops claiming, aborts what is under way and waits for it. */
  stop(): Promise<void>;
}

const leaseMs = 20_000;
const longestSleepMs = 5_000;

export function createReconciler(options: {
  kinds: Reconciled[];
  clock: Clock;
  log: Log;
  concurrency?: number;
}): Reconciler {
  const { kinds, clock, log } = options;
  const concurrency = options.concurrency ?? 16;
  const underWay = new Set<Promise<void>>();
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let isStarted = false;

  function nudge(): void {
    if (!isStarted || abort.signal.aborted) return;
    lookAgain = true;
    looking ??= look().finally(() => {
      looking = undefined;
      if (lookAgain) nudge();
    });
  }

  async function look(): Promise<void> {
    clearTimeout(timer);
    while (lookAgain && !abort.signal.aborted) {
      lookAgain = false;
      try {
        for (const kind of kinds) {
          while (underWay.size < concurrency && !abort.signal.aborted) {
            const claim = await kind.claim(clock.now(), clock.now() + leaseMs);
            if (claim === null) break;
            const work = run(kind, claim).finally(() => {
              underWay.delete(work);
              nudge();
            });
            underWay.add(work);
          }
        }
      } catch (error) {
        log.warn({ err: error }, 'reconciler: could not claim');
      }
    }
    if (abort.signal.aborted) return;
    timer = setTimeout(nudge, await untilNextDue());
    timer.unref();
  }

  async function untilNextDue(): Promise<number> {
    try {
      const dues = await Promise.all(kinds.map((kind) => kind.nextRunAt()));
      const next = Math.min(...dues.map((due) => due ?? Infinity));
      return Math.min(longestSleepMs, Math.max(10, next - clock.now()));
    } catch {
      return longestSleepMs;
    }
  }

  async function run(kind: Reconciled, claim: Claim): Promise<void> {
    const stopWork = new AbortController();
    const renewal = setInterval(() => {
      kind
        .renew(claim, clock.now() + leaseMs)
        .then((kept) => {
          if (!kept) stopWork.abort();
        })
        .catch((error: unknown) => {
          log.warn({ err: error, kind: kind.kind, id: claim.id }, 'reconciler: could not renew a lease');
        });
    }, leaseMs / 3);
    try {
      await kind.reconcile(claim, AbortSignal.any([abort.signal, stopWork.signal]));
    } catch (error) {
      if (abort.signal.aborted) return;
      log.warn({ err: error, kind: kind.kind, id: claim.id }, 'reconciler: a step failed');
      await kind.failed(claim, error).catch((inner: unknown) => {
        log.warn({ err: inner, kind: kind.kind, id: claim.id }, 'reconciler: could not record a failure');
      });
    } finally {
      clearInterval(renewal);
    }
  }

  return {
    nudge,
    start() {
      isStarted = true;
      nudge();
    },
    async stop() {
      abort.abort();
      clearTimeout(timer);
      await looking;
      await Promise.allSettled(underWay);
    },
  };
}
