import { hash, verify } from '@node-rs/argon2';
import { AppError, type Account, type Token } from '@terrarium/contract';
import { isoMoment, isoMomentOrNull, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import { newId, newSecret, secretHash } from '../plumbing/ids.ts';
import { accountStore, type AccountRow, type AccountStore, type TicketRow, type TokenRow } from './store.ts';

/** Who asks, and how they proved it. */
export interface Principal {
  readonly account: Account;
  readonly via:
    { readonly kind: 'token'; readonly tokenId: string } | { readonly kind: 'session'; readonly sessionId: string };
}

const sessionMs = 30 * 24 * 3_600_000;
const signInTicketMs = 3_600_000;
const doorTicketMs = 60_000;
const touchEveryMs = 60_000;

const signInProblem = 'That e-mail address and password do not belong together.';

export type Accounts = ReturnType<typeof createAccounts>;

/**
 * Accounts and the ways to prove to be one: password, session cookie, one-use ticket, API token.
 * INVARIANT: an invitation signs in to an account that nobody has signed in to before, and to no other. The first
 * sign-in ends every other invitation to the account, in the same transaction.
 */
export function createAccounts(options: {
  database: Database;
  clock: Clock;
  /**
   * Workspaces belong to a later noun: lets the account into those that its inviter can let it into at this moment.
   * @returns what is to be done once that is written; null when there are none, and the invitation is good for nothing
   */
  acceptInvitation: (
    inside: Database,
    invitation: { accountId: string; inviterId: string },
  ) => Promise<(() => void) | null>;
  /** Tells those who see the account's name. */
  renamed: (accountId: string) => Promise<void>;
}) {
  const { database, clock } = options;
  const store = accountStore(database);

  async function sessionFor(
    ticket: { accountId: string; parentId: string | null; workspaceId: string | null },
    to: AccountStore = store,
  ) {
    const secret = newSecret();
    const now = clock.now();
    const id = newId();
    await to.insertSession({
      secret_hash: secretHash(secret),
      id,
      account_id: ticket.accountId,
      parent_id: ticket.parentId,
      workspace_id: ticket.workspaceId,
      created_at: now,
      expires_at: now + sessionMs,
    });
    return { id, secret, expiresAt: now + sessionMs };
  }

  /** Uses the ticket where it is good, here and now. @returns what is to be done once that is written, or null */
  async function use(row: TicketRow, workspaceId: string | null, inside: Database): Promise<(() => void) | null> {
    if (row.expires_at < clock.now() || row.workspace_id !== workspaceId) return null;
    if (row.inviter_id === null) return () => undefined;
    const write = accountStore(inside);
    if ((await write.accountById(row.account_id))?.is_pending !== 1) return null;
    const invitation = { accountId: row.account_id, inviterId: row.inviter_id };
    const accepted = await options.acceptInvitation(inside, invitation);
    if (accepted !== null) await write.settle(row.account_id);
    return accepted;
  }

  async function principalOfSession(secret: string, workspaceId: string | null): Promise<Principal | null> {
    const session = await store.sessionByHash(secretHash(secret));
    // A workspace's cookie opens that workspace alone, and never the app.
    if (session === undefined || session.expires_at < clock.now() || session.workspace_id !== workspaceId) return null;
    const account = await store.accountById(session.account_id);
    return account === undefined
      ? null
      : { account: toAccount(account), via: { kind: 'session', sessionId: session.id } };
  }

  return {
    /** The person whose installation this is, made at the first start. */
    async ensureOwner(owner: { email: string; name: string }): Promise<Account> {
      const existing = await store.firstOperator();
      if (existing !== undefined) return toAccount(existing);
      const row: AccountRow = {
        id: newId(),
        email: owner.email.toLowerCase(),
        name: owner.name,
        password_hash: null,
        is_operator: 1,
        is_pending: 0,
        created_at: clock.now(),
      };
      await store.insertAccount(row);
      return toAccount(row);
    },

    async get(accountId: string): Promise<Account | null> {
      const row = await store.accountById(accountId);
      return row === undefined ? null : toAccount(row);
    },

    /** The addresses of many, by account; who is not there any more has none. */
    async emailsOf(accountIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
      return new Map((await store.emailsOf(accountIds)).map(({ id, email }) => [id, email]));
    },

    /** A one-use secret that signs in to the app, for the link printed at start. */
    async createSignInTicket(accountId: string): Promise<string> {
      const secret = newSecret();
      await store.insertTicket({
        secret_hash: secretHash(secret),
        account_id: accountId,
        parent_id: null,
        workspace_id: null,
        inviter_id: null,
        expires_at: clock.now() + signInTicketMs,
      });
      return secret;
    },

    /** A one-use secret that carries the sign-in to a workspace's own origin, good for a minute. */
    async createDoorTicket(principal: Principal, workspaceId: string): Promise<string> {
      const secret = newSecret();
      await store.insertTicket({
        secret_hash: secretHash(secret),
        account_id: principal.account.id,
        parent_id: principal.via.kind === 'session' ? principal.via.sessionId : null,
        workspace_id: workspaceId,
        inviter_id: null,
        expires_at: clock.now() + doorTicketMs,
      });
      return secret;
    },

    /**
     * Trades a ticket for a session of the same scope: the app (`workspaceId` null) or one workspace.
     * @returns the session's secret, for a cookie
     * @throws AppError NotSignedIn  used, expired, or for another place
     */
    async redeemTicket(ticket: string, workspaceId: string | null) {
      // Taking it, accepting it and signing in are one: a crash in between leaves the ticket as it was.
      const signedIn = await database.transaction(async (inside) => {
        const write = accountStore(inside);
        const row = await write.takeTicket(secretHash(ticket));
        const used = row === undefined ? null : await use(row, workspaceId, inside);
        if (row === undefined || used === null) return null;
        const account = await write.accountById(row.account_id);
        if (account === undefined) return null;
        const session = await sessionFor({ accountId: row.account_id, parentId: row.parent_id, workspaceId }, write);
        return { account: toAccount(account), session, used };
      });
      // What is no longer good is used up as well, so this is told once that is written.
      if (signedIn === null) {
        throw new AppError(
          'NotSignedIn',
          workspaceId === null
            ? 'This link has been used, or does not hold any more. Ask the person who gave it to you for a new one; on the machine itself, start Terrarium again (npm start).'
            : 'This link has been used or is too old. Open the notebook again from the workspace.',
        );
      }
      const { used, ...answer } = signedIn;
      used();
      return answer;
    },

    /** @throws AppError NotSignedIn */
    async signIn(email: string, password: string) {
      const account = await store.accountByEmail(email);
      const isRight =
        account?.password_hash != null && (await verify(account.password_hash, password).catch(() => false));
      if (account === undefined || !isRight) throw new AppError('NotSignedIn', signInProblem);
      return {
        account: toAccount(account),
        session: await sessionFor({ accountId: account.id, parentId: null, workspaceId: null }),
      };
    },

    /** Ends the session and those of every workspace it opened. */
    signOut: (sessionId: string) => store.deleteSession(sessionId),

    async setName({ account }: Principal, name: string): Promise<Account> {
      await store.setName(account.id, name);
      await options.renamed(account.id);
      return { ...account, name };
    },

    async setPassword(principal: Principal, password: string): Promise<void> {
      await store.setPasswordHash(principal.account.id, await hash(password));
      const keep = principal.via.kind === 'session' ? principal.via.sessionId : '';
      await store.deleteOtherSessions(principal.account.id, keep);
    },

    /** Who holds this session cookie of the app (`workspaceId` null) or of one workspace; null when nobody does. */
    principalOfSession,

    /** Who holds this API token; null when nobody does. */
    async principalOfToken(secret: string): Promise<Principal | null> {
      const token = await store.tokenByHash(secretHash(secret));
      if (token === undefined) return null;
      const account = await store.accountById(token.account_id);
      if (account === undefined) return null;
      const now = clock.now();
      if (token.last_used_at === null || now - token.last_used_at > touchEveryMs) {
        // Who asks is known; that the disk has no room to note when must not shut anyone out.
        await store.touchToken(token.id, now).catch((error: unknown) => {
          if (!(error instanceof AppError && error.code === 'StorageFull')) throw error;
        });
      }
      return { account: toAccount(account), via: { kind: 'token', tokenId: token.id } };
    },

    async createToken(accountId: string, label: string): Promise<Token & { secret: string }> {
      const secret = `trm_${newSecret()}`;
      const row: TokenRow = {
        id: newId(),
        secret_hash: secretHash(secret),
        account_id: accountId,
        label,
        created_at: clock.now(),
        last_used_at: null,
      };
      await store.insertToken(row);
      return { ...toToken(row), secret };
    },

    async listTokens(accountId: string): Promise<Token[]> {
      return (await store.tokensOf(accountId)).map(toToken);
    },

    async deleteToken(accountId: string, id: string): Promise<void> {
      if (!(await store.deleteToken(accountId, id))) throw new AppError('NotFound', 'There is no such token.');
    },

    /** Whether the session or token that someone came with still holds. */
    async isStillValid({ via }: Principal): Promise<boolean> {
      if (via.kind === 'token') return (await store.tokenById(via.tokenId)) !== undefined;
      const session = await store.sessionById(via.sessionId);
      return session !== undefined && session.expires_at >= clock.now();
    },

    sweep: () => store.deleteExpired(clock.now()),
  };
}

export function toAccount(row: AccountRow): Account {
  return { id: row.id, email: row.email, name: row.name, isOperator: row.is_operator === 1 };
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    label: row.label,
    createdAt: isoMoment(row.created_at),
    lastUsedAt: isoMomentOrNull(row.last_used_at),
  };
}
