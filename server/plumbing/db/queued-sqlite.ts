import { setImmediate } from 'node:timers/promises';
import { SqliteDialect, SqliteDriver, type DatabaseConnection, type Driver, type SqliteDialectConfig } from 'kysely';

/** After so long without a break, whatever else the process has to do comes first. */
const breathAfterMs = 10;

/**
 * Kysely's SQLite, whose one connection goes from user to user in the order of their requests. Kysely's own queue wakes all
 * who wait whenever one is done, which takes seconds from a few thousand on; and SQLite answers at once, so that without a
 * break a thousand queries would keep every socket waiting.
 */
export class QueuedSqlite extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new QueuedDriver(this.#config);
  }
}

class QueuedDriver extends SqliteDriver {
  #last: Promise<void> = Promise.resolve();
  #isDone = (): void => undefined;
  /** The stretch of queries since anything else had its turn. */
  #stretch: { readonly since: number; readonly over: Promise<void> } | null = null;

  override async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    await before;
    this.#isDone = turn.resolve;
    this.#stretch ??= this.#begin();
    if (performance.now() - this.#stretch.since > breathAfterMs) await this.#stretch.over;
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    await super.releaseConnection();
    this.#isDone();
  }

  #begin(): { since: number; over: Promise<void> } {
    const over = setImmediate().then(() => {
      this.#stretch = null;
    });
    return { since: performance.now(), over };
  }
}
