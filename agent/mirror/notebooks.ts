import { createHash } from 'node:crypto';
import { watch, type BigIntStats, type FSWatcher } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { AgentNotebookFile, AgentNotebooks } from '@terrarium/contract/agent';
import { readTree, type Tree, type TreeFile } from './tree.ts';

/** A file that changed less than this ago may be half written. */
const settlesAfterMs = 300;
/** A file that never comes to rest is told of as it is: the others must not wait for it. */
const longestSettlingMs = 3_000;
const burstMs = 50;
/** Events can be missed, and there is not one for everything; this often it is looked anyway. */
const lookEveryMs = 5_000;
const lookEveryUnwatchedMs = 2_000;
const mostWatches = 2_000;
const pieceBytes = 256 * 1024;

/**
 * What notebooks there are below ~/notebooks. Looks only while somebody asks: watching costs nothing when no one does.
 */
export class Notebooks {
  readonly #home: string;
  /** By real path; valid as long as the file's signature is the same. */
  #hashes = new Map<string, { signature: string; hash: string }>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #sleepers = new Set<() => void>();
  #isEveryFolderWatched = true;
  #scanning: Promise<AgentNotebooks> | null = null;
  #isClosed = false;

  constructor(home: string) {
    this.#home = home;
  }

  /** The notebooks now; with `after`, once their version is another, or when the time is over. */
  async list(options: { after: string | null; waitMs: number; signal: AbortSignal }): Promise<AgentNotebooks> {
    const { after, waitMs, signal } = options;
    const startedAt = performance.now();
    let settlingSince = startedAt;
    for (;;) {
      const lookedAt = performance.now();
      const found = await this.#scan();
      const now = performance.now();
      const left = startedAt + waitMs - now;
      const isSettling = found.settling.some((path) => !path.endsWith('/'));
      if (!isSettling) settlingSince = now;
      const hasSettled = now - settlingSince >= (isSettling ? longestSettlingMs : 0);
      const isNews = after !== null && found.version !== after;
      if (after === null || left <= 0 || this.#isClosed || signal.aborted || (isNews && hasSettled)) return found;
      // A large tree is not read over and over because something in it is busy.
      const rest = 5 * (now - lookedAt);
      const every = this.#isEveryFolderWatched ? lookEveryMs : lookEveryUnwatchedMs;
      await this.#sleep(Math.min(left, isSettling ? settlesAfterMs : Math.max(every, rest)), signal);
      await pause(Math.max(burstMs, rest));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#wake();
  }

  #scan(): Promise<AgentNotebooks> {
    this.#scanning ??= this.#look().finally(() => {
      this.#scanning = null;
    });
    return this.#scanning;
  }

  async #look(): Promise<AgentNotebooks> {
    const tree = await readTree(this.#home);
    this.#watch(tree);
    const files: AgentNotebookFile[] = [];
    const settling = [...(tree?.unreadable ?? [])];
    const hashes = new Map<string, { signature: string; hash: string }>();
    for (const file of tree?.files ?? []) {
      const hash = await this.#hashOf(file);
      if (hash === null) {
        settling.push(file.path);
        continue;
      }
      hashes.set(file.target, { signature: signatureOf(file.stats), hash });
      files.push({ path: file.path, size: Number(file.stats.size), hash });
    }
    this.#hashes = hashes;
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const facts = { folder: tree?.folder ?? null, files, ignored: [...(tree?.ignored ?? [])] };
    const version = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
    return { version, ...facts, settling };
  }

  /** Null while it is being written. */
  async #hashOf({ target, stats }: TreeFile): Promise<string | null> {
    if (!isSettled(stats)) return null;
    const signature = signatureOf(stats);
    const known = this.#hashes.get(target);
    if (known?.signature === signature) return known.hash;
    const hash = await hashOfFile(target).catch(() => null);
    const after = await stat(target, { bigint: true }).catch(() => null);
    return after !== null && signatureOf(after) === signature ? hash : null;
  }

  #watch(tree: Tree | null): void {
    if (this.#isClosed) return;
    const wanted = new Set(tree?.folders.slice(0, mostWatches) ?? []);
    this.#isEveryFolderWatched = tree !== null && wanted.size === tree.folders.length;
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, (event, name) => {
          // Data that a kernel writes beside its notebook is not looked at.
          if (name === null || name.endsWith('.ipynb') || (event === 'rename' && !name.startsWith('.'))) this.#wake();
        });
        watcher.on('error', () => {
          watcher.close();
          this.#watchers.delete(folder);
        });
        this.#watchers.set(folder, watcher);
      } catch {
        // The system's limit of watches is reached, or the folder has gone: looking again and again finds changes too.
        this.#isEveryFolderWatched = false;
      }
    }
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#sleepers.add(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  #wake(): void {
    for (const end of this.#sleepers) end();
  }
}

/** Whether nobody has touched the file for a moment. A clock that was put back counts as that too. */
export function isSettled(stats: BigIntStats): boolean {
  return Math.abs(Date.now() - Number(stats.ctimeMs)) >= settlesAfterMs;
}

/** Another value for every change of a file that has settled. */
function signatureOf(stats: BigIntStats): string {
  return `${String(stats.ino)}/${String(stats.size)}/${String(stats.mtimeNs)}/${String(stats.ctimeNs)}`;
}

export async function hashOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  // One buffer for all of it: a stream would leave a new one behind for every piece.
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
