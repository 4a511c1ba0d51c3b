import type { Kysely } from 'kysely';

/**
 * What JupyterLab keeps for a person: settings and configuration (`scope` empty), and window layouts (`scope` a
 * workspace id). The whole document is one text.
 */
export async function labSettings(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('lab_documents')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('lab_documents_key', ['account_id', 'kind', 'scope', 'name'])
    .execute();
}
