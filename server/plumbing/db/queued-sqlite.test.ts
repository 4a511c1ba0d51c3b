import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, expect, it } from 'vitest';
import { openSqlite } from './database.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'terrarium-queue-'));
const database = openSqlite(path.join(directory, 'queue.db'));
const tables = database.tables<{ notes: { number: number } }>();
afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

it('answers in the order of the requests, also around a transaction', async () => {
  await sql`CREATE TABLE notes (number INTEGER NOT NULL)`.execute(tables);
  const seen: string[] = [];
  const see = (name: string) => () => {
    seen.push(name);
  };
  await Promise.all([
    tables.selectFrom('notes').selectAll().execute().then(see('first')),
    database
      .transaction(async (inside) => {
        await inside.tables<{ notes: { number: number } }>().insertInto('notes').values({ number: 1 }).execute();
      })
      .then(see('transaction')),
    tables.selectFrom('notes').selectAll().execute().then(see('last')),
  ]);
  expect(seen).toEqual(['first', 'transaction', 'last']);
});

it('lets everything else go on during thousands of queries', async () => {
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks++;
  }, 1);
  const query = () => tables.selectFrom('notes').selectAll().execute();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 10_000 }, query));
  clearInterval(ticking);
  // A breath at least every 10 ms, with room for a query that takes longer and for a slow machine.
  expect(ticks).toBeGreaterThan((performance.now() - startedAt) / 50);
});
