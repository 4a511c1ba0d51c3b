import { AppError, type BillingProject, type BillingRole } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import { isUniqueViolation } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { BillingProjectRow, BillingStore } from './store.ts';

export type BillingProjects = ReturnType<typeof createBillingProjects>;

/** Billing projects: who pays, and the namespace of their workspaces. */
export function createBillingProjects(options: {
  store: BillingStore;
  accounts: Accounts;
  /** Workspaces belong to a later noun. */
  countWorkspaces: (project: string) => Promise<number>;
  events: EventBus;
  clock: Clock;
}) {
  const { store, accounts, events, clock } = options;

  async function toResource(row: BillingProjectRow): Promise<BillingProject> {
    const found = await store.members(row.name);
    const emails = await accounts.emailsOf(found.map((member) => member.account_id));
    const members = found.map((member) => ({ email: emails.get(member.account_id) ?? '', role: member.role }));
    return {
      name: row.name,
      description: row.description,
      role: row.role,
      createdAt: isoMoment(row.created_at),
      workspaceCount: await options.countWorkspaces(row.name),
      members,
    };
  }

  async function required(accountId: string, name: string): Promise<BillingProjectRow> {
    const row = await store.find(accountId, name);
    if (row === undefined)
      throw new AppError('NotFound', `There is no billing project "${name.slice(0, 80)}" that you can see.`);
    return row;
  }

  return {
    async list(accountId: string): Promise<BillingProject[]> {
      return Promise.all((await store.listFor(accountId)).map(toResource));
    },

    get: async (accountId: string, name: string): Promise<BillingProject> =>
      toResource(await required(accountId, name)),

    /** The account's role in the project, or null when it has none. */
    roleOf: async (accountId: string, name: string): Promise<BillingRole | null> =>
      (await store.find(accountId, name))?.role ?? null,

    /** Account ids of those who pay. */
    ownersOf: async (name: string): Promise<ReadonlySet<string>> =>
      new Set((await store.members(name)).filter(({ role }) => role === 'owner').map((member) => member.account_id)),

    /** @throws AppError AlreadyExists, also when the project is somebody else's: the name is taken for all */
    async create(accountId: string, request: { name: string; description: string }): Promise<BillingProject> {
      try {
        await store.insert({ ...request, created_at: clock.now() }, accountId);
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const message = `A billing project "${request.name}" exists already. Choose another name.`;
        throw new AppError('AlreadyExists', message, { fields: { name: message } });
      }
      events.publish({ kind: 'billing-project', id: request.name, workspaceId: null }, accountId);
      return toResource(await required(accountId, request.name));
    },

    async delete(accountId: string, name: string): Promise<void> {
      const row = await required(accountId, name);
      if (row.role !== 'owner') throw new AppError('NotAllowed', 'Only an owner of a billing project can delete it.');
      const workspaces = await options.countWorkspaces(name);
      if (workspaces > 0) {
        throw new AppError(
          'NotPossibleNow',
          `Billing project "${name}" still has ${workspaces === 1 ? 'a workspace' : `${String(workspaces)} workspaces`}. Delete them first.`,
        );
      }
      await store.delete(name);
      events.publish({ kind: 'billing-project', id: name, workspaceId: null }, accountId);
    },
  };
}
