import type { Kysely } from 'kysely';

/** Which notebooks have a shared document; the documents themselves are in journals beside the database. */
export async function documents(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('documents')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id').onDelete('cascade'))
    .addColumn('bucket', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('session_id', 'text', (column) => column.notNull())
    .addColumn('playground_of', 'text')
    .addColumn('source_key', 'text')
    .addColumn('settled_bytes', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('documents_key', ['workspace_id', 'key'])
    .execute();
}
