import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringifySetCookie } from 'cookie';
import { AppError } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import { authenticate, sessionCookieName, type Door } from '../accounts/authenticate.ts';
import type { Access } from '../workspaces/access.ts';
import { answerSentence, redirect, told } from './answers.ts';
import { doorUrl, labPath, safeNext } from './door-link.ts';

/**
 * Carries a sign-in from the app to a workspace's own origin: the app makes a one-use ticket, the workspace trades it
 * for a cookie of its own.
 */
export function createOpening(options: { publicUrl: string; accounts: Accounts; access: Access }) {
  const { publicUrl, accounts, access } = options;
  const cookieName = sessionCookieName(publicUrl);
  const appDoor: Door = { origin: publicUrl, cookieName, workspaceId: null };

  return {
    /** `GET /door/{workspaceId}?next=` on the app: a page of a workspace that found nobody signed in sends people here. */
    async sendThrough(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
      const { pathname, searchParams } = new URL(url, publicUrl);
      const workspaceId = pathname.slice('/door/'.length);
      const next = searchParams.get('next');
      try {
        const principal = await authenticate(accounts, request, appDoor);
        if (principal === null) {
          // Back here once they are: the app's sign-in goes on to `next`.
          redirect(response, `${publicUrl}/signin?${new URLSearchParams({ next: url }).toString()}`);
          return;
        }
        const { workspace } = await access.workspaceById(principal.account.id, workspaceId, 'read');
        const ticket = await accounts.createDoorTicket(principal, workspace.id);
        redirect(response, doorUrl(publicUrl, workspace.id, ticket, safeNext(next).slice(1)));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        answerSentence(response, error, publicUrl);
      }
    },

    /** `GET /open?ticket=&next=` on a workspace's origin. */
    async redeem(
      request: IncomingMessage,
      response: ServerResponse,
      door: Door & { readonly workspaceId: string },
      url: string,
    ): Promise<void> {
      const { searchParams } = new URL(url, door.origin);
      try {
        // A program that only looks (HEAD) must not use the ticket up.
        if (request.method !== 'GET') throw new AppError('NotFound', 'This link is opened with GET.');
        const ticket = searchParams.get('ticket') ?? '';
        const { session } = await accounts.redeemTicket(ticket.slice(0, 200), door.workspaceId);
        const cookie = stringifySetCookie({
          name: cookieName,
          value: session.secret,
          path: '/',
          httpOnly: true,
          sameSite: 'lax',
          secure: cookieName.startsWith('__Host-'),
          expires: new Date(session.expiresAt),
        });
        redirect(response, safeNext(searchParams.get('next')), ['set-cookie', cookie]);
      } catch (error) {
        const reason = told(error);
        if (reason.code === 'Internal') throw error;
        answerSentence(response, reason, publicUrl);
      }
    },

    /** Where to send a person whose page in a workspace found nobody signed in. */
    signInUrl(workspaceId: string, url: string): string {
      const next = labPath(url) ?? '/lab';
      return `${publicUrl}/door/${workspaceId}?${new URLSearchParams({ next: next.slice(1) }).toString()}`;
    },
  };
}
