import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, sql, type Transaction } from 'kysely';
import { AppError } from '@terrarium/contract';
import { QueuedSqlite } from './queued-sqlite.ts';

/**
 * The one database. A noun's store asks for its own tables; a transaction is a Database too, so that use cases of
 * several nouns can share one.
 */
export interface Database {
  tables<T>(): Kysely<T>;
  transaction<R>(work: (inside: Database) => Promise<R>): Promise<R>;
  /**
   * A transaction that does not wait for the disk: it survives kill -9 at once, and a power cut as soon as a later
   * transaction has been committed. For what is written often and can be found out again.
   */
  quickTransaction<R>(work: (inside: Database) => Promise<R>): Promise<R>;
}

export interface OpenDatabase extends Database {
  close(): Promise<void>;
}

/**
 * Opens the embedded database file.
 * INVARIANT: a committed transaction survives kill -9 and power loss (WAL with synchronous=FULL), a quick one kill -9.
 */
export function openSqlite(file: string): OpenDatabase {
  // It holds the secrets of agents. SQLite gives its journals the mode of the file itself.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const sqlite = new DatabaseSync(file);
  sqlite.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;');
  const kysely = new Kysely<unknown>({ dialect: new QueuedSqlite({ database: adapt(sqlite) }) });
  return {
    ...over(kysely),
    async close() {
      await kysely.destroy();
    },
  };
}

function over(kysely: Kysely<unknown>): Database {
  return {
    // Each store names the tables it owns; the migrations are what makes the claim true.
    tables: <T>() => kysely as unknown as Kysely<T>,
    async transaction<R>(work: (inside: Database) => Promise<R>): Promise<R> {
      if (kysely.isTransaction) return work(over(kysely));
      return kysely.transaction().execute((inside: Transaction<unknown>) => work(over(inside)));
    },
    async quickTransaction<R>(work: (inside: Database) => Promise<R>): Promise<R> {
      if (kysely.isTransaction) return work(over(kysely));
      // The one connection is ours meanwhile, so that no other transaction becomes a quick one.
      return kysely.connection().execute(async (connection) => {
        await sql`PRAGMA synchronous=NORMAL`.execute(connection);
        try {
          return await connection.transaction().execute((inside) => work(over(inside)));
        } finally {
          await sql`PRAGMA synchronous=FULL`.execute(connection);
        }
      });
    },
  };
}

/** The same few statements come again and again, and preparing one takes longer than running it. */
const keptStatements = 500;

/** node:sqlite as the shape that Kysely's SQLite dialect drives. */
function adapt(sqlite: DatabaseSync) {
  const statements = new Map<string, { statement: StatementSync; reader: boolean }>();
  function prepared(text: string): { statement: StatementSync; reader: boolean } {
    let found = statements.get(text);
    if (found === undefined) {
      if (statements.size >= keptStatements) statements.clear();
      const statement = sqlite.prepare(text);
      found = { statement, reader: statement.columns().length > 0 };
      statements.set(text, found);
    }
    return found;
  }
  return {
    close: () => {
      sqlite.close();
    },
    prepare(sql: string) {
      const { statement, reader } = prepared(sql);
      // Our columns hold text, numbers and null only, which is what SQLInputValue covers.
      const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader,
        all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
        run(parameters: readonly unknown[]) {
          try {
            return statement.run(...values(parameters));
          } catch (error) {
            throw translate(error);
          }
        },
        iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)),
      };
    },
  };
}

function translate(error: unknown): unknown {
  // SQLITE_FULL, https://sqlite.org/rescode.html#full
  if (error instanceof Error && 'errcode' in error && error.errcode === 13) {
    return new AppError(
      'StorageFull',
      'The disk that holds the data directory is full. Free some space and try again.',
      {
        cause: error,
      },
    );
  }
  return error;
}

/** Whether an insert failed because a row with that key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  // SQLITE_CONSTRAINT_PRIMARYKEY 1555, SQLITE_CONSTRAINT_UNIQUE 2067
  return error instanceof Error && 'errcode' in error && (error.errcode === 1555 || error.errcode === 2067);
}
