import type { BillingRole } from '@terrarium/contract';
import type { Database } from '../plumbing/db/database.ts';

interface Tables {
  billing_projects: { name: string; description: string; created_at: number };
  billing_members: { project: string; account_id: string; role: BillingRole };
}

export interface BillingProjectRow {
  name: string;
  description: string;
  created_at: number;
  role: BillingRole;
}

export function billingStore(database: Database) {
  const tables = database.tables<Tables>();
  const mine = (accountId: string) =>
    tables
      .selectFrom('billing_projects')
      .innerJoin('billing_members', 'billing_members.project', 'billing_projects.name')
      .where('billing_members.account_id', '=', accountId)
      .select(['name', 'description', 'created_at', 'role']);
  return {
    listFor: (accountId: string) => mine(accountId).orderBy('name').execute(),
    find: (accountId: string, name: string) => mine(accountId).where('name', '=', name).executeTakeFirst(),
    async insert(project: { name: string; description: string; created_at: number }, ownerId: string) {
      await database.transaction(async (inside) => {
        const write = inside.tables<Tables>();
        await write.insertInto('billing_projects').values(project).execute();
        await write
          .insertInto('billing_members')
          .values({ project: project.name, account_id: ownerId, role: 'owner' })
          .execute();
      });
    },
    members: (project: string) =>
      tables.selectFrom('billing_members').select(['account_id', 'role']).where('project', '=', project).execute(),
    delete: (name: string) => tables.deleteFrom('billing_projects').where('name', '=', name).execute(),
  };
}

export type BillingStore = ReturnType<typeof billingStore>;
