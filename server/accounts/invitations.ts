import type { Account } from '@terrarium/contract';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import { newId, newSecret, secretHash } from '../plumbing/ids.ts';
import { toAccount } from './accounts.ts';
import { accountStore, type AccountRow } from './store.ts';

const invitationMs = 7 * 24 * 3_600_000;

export type Invitations = ReturnType<typeof createInvitations>;

export interface Invited {
  readonly account: Account;
  /** Nobody has signed in to it yet. */
  readonly isPending: boolean;
}

/** Accounts for people who are not here yet. Everything is written in the caller's transaction. */
export function createInvitations({ clock }: { clock: Clock }) {
  return {
    /** The account of an e-mail address, in whatever case it was written; null where there is none. */
    async find(inside: Database, email: string): Promise<Invited | null> {
      const row = await accountStore(inside).accountByEmail(email);
      return row === undefined ? null : toInvited(row);
    },

    /**
     * The same, made on the spot where there is none: pending, until an invitation is accepted.
     * @param email  as the contract's EmailAddress gives it
     */
    async ensure(inside: Database, email: string): Promise<Invited> {
      const existing = await this.find(inside, email);
      if (existing !== null) return existing;
      const row: AccountRow = {
        id: newId(),
        email,
        name: '',
        password_hash: null,
        is_operator: 0,
        is_pending: 1,
        created_at: clock.now(),
      };
      await accountStore(inside).insertAccount(row);
      return toInvited(row);
    },

    /**
     * A one-use secret that signs in to a pending account, good for a week. It takes the place of the inviter's earlier
     * one. The caller has made sure that the account is pending and that the inviter may let it in.
     */
    async create(
      inside: Database,
      accountId: string,
      inviterId: string,
    ): Promise<{ secret: string; expiresAt: number }> {
      const write = accountStore(inside);
      const secret = newSecret();
      const expiresAt = clock.now() + invitationMs;
      await write.deleteInvitations(accountId, inviterId);
      await write.insertTicket({
        secret_hash: secretHash(secret),
        account_id: accountId,
        parent_id: null,
        workspace_id: null,
        inviter_id: inviterId,
        expires_at: expiresAt,
      });
      return { secret, expiresAt };
    },

    /** Drops an account that nobody has signed in to; any other stays. */
    forget: async (inside: Database, accountId: string): Promise<void> =>
      void (await accountStore(inside).deletePending(accountId)),
  };
}

function toInvited(row: AccountRow): Invited {
  return { account: toAccount(row), isPending: row.is_pending === 1 };
}
