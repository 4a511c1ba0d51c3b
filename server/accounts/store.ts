import type { Generated, Insertable, Selectable } from 'kysely';
import type { Database } from '../plumbing/db/database.ts';
import { inChunks } from '../plumbing/db/in-chunks.ts';

interface Tables {
  accounts: {
    id: string;
    email: string;
    name: string;
    password_hash: string | null;
    is_operator: number;
    /** Invited, and never signed in: nobody has made this account theirs. */
    is_pending: Generated<number>;
    created_at: number;
  };
  sessions: {
    secret_hash: string;
    id: string;
    account_id: string;
    parent_id: string | null;
    workspace_id: string | null;
    created_at: number;
    expires_at: number;
  };
  tickets: {
    secret_hash: string;
    account_id: string;
    parent_id: string | null;
    workspace_id: string | null;
    /** Who made it, where it is an invitation. */
    inviter_id: string | null;
    expires_at: number;
  };
  tokens: {
    id: string;
    secret_hash: string;
    account_id: string;
    label: string;
    created_at: number;
    last_used_at: number | null;
  };
}

export type AccountRow = Selectable<Tables['accounts']>;
export type SessionRow = Selectable<Tables['sessions']>;
export type TicketRow = Selectable<Tables['tickets']>;
export type TokenRow = Selectable<Tables['tokens']>;

/** Accounts, their sessions, one-use tickets and API tokens. Secrets are stored as hashes only. */
export function accountStore(database: Database) {
  const tables = database.tables<Tables>();
  return {
    accountById: (id: string) => tables.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst(),
    emailsOf: (ids: readonly string[]) =>
      inChunks(ids, (some) => tables.selectFrom('accounts').select(['id', 'email']).where('id', 'in', some).execute()),
    accountByEmail: (email: string) =>
      tables.selectFrom('accounts').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst(),
    firstOperator: () =>
      tables.selectFrom('accounts').selectAll().where('is_operator', '=', 1).orderBy('created_at').executeTakeFirst(),
    insertAccount: (row: Insertable<Tables['accounts']>) => tables.insertInto('accounts').values(row).execute(),
    /** Somebody has made the account his: no invitation to it is good any more. */
    async settle(id: string) {
      await tables.updateTable('accounts').set({ is_pending: 0 }).where('id', '=', id).execute();
      await tables.deleteFrom('tickets').where('account_id', '=', id).where('inviter_id', 'is not', null).execute();
    },
    deletePending: (id: string) =>
      tables.deleteFrom('accounts').where('id', '=', id).where('is_pending', '=', 1).execute(),
    setName: (id: string, name: string) => tables.updateTable('accounts').set({ name }).where('id', '=', id).execute(),
    setPasswordHash: (id: string, hash: string) =>
      tables.updateTable('accounts').set({ password_hash: hash }).where('id', '=', id).execute(),

    sessionByHash: (hash: string) =>
      tables.selectFrom('sessions').selectAll().where('secret_hash', '=', hash).executeTakeFirst(),
    sessionById: (id: string) => tables.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst(),
    insertSession: (row: SessionRow) => tables.insertInto('sessions').values(row).execute(),
    deleteSession: (id: string) => tables.deleteFrom('sessions').where('id', '=', id).execute(),
    deleteOtherSessions: (accountId: string, keepId: string) =>
      tables
        .deleteFrom('sessions')
        .where('account_id', '=', accountId)
        .where('id', '!=', keepId)
        .where((where) => where.or([where('parent_id', 'is', null), where('parent_id', '!=', keepId)]))
        .execute(),

    insertTicket: (row: TicketRow) => tables.insertInto('tickets').values(row).execute(),
    deleteInvitations: (accountId: string, inviterId: string) =>
      tables.deleteFrom('tickets').where('account_id', '=', accountId).where('inviter_id', '=', inviterId).execute(),
    /** Takes the ticket out, so that nobody else can have it. */
    takeTicket: (hash: string) =>
      tables.deleteFrom('tickets').where('secret_hash', '=', hash).returningAll().executeTakeFirst(),

    tokenByHash: (hash: string) =>
      tables.selectFrom('tokens').selectAll().where('secret_hash', '=', hash).executeTakeFirst(),
    tokenById: (id: string) => tables.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst(),
    tokensOf: (accountId: string) =>
      tables.selectFrom('tokens').selectAll().where('account_id', '=', accountId).orderBy('created_at').execute(),
    insertToken: (row: TokenRow) => tables.insertInto('tokens').values(row).execute(),
    deleteToken: async (accountId: string, id: string) =>
      (await tables.deleteFrom('tokens').where('account_id', '=', accountId).where('id', '=', id).executeTakeFirst())
        .numDeletedRows > 0n,
    touchToken: (id: string, now: number) =>
      tables.updateTable('tokens').set({ last_used_at: now }).where('id', '=', id).execute(),

    async deleteExpired(now: number) {
      await tables.deleteFrom('sessions').where('expires_at', '<', now).execute();
      await tables.deleteFrom('tickets').where('expires_at', '<', now).execute();
    },
  };
}

export type AccountStore = ReturnType<typeof accountStore>;
