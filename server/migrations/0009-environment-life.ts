import { sql, type Kysely } from 'kysely';

/**
 * What an environment's machine was last given, its operations, its startup script's outcome, and what its owner asked
 * of autopause; snapshots, copies and growth of disks; machines that are made ahead of need.
 */
export async function environmentLife(schema: Kysely<unknown>): Promise<void> {
  await schema.schema.alterTable('environments').addColumn('applied', 'text').execute();
  await schema.schema.alterTable('environments').addColumn('script_outcome', 'text').execute();
  await schema.schema.alterTable('environments').addColumn('asleep_lists', 'text').execute();
  await schema.schema.alterTable('environments').addColumn('keep_until', 'bigint').execute();
  await schema.schema
    .alterTable('environments')
    .addColumn('pauses_when_idle', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.schema
    .alterTable('environments')
    .addColumn('chosen_at', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();

  // Where notebooks ran until now: in the newest that runs.
  await sql`UPDATE environments SET chosen_at = 1 WHERE status = 'Running'`.execute(schema);
  await schema.schema.createIndex('environments_by_owner').on('environments').column('owner_id').execute();
  await schema.schema.createIndex('environments_by_status').on('environments').column('status').execute();

  await schema.schema
    .createTable('environment_operations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('environment_id', 'text', (column) => column.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('deadline_at', 'bigint')
    .addColumn('outcome', 'text', (column) => column.notNull())
    .execute();
  await schema.schema
    .createIndex('environment_operations_by_environment')
    .on('environment_operations')
    .columns(['environment_id', 'started_at'])
    .execute();
  await schema.schema.alterTable('environment_steps').addColumn('operation_id', 'text').execute();

  await disksAnew(schema);
  await preparedMachines(schema);
}

async function preparedMachines(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('prepared_machines')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('disk_id', 'text', (column) => column.notNull())
    .addColumn('agent_secret', 'text', (column) => column.notNull())
    .addColumn('spec', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('run_at', 'bigint')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('lease_until', 'bigint')
    .addColumn('fence', 'integer', (column) => column.notNull())
    .execute();
}

/**
 * While an environment changes its disk both belong to it, so its id is no longer unique among disks. A constraint
 * cannot be taken from a table of SQLite: the table is made anew.
 */
async function disksAnew(schema: Kysely<unknown>): Promise<void> {
  const kept = [
    'id',
    'workspace_id',
    'owner_id',
    'name',
    'size_gib',
    'used_bytes',
    'desired',
    'status',
    'reason',
    'environment_id',
    'last_attached_at',
    'created_at',
    'deleted_at',
    'deadline_at',
    'run_at',
    'attempts',
    'lease_until',
    'fence',
  ];
  await schema.schema
    .createTable('disks_anew')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('owner_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull().defaultTo('disk'))
    .addColumn('copy_of', 'text')
    .addColumn('size_gib', 'integer', (column) => column.notNull())
    .addColumn('grows_to_gib', 'integer')
    .addColumn('used_bytes', 'bigint')
    .addColumn('desired', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('environment_id', 'text')
    .addColumn('last_attached_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .addColumn('deadline_at', 'bigint')
    .addColumn('run_at', 'bigint')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('lease_until', 'bigint')
    .addColumn('fence', 'integer', (column) => column.notNull())
    .execute();
  const columns = sql.join(kept.map((name) => sql.ref(name)));
  await sql`INSERT INTO disks_anew (${columns}) SELECT ${columns} FROM disks`.execute(schema);
  await schema.schema.dropTable('disks').execute();
  await schema.schema.alterTable('disks_anew').renameTo('disks').execute();
  await schema.schema.createIndex('disks_due').on('disks').column('run_at').execute();
  await schema.schema.createIndex('disks_by_workspace').on('disks').columns(['workspace_id', 'owner_id']).execute();
  await schema.schema.createIndex('disks_by_owner').on('disks').column('owner_id').execute();
  await schema.schema.createIndex('disks_by_environment').on('disks').column('environment_id').execute();
}
