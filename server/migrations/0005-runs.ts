import type { Kysely } from 'kysely';

/** Cells that people asked to be run, by notebook and account. What they showed is in the notebook. */
export async function runs(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('runs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('document_id', 'text', (column) => column.notNull())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id').onDelete('cascade'))
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('starts_environment', 'integer', (column) => column.notNull())
    .addColumn('kernel_id', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    // Two runs can be queued in the same millisecond, and their order matters.
    .addColumn('place', 'bigint', (column) => column.notNull())
    .addColumn('queued_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .execute();
  await schema.schema
    .createIndex('runs_by_document')
    .on('runs')
    .columns(['document_id', 'account_id', 'place'])
    .execute();
  await schema.schema.createIndex('runs_by_status').on('runs').column('status').execute();
  await schema.schema.createIndex('runs_by_place').unique().on('runs').column('place').execute();

  await schema.schema
    .createTable('run_cells')
    .addColumn('run_id', 'text', (column) => column.notNull().references('runs.id').onDelete('cascade'))
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('cell_id', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('execution_count', 'integer')
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('error', 'text')
    .addPrimaryKeyConstraint('run_cells_key', ['run_id', 'position'])
    .execute();
}
