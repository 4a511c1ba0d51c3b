import type { Kysely } from 'kysely';

/** Names of deleted workspaces, for as long as their billing project keeps the record of what they spent. */
export async function formerWorkspaces(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('former_workspaces')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('billing_projects.name').onDelete('cascade'),
    )
    .addColumn('name', 'text', (column) => column.notNull())
    .execute();
  await schema.schema
    .createIndex('former_workspaces_by_namespace')
    .on('former_workspaces')
    .column('namespace')
    .execute();
}
