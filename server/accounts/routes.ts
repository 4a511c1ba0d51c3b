import { stringifySetCookie } from 'cookie';
import type { FastifyReply } from 'fastify';
import { AppError } from '@terrarium/contract';
import type { Binder } from '../plumbing/http/bind.ts';
import type { Accounts, Principal } from './accounts.ts';
import { sessionCookieName } from './authenticate.ts';

export function accountRoutes(bind: Binder<Principal>, accounts: Accounts, appOrigin: string): void {
  const cookieName = sessionCookieName(appOrigin);

  bind.on('getSession', async ({ who }) => who.account);

  bind.on('createSession', async ({ body, reply, request }) => {
    // A page of another site must not be able to sign a browser in to an account of its choice.
    const { origin } = request.headers;
    if (origin !== undefined && origin !== appOrigin) {
      throw new AppError('OriginRefused', 'This request came from another site, so it was refused.');
    }
    const { account, session } =
      'ticket' in body
        ? await accounts.redeemTicket(body.ticket, null)
        : await accounts.signIn(body.email, body.password);
    setSessionCookie(reply, cookieName, session);
    return account;
  });

  bind.on('deleteSession', async ({ who, reply }) => {
    if (who.via.kind === 'session') await accounts.signOut(who.via.sessionId);
    setSessionCookie(reply, cookieName, { secret: '', expiresAt: 0 });
  });

  bind.on('updateAccount', ({ who, body }) => accounts.setName(who, body.name));

  bind.on('setPassword', async ({ who, body }) => {
    await accounts.setPassword(who, body.password);
  });

  bind.on('listTokens', ({ who }) => accounts.listTokens(who.account.id));
  bind.on('createToken', ({ who, body }) => accounts.createToken(who.account.id, body.label));
  bind.on('deleteToken', ({ who, params }) => accounts.deleteToken(who.account.id, params.id));
}

/** Hands the browser a session. Lax: a link from elsewhere opens the app; `requireOrigin` guards what changes things. */
export function setSessionCookie(
  reply: FastifyReply,
  name: string,
  session: { secret: string; expiresAt: number },
): void {
  void reply.header(
    'set-cookie',
    stringifySetCookie({
      name,
      value: session.secret,
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: name.startsWith('__Host-'),
      expires: new Date(session.expiresAt),
    }),
  );
}
