import type { Kysely } from 'kysely';

/**
 * What an environment's machine was last given, its operations, its startup script's outcome, and what its owner asked
 * of autopause; snapshots, copies and growth of disks.
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

  await schema.schema
    .alterTable('disks')
    .addColumn('kind', 'text', (column) => column.notNull().defaultTo('disk'))
    .execute();
  await schema.schema.createIndex('disks_by_owner').on('disks').column('owner_id').execute();
  await schema.schema.alterTable('disks').addColumn('copy_of', 'text').execute();
  await schema.schema.alterTable('disks').addColumn('grows_to_gib', 'integer').execute();
}
