import type { Kysely } from 'kysely';

/** What a disk's ~/notebooks and its workspace's bucket last had the same, and what a person should know about it. */
export async function mirror(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('mirror_disks')
    .addColumn('disk_id', 'text', (column) => column.primaryKey().references('disks.id').onDelete('cascade'))
    .addColumn('folder', 'text', (column) => column.notNull())
    .execute();
  await schema.schema
    .createTable('mirror_files')
    .addColumn('disk_id', 'text', (column) => column.notNull().references('disks.id').onDelete('cascade'))
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('content_hash', 'text', (column) => column.notNull())
    .addColumn('generation', 'text', (column) => column.notNull())
    .addColumn('disk_hash', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('mirror_files_key', ['disk_id', 'key'])
    .execute();
  await schema.schema
    .createTable('mirror_intents')
    .addColumn('disk_id', 'text', (column) => column.notNull().references('disks.id').onDelete('cascade'))
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('side', 'text', (column) => column.notNull())
    .addColumn('content_hash', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('mirror_intents_key', ['disk_id', 'key', 'side', 'content_hash'])
    .execute();
  await schema.schema
    .createTable('mirror_notices')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('disk_id', 'text', (column) => column.notNull().references('disks.id').onDelete('cascade'))
    .addColumn('key', 'text')
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema.schema
    .createIndex('mirror_notices_by_disk')
    .on('mirror_notices')
    .columns(['disk_id', 'created_at'])
    .execute();
}
