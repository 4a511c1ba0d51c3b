import { AppError } from '@terrarium/contract';
import type { AgentNotebooks } from '@terrarium/contract/agent';
import type { Clock } from '../plumbing/clock.ts';
import type { Log } from '../plumbing/log.ts';
import type { AgentDisk } from './agent-notebooks.ts';
import { isMirrored, keyOf, pathIn, type BucketNotebooks } from './bucket-notebooks.ts';
import { judgeDeletions } from './deletions.ts';
import { createPace, restAfterMs } from './pace.ts';
import { sentences } from './sentences.ts';
import type { DiskSide, MirrorRecord, Records } from './sides.ts';
import { passDeletionOn, syncNotebook, type Outcome } from './sync.ts';

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
/** The bucket is read anew this often, for what no event told of. */
const relistEveryMs = 60_000;
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
  const { disk, bucket, records, clock, log, abort } = options;
  const pace = createPace();
  const problems = new Map<string | null, string>();
  /** When a notebook that was just written to the disk may be written again. */
  const restsUntil = new Map<string, number>();
  const missingSince = new Map<string, number>();
  let passedAt: number[] = [];
  let listing: AgentNotebooks | null = null;
  let onDisk = new Map<string, { hash: string; size: number }>();
  let inBucket = new Map<string, { generation: string; size: number }>();
  let relistAt = 0;
  const touched = new Set<string>();
  let { folder } = options;
  /** What stays on the disk alone, as it was when that was found, so that it is not read over and over. */
  const left = new Map<string, string>();
  let state: MirrorWorker['state'] = 'starting';
  let syncedAt: number | null = null;
  let shown = '';
  let wake = (): void => undefined;
  let isWoken = false;

  const notingDisk: DiskSide = {
    read: disk.read,
    async write(key, bytes, expected) {
      const hash = await disk.write(key, bytes, expected);
      onDisk.set(key, { hash, size: bytes.byteLength });
      return hash;
    },
    async remove(key, expected) {
      await disk.remove(key, expected);
      onDisk.delete(key);
    },
  };
  const poke = (): void => {
    isWoken = true;
    wake();
  };
  const ended = Promise.all([followDisk(), work()]).then(() => undefined);

  return {
    changed(key) {
      if (key.endsWith('/') || 'notebooks/'.startsWith(key)) relistAt = 0;
      else if (isMirrored(key)) touched.add(key);
      else return;
      poke();
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
    for (let failures = 0; !abort.signal.aborted;) {
      try {
        take(await disk.list(listing?.version ?? null, pollMs, abort.signal));
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

  function take(found: AgentNotebooks): void {
    listing = found;
    onDisk = new Map(found.files.map(({ path, hash, size }) => [keyOf(path), { hash, size }]));
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
    if (listing === null) return clock.now() + pollMs;
    await readBucket();
    const canWrite = await options.canWrite();
    const keys = new Set([...onDisk.keys(), ...inBucket.keys(), ...[...records.all()].map((record) => record.key)]);
    for (const key of problems.keys()) if (key !== null && !keys.has(key)) problems.delete(key);
    noteIgnored();
    let nextAt = relistAt;
    let isAllInStep = true;
    // What is new comes before what is gone, so that a notebook that moved is never nowhere.
    for (const key of keys) {
      if (abort.signal.aborted) return 0;
      if (isInStep(key)) {
        forgetTrouble(key);
        continue;
      }
      if (isUnknown(key)) continue;
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
    if (missingSince.size > 0) {
      isAllInStep = false;
      nextAt = Math.min(nextAt, await passDeletions());
    } else if (listing.folder !== null && listing.folder !== folder) {
      ({ folder } = listing);
      await options.rememberFolder(listing.folder);
    }
    if (isAllInStep) syncedAt = clock.now();
    state = isAllInStep ? 'inStep' : 'working';
    return nextAt;
  }

  async function readBucket(): Promise<void> {
    if (clock.now() >= relistAt) {
      relistAt = clock.now() + relistEveryMs;
      touched.clear();
      const found = await bucket.list();
      inBucket = new Map(found.filter(({ key }) => isMirrored(key)).map((info) => [info.key, info]));
      return;
    }
    const keys = [...touched];
    touched.clear();
    for (const key of keys) {
      const read = await bucket.stat(key);
      if (read === null) inBucket.delete(key);
      else inBucket.set(key, read);
    }
  }

  function isInStep(key: string): boolean {
    const record = records.get(key);
    return (
      record !== undefined &&
      onDisk.get(key)?.hash === record.diskHash &&
      inBucket.get(key)?.generation === record.generation
    );
  }

  /** Whether it is being written on the disk, or its folder could not be read. */
  function isUnknown(key: string): boolean {
    const path = pathIn(key);
    return listing?.settling.some((one) => one === path || (one.endsWith('/') && path.startsWith(one))) ?? true;
  }

  function dueOf(key: string): number {
    const rests = onDisk.get(key)?.hash === records.get(key)?.diskHash ? (restsUntil.get(key) ?? 0) : 0;
    return Math.max(pace.dueAt(key) ?? 0, rests);
  }

  function forgetTrouble(key: string): void {
    pace.settle(key);
    left.delete(key);
    problems.delete(key);
    missingSince.delete(key);
  }

  async function sync(key: string, canWrite: boolean): Promise<'done' | 'later'> {
    if (!isMirrored(key)) {
      problems.set(key, sentences.impossibleName(key));
      return 'done';
    }
    if (Math.max(onDisk.get(key)?.size ?? 0, inBucket.get(key)?.size ?? 0) > mostBytes) {
      problems.set(key, sentences.tooLarge(key));
      return 'done';
    }
    const found = JSON.stringify([onDisk.get(key)?.hash, inBucket.get(key)?.generation, canWrite]);
    if (left.get(key) === found) return 'done';
    const startedAt = clock.now();
    let outcome: Outcome;
    try {
      outcome = await syncNotebook({ disk: notingDisk, bucket, records, canWrite }, key, onDisk.get(key)?.hash ?? null);
    } catch (error) {
      if (abort.signal.aborted) return 'later';
      problems.set(key, sentences.failed(key, error));
      if (!(error instanceof AppError))
        log.warn({ err: error, key }, 'mirror: a notebook could not be brought into step');
      pace.putOff(key, clock.now());
      return 'later';
    }
    const record = records.get(key);
    if (record !== undefined) inBucket.set(key, { size: 0, ...inBucket.get(key), generation: record.generation });
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
        if (!missingSince.has(key)) missingSince.set(key, clock.now());
        return 'done';
      case 'left':
        forgetTrouble(key);
        left.set(key, found);
        problems.set(key, sentences.left(key, outcome.reason));
        return 'done';
      case 'lookAgain':
        touched.add(key);
        pace.putOff(key, clock.now());
        return 'later';
    }
  }

  async function passDeletions(): Promise<number> {
    const dueAt = Math.min(...missingSince.values()) + deletionsAfterMs;
    if (clock.now() < dueAt) return dueAt;
    take(await disk.list(null, 0, abort.signal));
    const missing: MirrorRecord[] = [];
    for (const key of missingSince.keys()) {
      const record = records.get(key);
      if (record !== undefined && !onDisk.has(key) && !isUnknown(key)) missing.push(record);
    }
    missingSince.clear();
    const now = clock.now();
    passedAt = passedAt.filter((at) => at > now - deletionWindowMs);
    const all = [...records.all()];
    const present = new Set(all.filter(({ key }) => onDisk.has(key)).map((record) => record.contentHash));
    const verdict = judgeDeletions({
      missing: new Map(missing.map((record) => [record.key, record.contentHash])),
      present,
      recorded: all.length,
      passedLately: passedAt.length,
      folder: listing?.folder === folder ? 'same' : 'other',
    });
    if (verdict === 'restore') {
      log.info({ count: missing.length }, 'mirror: notebooks that were gone from the disk are put back');
      // Without a record they are new in the bucket, and so are written to the disk.
      for (const { key } of missing) await records.delete(key);
      await options.notify(null, sentences.restored(missing.length));
      return now;
    }
    for (const record of missing) {
      const outcome = await passDeletionOn({ bucket, records }, record);
      touched.add(record.key);
      if (outcome.kind !== 'inStep') continue;
      if (!present.has(record.contentHash)) passedAt.push(now);
      log.info({ key: record.key }, 'mirror: deleted on the disk, so deleted in the bucket');
    }
    return now;
  }

  function noteIgnored(): void {
    for (const { path, reason } of listing?.ignored ?? []) problems.set(keyOf(path), sentences.ignored(path, reason));
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
