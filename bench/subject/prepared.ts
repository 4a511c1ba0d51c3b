import path from 'node:path';
import { preparedStore } from '../../server/environments/pool/store.ts';
import { openSqlite } from '../../server/plumbing/db/database.ts';
import { until, type RunningProcess } from '../measure/processes.ts';

/** Resolves when so many machines wait to be taken, and nothing else of the pool is under way. */
export async function untilPrepared(
  dataDirectory: string,
  count: number,
  options: { signal: AbortSignal; process?: RunningProcess },
): Promise<void> {
  const database = openSqlite(path.join(dataDirectory, 'terrarium.db'));
  try {
    await until(`${String(count)} machines are prepared`, { ...options, timeoutMs: 60_000, everyMs: 50 }, async () => {
      const rows = await preparedStore(database).all();
      return rows.length === count && rows.every(({ state }) => state === 'ready') ? true : undefined;
    });
  } finally {
    await database.close();
  }
}
