import type { Kysely } from 'kysely';

/**
 * A history is one notebook from its making to its end, whatever its names; its versions say which generation of which
 * object holds their bytes.
 */
export async function versions(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('notebook_histories')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id').onDelete('cascade'))
    .addColumn('key', 'text', (column) => column.notNull())
    // When the object of that key was made: it tells a notebook from another one that had the name before.
    .addColumn('object_created_at', 'bigint', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .addUniqueConstraint('notebook_histories_object', ['workspace_id', 'key', 'object_created_at'])
    .execute();

  await schema.schema
    .createTable('notebook_versions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('history_id', 'text', (column) =>
      column.notNull().references('notebook_histories.id').onDelete('cascade'),
    )
    .addColumn('object_key', 'text', (column) => column.notNull())
    .addColumn('generation', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('authors', 'text', (column) => column.notNull())
    .addColumn('former_authors', 'text', (column) => column.notNull())
    .addUniqueConstraint('notebook_versions_object', ['history_id', 'object_key', 'generation'])
    .execute();
}
