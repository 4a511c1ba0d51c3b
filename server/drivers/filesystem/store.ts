import { DatabaseSync } from 'node:sqlite';
import type { ObjectInfo } from '../../bucket/object-store.ts';

/** A row of the index: what is known of one generation, and which blob holds its bytes. */
export interface StoredObject {
  readonly info: ObjectInfo;
  readonly blob: string;
}

export interface ObjectIndex {
  /** Runs `work` alone, across processes too; what it wrote is on the medium before this returns. */
  transaction<R>(work: () => R): R;
  addBucket(bucket: string): void;
  hasBucket(bucket: string): boolean;
  /** @returns the blobs that no row names any more, to be removed after the transaction */
  removeBucket(bucket: string): string[];
  live(bucket: string, key: string): StoredObject | null;
  version(bucket: string, key: string, generation: string): StoredObject | null;
  versions(bucket: string, key: string): StoredObject[];
  /** A generation greater than all before it, also before a restart. Inside a transaction only. */
  nextGeneration(now: number): string;
  /** Makes `stored` the live object; what was live before must have been retired. */
  setLive(bucket: string, stored: StoredObject): void;
  /** Turns the live object into an older version, that `expire` forgets when it was replaced before its moment. */
  retire(bucket: string, key: string, replacedAt: number): void;
  versionedKeys(bucket: string, prefix: string): string[];
  /** @returns the blob that no row names any more, to be removed after the transaction; null when there was none */
  removeVersion(bucket: string, key: string, generation: string): string | null;
  /**
   * Forgets the versions of `key` beyond the `keep` newest.
   * @returns the blobs that no row names any more, to be removed after the transaction
   */
  thin(bucket: string, key: string, keep: number): string[];
  /** Forgets every version of any key replaced before `before`. @returns as `thin` */
  expire(before: number): string[];
  /** Takes the versions of keys that `isKept` out of what expires: an index made by a former rule has them in it. */
  keepVersions(isKept: (key: string) => boolean): void;
  /** Live objects in key order, from `start` on. Reading stops when the caller stops. */
  scan(bucket: string, start: { key: string; inclusive: boolean }): Iterable<StoredObject>;
  hasBelow(bucket: string, folder: string): boolean;
  hasBlob(blob: string): boolean;
  /** Keys whose place in the browsable tree may be behind, because a process ended before it was seen to. */
  viewDue(): { bucket: string; key: string }[];
  settleView(bucket: string, key: string): void;
  close(): void;
}

const schema = `
  PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
  CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS object (
    bucket TEXT NOT NULL, key TEXT NOT NULL, generation INTEGER NOT NULL, blob TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, content_type TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS version (
    bucket TEXT NOT NULL, key TEXT NOT NULL, generation INTEGER NOT NULL, blob TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, content_type TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, key, generation)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS version_replaced ON version (replaced_at);
  CREATE TABLE IF NOT EXISTS view_due (bucket TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
`;

/** When a version was replaced that `expire` is never to forget. */
export const never = Number.MAX_SAFE_INTEGER;

const columns = 'key, generation, blob, size, content_type, created_at, updated_at';

/**
 * Opens the index of all objects.
 * INVARIANT: SQLite compares text by its UTF-8 bytes (collation BINARY), which is the order the port promises.
 */
export function openObjectIndex(file: string): ObjectIndex {
  const database = new DatabaseSync(file);
  database.exec(schema);
  const prepare = (sql: string) => database.prepare(sql);
  const begin = prepare('BEGIN IMMEDIATE');
  const commit = prepare('COMMIT');
  const rollback = prepare('ROLLBACK');
  const statements = {
    addBucket: prepare('INSERT OR IGNORE INTO bucket VALUES (?)'),
    hasBucket: prepare('SELECT 1 FROM bucket WHERE name = ?'),
    live: prepare(`SELECT ${columns} FROM object WHERE bucket = ? AND key = ?`),
    version: prepare(`SELECT ${columns} FROM version WHERE bucket = ? AND key = ? AND generation = ?`),
    versions: prepare(`SELECT ${columns} FROM version WHERE bucket = ? AND key = ? ORDER BY generation DESC`),
    bump: prepare('UPDATE counter SET generation = max(generation + 1, ?) RETURNING generation'),
    insert: prepare(`INSERT INTO object (bucket, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    keepVersion: prepare(
      `INSERT INTO version (bucket, ${columns}, replaced_at) SELECT bucket, ${columns}, ? FROM object WHERE bucket = ? AND key = ?`,
    ),
    remove: prepare('DELETE FROM object WHERE bucket = ? AND key = ?'),
    due: prepare('INSERT OR IGNORE INTO view_due VALUES (?, ?)'),
    thinCount: prepare(
      `DELETE FROM version WHERE bucket = ?1 AND key = ?2 AND generation NOT IN
         (SELECT generation FROM version WHERE bucket = ?1 AND key = ?2 ORDER BY generation DESC LIMIT ?3) RETURNING blob`,
    ),
    expire: prepare('DELETE FROM version WHERE replaced_at < ? RETURNING blob'),
    expiring: prepare('SELECT DISTINCT bucket, key FROM version WHERE replaced_at < ?'),
    keep: prepare('UPDATE version SET replaced_at = ? WHERE bucket = ? AND key = ?'),
    versionedKeys: prepare(
      'SELECT DISTINCT key FROM version WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2',
    ),
    removeVersion: prepare('DELETE FROM version WHERE bucket = ? AND key = ? AND generation = ? RETURNING blob'),
    below: prepare('SELECT 1 FROM object WHERE bucket = ? AND key >= ? AND key < ? LIMIT 1'),
    blob: prepare('SELECT 1 FROM object WHERE blob = ?1 UNION ALL SELECT 1 FROM version WHERE blob = ?1 LIMIT 1'),
    viewDue: prepare('SELECT bucket, key FROM view_due'),
    settle: prepare('DELETE FROM view_due WHERE bucket = ? AND key = ?'),
  };

  return {
    transaction(work) {
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (error) {
        // A failed COMMIT (a full disk) may have rolled back by itself.
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },
    addBucket(bucket) {
      statements.addBucket.run(bucket);
    },
    hasBucket: (bucket) => statements.hasBucket.get(bucket) !== undefined,
    removeBucket(bucket) {
      database.prepare('DELETE FROM view_due WHERE bucket = ?').run(bucket);
      database.prepare('DELETE FROM bucket WHERE name = ?').run(bucket);
      return [
        ...database.prepare('DELETE FROM object WHERE bucket = ? RETURNING blob').all(bucket),
        ...database.prepare('DELETE FROM version WHERE bucket = ? RETURNING blob').all(bucket),
      ].map((row) => String(row.blob));
    },
    live: (bucket, key) => parse(statements.live.get(bucket, key)),
    version(bucket, key, generation) {
      if (!isGeneration(generation)) return null;
      return parse(statements.version.get(bucket, key, Number(generation)));
    },
    versions: (bucket, key) => statements.versions.all(bucket, key).flatMap((row) => parse(row) ?? []),
    nextGeneration(now) {
      // By the clock where it is ahead of the counter, so that even an index restored from a backup repeats nothing.
      return String(statements.bump.get(Math.trunc(now * 1000))?.generation);
    },
    setLive(bucket, { info, blob }) {
      statements.insert.run(
        bucket,
        info.key,
        Number(info.generation),
        blob,
        info.size,
        info.contentType,
        info.createdAt.getTime(),
        info.updatedAt.getTime(),
      );
      statements.due.run(bucket, info.key);
    },
    retire(bucket, key, now) {
      statements.keepVersion.run(now, bucket, key);
      statements.remove.run(bucket, key);
      statements.due.run(bucket, key);
    },
    versionedKeys: (bucket, prefix) => statements.versionedKeys.all(bucket, prefix).map((row) => String(row.key)),
    removeVersion(bucket, key, generation) {
      if (!isGeneration(generation)) return null;
      const row = statements.removeVersion.get(bucket, key, Number(generation));
      return row === undefined ? null : String(row.blob);
    },
    thin: (bucket, key, keep) => statements.thinCount.all(bucket, key, keep).map((row) => String(row.blob)),
    expire: (before) => statements.expire.all(before).map((row) => String(row.blob)),
    keepVersions(isKept) {
      for (const row of statements.expiring.all(never)) {
        if (isKept(String(row.key))) statements.keep.run(never, String(row.bucket), String(row.key));
      }
    },
    *scan(bucket, start) {
      // Prepared for each scan: two scans under way at once must not share a cursor.
      const rows = database
        .prepare(
          `SELECT ${columns} FROM object WHERE bucket = ? AND key ${start.inclusive ? '>=' : '>'} ? ORDER BY key`,
        )
        .iterate(bucket, start.key);
      for (const row of rows) {
        const stored = parse(row);
        if (stored !== null) yield stored;
      }
    },
    hasBelow: (bucket, folder) => statements.below.get(bucket, folder, afterFolder(folder)) !== undefined,
    hasBlob: (blob) => statements.blob.get(blob) !== undefined,
    viewDue: () => statements.viewDue.all().map((row) => ({ bucket: String(row.bucket), key: String(row.key) })),
    settleView(bucket, key) {
      statements.settle.run(bucket, key);
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}

function isGeneration(text: string): boolean {
  return /^\d{1,16}$/.test(text);
}

/** The first possible key after all those that start with `folder`, which ends in a slash: '0' follows '/'. */
export function afterFolder(folder: string): string {
  return `${folder.slice(0, -1)}0`;
}

function parse(row: Record<string, unknown> | undefined): StoredObject | null {
  if (row === undefined) return null;
  return {
    blob: String(row.blob),
    info: {
      key: String(row.key),
      size: Number(row.size),
      contentType: String(row.content_type),
      generation: String(row.generation),
      createdAt: new Date(Number(row.created_at)),
      updatedAt: new Date(Number(row.updated_at)),
    },
  };
}
