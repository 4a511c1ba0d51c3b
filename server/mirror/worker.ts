import { AppError } from '@terrarium/contract';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { AgentDisk } from './agent-notebooks.ts';
import { isMirrored, keyOf, type BucketNotebooks } from './bucket-notebooks.ts';
import { judgeDeletions } from './deletions.ts';
import { createPace, restAfterMs } from './pace.ts';
import { createReplaced } from './replaced.ts';
import { sentences } from './sentences.ts';
import type { MirrorRecord, Records } from './sides.ts';
import { passDeletionOn, syncNotebook, type Outcome } from './sync.ts';
import { createView } from './view.ts';

export interface MirrorWorker {
  /** An object of the bucket changed; a folder stands for all in it. */
  changed(key: string): void;
  readonly state: 'starting' | 'working' | 'inStep';
  readonly syncedAt: number | null;
  /** What is not mirrored now, by key; null stands for the folder as a whole. */
  readonly problems: ReadonlyMap<string | null, string>;
  /** Ends it and waits until it has ended. */
  stop(): Promise<void>;
}

const pollMs = 25_000;
/** A file that is gone may come back at once: editors and git replace files that way. */
const deletionsAfterMs = 2_000;
const deletionWindowMs = 60_000;
/** More than that can be neither read nor merged in one piece. */
const mostBytes = 200 * 1024 * 1024;

/**
 * Keeps the notebooks of one disk and of its workspace's bucket the same while the environment runs.
 * INVARIANT: one worker alone writes the records of a disk.
 * INVARIANT: a notebook counts as deleted on the disk only when it was recorded, its folder could be read, and it is
 * missing in two lists, the second of which was made for that.
 */
export function startWorker(options: {
  disk: AgentDisk;
  bucket: BucketNotebooks;
  records: Records;
  /** The folder in which the recorded notebooks are; null when that is not known. */
  folder: string | null;
  rememberFolder: (folder: string) => Promise<unknown>;
  canWrite: () => Promise<boolean>;
  notify: (key: string | null, message: string) => Promise<void>;
  onChange: () => void;
  clock: Clock;
  log: Log;
  abort: AbortController;
}): MirrorWorker {
  const { bucket, records, clock, log, abort } = options;
  const view = createView(options);
  const replaced = createReplaced();
  const pace = createPace();
  const problems = new Map<string | null, string>();
  /** When a notebook that was just written to the disk may be written again. */
  const restsUntil = new Map<string, number>();
  const missing = new Map<string, { since: number; record: MirrorRecord }>();
  let passedAt: number[] = [];
  let { folder } = options;
  /** What stays on the disk alone, as it was when that was found, so that it is not read over and over. */
  const left = new Map<string, string>();
  let state: MirrorWorker['state'] = 'starting';
  let syncedAt: number | null = null;
  let shown = '';
  let wake = (): void => undefined;
  let isWoken = false;

  const poke = (): void => {
    isWoken = true;
    wake();
  };
  const ended = Promise.all([followDisk(), work()]).then(() => undefined);

  return {
    changed(key) {
      if (view.touch(key)) poke();
    },
    get state() {
      return state;
    },
    get syncedAt() {
      return syncedAt;
    },
    problems,
    async stop() {
      abort.abort();
      poke();
      await ended;
    },
  };

  async function followDisk(): Promise<void> {
    let failures = 0;
    while (!abort.signal.aborted) {
      try {
        await view.follow(pollMs, abort.signal);
        failures = 0;
        poke();
      } catch (error) {
        if (abort.signal.aborted) return;
        failures += 1;
        log.debug({ err: error }, 'mirror: the disk could not be listed');
        await untilWoken(Math.min(10_000, 500 * failures), false);
      }
    }
  }

  async function work(): Promise<void> {
    let nextAt = 0;
    while (!abort.signal.aborted) {
      if (!isWoken) await untilWoken(Math.max(0, nextAt - clock.now()), true);
      isWoken = false;
      if (abort.signal.aborted) return;
      try {
        nextAt = await round();
      } catch (error) {
        if (!abort.signal.aborted) log.warn({ err: error }, 'mirror: a round failed; it is tried again');
        nextAt = clock.now() + 2_000;
      }
      tell();
    }
  }

  /** Brings into step what is not. @returns when to look again, if nothing happens before */
  async function round(): Promise<number> {
    if (view.listing === null) return clock.now() + pollMs;
    let nextAt = await view.readBucket();
    const canWrite = await options.canWrite();
    const keys = view.keys();
    for (const key of problems.keys()) if (key !== null && !keys.has(key)) problems.delete(key);
    noteIgnored();
    let isAllInStep = true;
    // What is new comes before what is gone, so that a notebook that moved is never nowhere.
    for (const key of keys) {
      if (abort.signal.aborted) return 0;
      if (view.isInStep(key)) {
        forgetTrouble(key);
        continue;
      }
      if (view.isUnknown(key)) {
        isAllInStep = false;
        continue;
      }
      const dueAt = dueOf(key);
      if (dueAt > clock.now()) {
        isAllInStep = false;
        nextAt = Math.min(nextAt, dueAt);
        continue;
      }
      const outcome = await sync(key, canWrite);
      if (outcome === 'later') isAllInStep = false;
      nextAt = Math.min(nextAt, outcome === 'later' ? dueOf(key) : nextAt);
    }
    if (missing.size > 0) {
      isAllInStep = false;
      nextAt = Math.min(nextAt, await passDeletions());
    } else if (view.listing.folder !== null && view.listing.folder !== folder) {
      await options.rememberFolder(view.listing.folder);
      ({ folder } = view.listing);
    }
    if (isAllInStep) syncedAt = clock.now();
    state = isAllInStep ? 'inStep' : 'working';
    return nextAt;
  }

  function dueOf(key: string): number {
    const rests = view.onDisk(key)?.hash === records.get(key)?.diskHash ? (restsUntil.get(key) ?? 0) : 0;
    return Math.max(pace.dueAt(key) ?? 0, rests);
  }

  function forgetTrouble(key: string): void {
    pace.settle(key);
    left.delete(key);
    problems.delete(key);
    missing.delete(key);
  }

  async function sync(key: string, canWrite: boolean): Promise<'done' | 'later'> {
    if (!isMirrored(key)) {
      problems.set(key, sentences.impossibleName(key));
      return 'done';
    }
    if (Math.max(view.onDisk(key)?.size ?? 0, view.inBucket(key)?.size ?? 0) > mostBytes) {
      problems.set(key, sentences.tooLarge(key));
      return 'done';
    }
    const found = JSON.stringify([view.onDisk(key)?.hash, view.inBucket(key)?.generation, canWrite]);
    if (left.get(key) === found) return 'done';
    const startedAt = clock.now();
    let outcome: Outcome;
    try {
      outcome = await syncNotebook(
        { disk: view.disk, bucket, records, replaced, canWrite },
        key,
        view.onDisk(key)?.hash ?? null,
      );
    } catch (error) {
      if (abort.signal.aborted) return 'later';
      problems.set(key, sentences.failed(key, error));
      if (!(error instanceof AppError))
        log.warn({ err: error, key }, 'mirror: a notebook could not be brought into step');
      pace.putOff(key, clock.now());
      return 'later';
    }
    view.touch(key);
    restsUntil.set(key, clock.now() + restAfterMs(clock.now() - startedAt));
    switch (outcome.kind) {
      case 'keptBoth':
        forgetTrouble(key);
        await options.notify(key, sentences.keptBoth(key));
        return 'done';
      case 'inStep':
        forgetTrouble(key);
        return 'done';
      case 'missing':
        missing.set(key, { since: missing.get(key)?.since ?? clock.now(), record: outcome.record });
        return 'done';
      case 'left':
        forgetTrouble(key);
        left.set(key, found);
        problems.set(key, sentences.left(key, outcome.reason));
        return 'done';
      case 'lookAgain':
        pace.putOff(key, clock.now());
        return 'later';
    }
  }

  async function passDeletions(): Promise<number> {
    const dueAt = Math.min(...Array.from(missing.values(), ({ since }) => since)) + deletionsAfterMs;
    if (clock.now() < dueAt) return dueAt;
    await view.look(abort.signal);
    const gone = Array.from(missing.values(), ({ record }) => record).filter(
      ({ key }) => view.onDisk(key) === undefined && !view.isUnknown(key),
    );
    missing.clear();
    const now = clock.now();
    passedAt = passedAt.filter((at) => at > now - deletionWindowMs);
    const all = [...records.all()];
    const present = new Set(
      all.filter(({ key }) => view.onDisk(key) !== undefined).map((record) => record.contentHash),
    );
    const verdict = judgeDeletions({
      missing: new Map(gone.map((record) => [record.key, record.contentHash])),
      present,
      recorded: all.length,
      passedLately: passedAt.length,
      folder: view.listing?.folder === folder ? 'same' : 'other',
    });
    if (verdict === 'restore') {
      log.info({ count: gone.length }, 'mirror: notebooks that were gone from the disk are put back');
      // Without a record they are new in the bucket, and so are written to the disk.
      for (const { key } of gone) await records.delete(key);
      await options.notify(null, sentences.restored(gone.length));
      return now;
    }
    for (const record of gone) {
      const outcome = await passDeletionOn({ bucket, records }, record);
      view.touch(record.key);
      if (outcome.kind !== 'inStep') continue;
      if (!present.has(record.contentHash)) passedAt.push(now);
      log.info({ key: record.key }, 'mirror: deleted on the disk, so deleted in the bucket');
    }
    return now;
  }

  function noteIgnored(): void {
    for (const { path, reason } of view.listing?.ignored ?? [])
      problems.set(keyOf(path), sentences.ignored(path, reason));
  }

  function untilWoken(ms: number, byAnything: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        abort.signal.removeEventListener('abort', end);
        if (byAnything) wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      abort.signal.addEventListener('abort', end, { once: true });
      if (byAnything) wake = end;
      if (abort.signal.aborted) end();
    });
  }

  function tell(): void {
    const now = JSON.stringify([state, [...problems]]);
    if (now === shown) return;
    shown = now;
    options.onChange();
  }
}
