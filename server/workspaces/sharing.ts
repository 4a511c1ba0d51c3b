import {
  AppError,
  grantProblem,
  noAccess,
  rightsAsked,
  type AclChange,
  type AclEntry,
  type ChangedAclEntry,
  type Invitation,
  type Rights,
} from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { Invitations } from '../accounts/invitations.ts';
import type { BillingProjects } from '../billing/projects.ts';
import { isoMoment } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { createAccess, type Access, type WorkspaceAccess } from './access.ts';
import { workspaceStore, type MemberRow } from './store.ts';

export type Sharing = ReturnType<typeof createSharing>;

const mostMembers = 1000;

interface Change {
  readonly inside: Database;
  readonly giverId: string;
  readonly held: WorkspaceAccess;
  readonly payers: ReadonlySet<string>;
  readonly asked: AclChange;
}

interface Changed {
  readonly accountId: string;
  readonly isRemoved: boolean;
  readonly invitation: Invitation | null;
}

/**
 * Who else is in a workspace.
 * INVARIANTS: nobody gives, takes or vouches for rights that he does not hold at that moment, which is read in the
 * transaction that writes them; a workspace has an owner who has signed in; an owner who pays for it stays one.
 */
export function createSharing(options: {
  database: Database;
  accounts: Accounts;
  invitations: Invitations;
  billing: BillingProjects;
  access: Access;
  /** Address of the page that accepts the invitation with this secret. */
  invitationUrl: (secret: string) => string;
  /** Environments belong to a later noun: pauses those in the workspace whose owners may not run them any more. */
  pauseUnentitled: (workspaceId: string) => Promise<void>;
  events: EventBus;
}) {
  const { database, accounts, invitations, billing, access, events } = options;

  async function entriesOf({
    id,
    ownerId,
  }: WorkspaceAccess['workspace']): Promise<(AclEntry & { accountId: string })[]> {
    const entries = await Promise.all(
      (await workspaceStore(database).members(id)).map(async (row) => {
        const account = await accounts.get(row.account_id);
        return {
          accountId: row.account_id,
          email: account?.email ?? '',
          name: account?.name ?? '',
          ...rightsOf(row),
          isPending: row.is_pending === 1,
          isCreator: row.account_id === ownerId,
        };
      }),
    );
    return entries.sort((a, b) => Number(b.isCreator) - Number(a.isCreator) || (a.email < b.email ? -1 : 1));
  }

  async function apply({ inside, giverId, held, payers, asked }: Change): Promise<Changed | null> {
    const { email, role } = asked;
    const person = role === noAccess ? await invitations.find(inside, email) : await invitations.ensure(inside, email);
    if (person === null) return null;
    const { id: accountId } = person.account;
    const row = await memberOf(inside, held.workspace.id, accountId);
    const current = row === undefined ? null : rightsOf(row);
    const wanted = role === noAccess ? null : rightsAsked({ ...asked, role }, current, held);
    if (current === null && wanted === null) return null;
    const problem = grantProblem(held, email, current, wanted);
    if (problem !== undefined) throw new AppError('NotAllowed', problem);
    if (current?.role === 'OWNER' && wanted?.role !== 'OWNER' && payers.has(accountId)) throw payerStays(email);
    if (wanted === null) {
      await remove(inside, held.workspace.id, accountId);
      return { accountId, isRemoved: true, invitation: null };
    }
    await workspaceStore(inside).putMember({
      workspace_id: held.workspace.id,
      account_id: accountId,
      role: wanted.role,
      can_share: wanted.canShare ? 1 : 0,
      can_compute: wanted.canCompute ? 1 : 0,
      is_pending: person.isPending ? 1 : 0,
    });
    const isNew = person.isPending && current === null;
    return { accountId, isRemoved: false, invitation: isNew ? await newInvitation(inside, accountId, giverId) : null };
  }

  async function remove(inside: Database, workspaceId: string, accountId: string): Promise<void> {
    await workspaceStore(inside).removeMember(workspaceId, accountId);
    await forgetUninvited(inside, [accountId]);
  }

  /** Drops the accounts that were made for an invitation which stands no more. */
  async function forgetUninvited(inside: Database, accountIds: readonly string[]): Promise<void> {
    for (const accountId of accountIds) {
      const memberships = await workspaceStore(inside).membershipsOf(accountId);
      if (memberships.length === 0) await invitations.forget(inside, accountId);
    }
  }

  async function newInvitation(inside: Database, accountId: string, inviterId: string): Promise<Invitation> {
    const { secret, expiresAt } = await invitations.create(inside, accountId, inviterId);
    return { url: options.invitationUrl(secret), expiresAt: isoMoment(expiresAt) };
  }

  /** Pages read again, rooms ask again, and what must not run any more is paused. */
  async function announce(workspaceId: string, removed: readonly string[]): Promise<void> {
    const event = { kind: 'workspace', id: workspaceId, workspaceId } as const;
    events.publish(event);
    // Who has lost sight of the workspace does not hear what is told in it.
    for (const accountId of removed) events.publish(event, accountId);
    await options.pauseUnentitled(workspaceId);
  }

  return {
    async list(accountId: string, namespace: string, name: string): Promise<AclEntry[]> {
      return entriesOf((await access.workspace(accountId, namespace, name, 'share')).workspace);
    },

    /** All of the changes or none. @returns the new list, empty for someone who has given up his own say in it */
    async change(
      giverId: string,
      namespace: string,
      name: string,
      changes: readonly AclChange[],
    ): Promise<ChangedAclEntry[]> {
      requireDistinct(changes);
      const { workspace } = await access.workspace(giverId, namespace, name, 'share');
      const payers = await billing.ownersOf(namespace);
      const changed = await database.transaction(async (inside) => {
        const store = workspaceStore(inside);
        const held = await createAccess(store).workspaceById(giverId, workspace.id, 'share');
        const done: Changed[] = [];
        for (const asked of changes) {
          const outcome = await apply({ inside, giverId, held, payers, asked });
          if (outcome !== null) done.push(outcome);
        }
        requireSound(await store.members(workspace.id));
        return done;
      });
      const removed = changed.filter(({ isRemoved }) => isRemoved).map(({ accountId }) => accountId);
      await announce(workspace.id, removed);
      const mayStillSee = await access.workspaceById(giverId, workspace.id, 'share').then(
        () => true,
        () => false,
      );
      if (!mayStillSee) return [];
      return (await entriesOf(workspace)).map((entry) => {
        const invitation = changed.find(({ accountId }) => accountId === entry.accountId)?.invitation ?? null;
        return { ...entry, invitation };
      });
    },

    /**
     * A new link for someone who has never signed in. An account that somebody uses has none: a link to it would hand it
     * to whoever asks for the link.
     */
    async invite(giverId: string, namespace: string, name: string, email: string): Promise<Invitation> {
      const { workspace } = await access.workspace(giverId, namespace, name, 'share');
      return database.transaction(async (inside) => {
        const held = await createAccess(workspaceStore(inside)).workspaceById(giverId, workspace.id, 'share');
        const person = await invitations.find(inside, email);
        const row = person === null ? undefined : await memberOf(inside, workspace.id, person.account.id);
        const named = `"${email.slice(0, 254)}"`;
        if (person === null || row === undefined) {
          throw new AppError('NotFound', `There is nobody in this workspace whose e-mail address is ${named}.`);
        }
        if (!person.isPending) {
          throw new AppError(
            'NotPossibleNow',
            row.is_pending === 1
              ? `${named} has signed in by another invitation. If that is the person you mean, add the address once more.`
              : `${named} has signed in already and needs no invitation.`,
          );
        }
        const problem = grantProblem(held, email, rightsOf(row), rightsOf(row));
        if (problem !== undefined) throw new AppError('NotAllowed', problem);
        return newInvitation(inside, person.account.id, giverId);
      });
    },

    async leave(accountId: string, namespace: string, name: string): Promise<void> {
      const { workspace } = await access.workspace(accountId, namespace, name, 'read');
      const payers = await billing.ownersOf(namespace);
      await database.transaction(async (inside) => {
        const row = await memberOf(inside, workspace.id, accountId);
        if (row?.role === 'OWNER' && payers.has(accountId)) throw payerStays('You');
        await remove(inside, workspace.id, accountId);
        requireSound(await workspaceStore(inside).members(workspace.id));
      });
      await announce(workspace.id, [accountId]);
    },

    /** Lets a pending account into every workspace for which its inviter can answer now. See `createAccounts`. */
    async acceptInvitation(
      inside: Database,
      { accountId, inviterId }: { accountId: string; inviterId: string },
    ): Promise<(() => void) | null> {
      const store = workspaceStore(inside);
      const entered: string[] = [];
      for (const row of await store.membershipsOf(accountId)) {
        const inviter = await memberOf(inside, row.workspace_id, inviterId);
        if (row.is_pending === 0 || inviter === undefined || inviter.is_pending === 1) continue;
        if (grantProblem(rightsOf(inviter), '', rightsOf(row), rightsOf(row)) !== undefined) continue;
        await store.putMember({ ...row, is_pending: 0 });
        entered.push(row.workspace_id);
      }
      if (entered.length === 0) return null;
      return () => {
        for (const id of entered) events.publish({ kind: 'workspace', id, workspaceId: id });
      };
    },

    /** Somebody goes by another name now: lists of people are read again. */
    async renamed(accountId: string): Promise<void> {
      for (const { workspace_id: id } of await workspaceStore(database).membershipsOf(accountId)) {
        events.publish({ kind: 'workspace', id, workspaceId: id });
      }
    },

    forgetUninvited,
  };
}

function rightsOf(row: MemberRow): Rights {
  return { role: row.role, canShare: row.can_share === 1, canCompute: row.can_compute === 1 };
}

async function memberOf(inside: Database, workspaceId: string, accountId: string): Promise<MemberRow | undefined> {
  return (await workspaceStore(inside).membershipsOf(accountId)).find((row) => row.workspace_id === workspaceId);
}

function payerStays(who: string): AppError {
  const verb = who === 'You' ? 'pay' : 'pays';
  return new AppError(
    'NotPossibleNow',
    `${who} ${verb} for this workspace, through its billing project, and so stays its owner.`,
  );
}

function requireDistinct(changes: readonly AclChange[]): void {
  const seen = new Set<string>();
  for (const [index, { email }] of changes.entries()) {
    const message = `${email} is in the list twice. Name each person once.`;
    if (seen.has(email))
      throw new AppError('InvalidInput', message, { fields: { [`${String(index)}.email`]: message } });
    seen.add(email);
  }
}

function requireSound(members: readonly MemberRow[]): void {
  if (!members.some((row) => row.role === 'OWNER' && row.is_pending === 0)) {
    throw new AppError(
      'NotPossibleNow',
      'A workspace needs an owner who has signed in. Make somebody else its owner first, or delete the workspace.',
    );
  }
  if (members.length > mostMembers) {
    throw new AppError('NotPossibleNow', `A workspace has at most ${String(mostMembers)} people.`);
  }
}
