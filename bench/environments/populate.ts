/** Writes the database of a control plane with 10,000 environments, into the data folder that its settings name. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from '../../server/config.ts';
import { migrations } from '../../server/migrations/index.ts';
import { openSqlite } from '../../server/plumbing/db/database.ts';
import { migrate } from '../../server/plumbing/db/migrate.ts';
import { populate } from './population.ts';

const { dataDirectory, ownerEmail } = readConfig();
mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
const database = openSqlite(path.join(dataDirectory, 'terrarium.db'));
await migrate(database, migrations);
await populate(database, ownerEmail, Date.now());
await database.close();
