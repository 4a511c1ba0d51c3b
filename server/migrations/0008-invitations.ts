import type { Kysely } from 'kysely';

/** People who were let into a workspace and have not signed in yet, and the links that they are to do it by. */
export async function invitations(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .alterTable('accounts')
    .addColumn('is_pending', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.schema
    .alterTable('workspace_members')
    .addColumn('is_pending', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.schema
    .alterTable('tickets')
    .addColumn('inviter_id', 'text', (column) => column.references('accounts.id').onDelete('cascade'))
    .execute();
  await schema.schema
    .createIndex('workspace_members_by_account')
    .on('workspace_members')
    .column('account_id')
    .execute();
}
