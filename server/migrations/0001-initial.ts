import type { Kysely } from 'kysely';

/**
 * Ids and moments: text ids, epoch milliseconds. JSON is text, booleans 0 or 1: the subset that SQLite and PostgreSQL
 * share.
 */
export async function initial(schema: Kysely<unknown>): Promise<void> {
  await schema.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('email', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('password_hash', 'text')
    .addColumn('is_operator', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();

  await schema.schema
    .createTable('sessions')
    .addColumn('secret_hash', 'text', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('parent_id', 'text', (column) => column.references('sessions.id').onDelete('cascade'))
    .addColumn('workspace_id', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  await schema.schema
    .createTable('tickets')
    .addColumn('secret_hash', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('parent_id', 'text', (column) => column.references('sessions.id').onDelete('cascade'))
    .addColumn('workspace_id', 'text')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();

  await schema.schema
    .createTable('tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('secret_hash', 'text', (column) => column.notNull().unique())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .execute();

  await schema.schema
    .createTable('billing_projects')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();

  await schema.schema
    .createTable('billing_members')
    .addColumn('project', 'text', (column) => column.notNull().references('billing_projects.name').onDelete('cascade'))
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('billing_members_key', ['project', 'account_id'])
    .execute();

  await schema.schema
    .createTable('workspaces')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('namespace', 'text', (column) => column.notNull().references('billing_projects.name'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('bucket', 'text', (column) => column.notNull().unique())
    .addColumn('owner_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('workspaces_name', ['namespace', 'name'])
    .execute();

  await schema.schema
    .createTable('workspace_members')
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id').onDelete('cascade'))
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('can_share', 'integer', (column) => column.notNull())
    .addColumn('can_compute', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('workspace_members_key', ['workspace_id', 'account_id'])
    .execute();

  await schema.schema
    .createTable('disks')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('owner_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('size_gib', 'integer', (column) => column.notNull())
    .addColumn('used_bytes', 'bigint')
    .addColumn('desired', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('environment_id', 'text', (column) => column.unique())
    .addColumn('last_attached_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .addColumn('deadline_at', 'bigint')
    .addColumn('run_at', 'bigint')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('lease_until', 'bigint')
    .addColumn('fence', 'integer', (column) => column.notNull())
    .execute();
  await schema.schema.createIndex('disks_due').on('disks').column('run_at').execute();
  await schema.schema.createIndex('disks_by_workspace').on('disks').columns(['workspace_id', 'owner_id']).execute();

  await schema.schema
    .createTable('environments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('owner_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('spec', 'text', (column) => column.notNull())
    .addColumn('disk_id', 'text', (column) => column.notNull())
    .addColumn('agent_secret', 'text', (column) => column.notNull())
    .addColumn('desired', 'text', (column) => column.notNull())
    .addColumn('delete_disk', 'integer', (column) => column.notNull())
    .addColumn('intent', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('last_activity_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .addColumn('deadline_at', 'bigint')
    .addColumn('run_at', 'bigint')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('lease_until', 'bigint')
    .addColumn('fence', 'integer', (column) => column.notNull())
    .execute();
  await schema.schema.createIndex('environments_due').on('environments').column('run_at').execute();
  await schema.schema
    .createIndex('environments_by_workspace')
    .on('environments')
    .columns(['workspace_id', 'owner_id'])
    .execute();

  await schema.schema
    .createTable('environment_steps')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('environment_id', 'text', (column) => column.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('step', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('log', 'text', (column) => column.notNull())
    .execute();
  await schema.schema
    .createIndex('environment_steps_order')
    .on('environment_steps')
    .columns(['environment_id', 'started_at'])
    .execute();

  // What is charged for, from when to when: a machine that runs or is paused, a disk that exists.
  await schema.schema
    .createTable('charges')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .addColumn('workspace_id', 'text', (column) => column.notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('category', 'text', (column) => column.notNull())
    .addColumn('per_hour', 'double precision', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();
  await schema.schema.createIndex('charges_by_resource').on('charges').columns(['resource_id', 'ended_at']).execute();
  await schema.schema
    .createIndex('charges_by_workspace')
    .on('charges')
    .columns(['workspace_id', 'started_at'])
    .execute();
}
