import { Migrator, type Kysely, type Migration } from 'kysely';
import type { Database } from './database.ts';

/**
 * Brings the schema up to date, each migration in its own transaction, in order of name.
 * @throws Error naming the migration that failed
 */
export async function migrate(
  database: Database,
  migrations: Record<string, (schema: Kysely<unknown>) => Promise<void>>,
): Promise<void> {
  const provider = {
    getMigrations: async (): Promise<Record<string, Migration>> =>
      Object.fromEntries(Object.entries(migrations).map(([name, up]) => [name, { up }])),
  };
  const { error, results } = await new Migrator({ db: database.tables<unknown>(), provider }).migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'unknown';
    throw new Error(`Database migration ${failed} failed.`, { cause: error });
  }
}
