import * as z from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { PersonName } from '../names.ts';
import { Account, Token } from '../resources.ts';

export const accountsEndpoints = {
  getSession: {
    method: 'GET',
    path: '/api/session',
    tag: 'Accounts',
    summary: 'The account that is signed in',
    response: Account,
  },
  createSession: {
    method: 'POST',
    path: '/api/session',
    tag: 'Accounts',
    summary: 'Sign in with e-mail and password, or with a one-use ticket',
    isPublic: true,
    body: z.union(
      [
        z.strictObject({ email: z.string().max(254), password: z.string().max(1024) }),
        z.strictObject({ ticket: z.string().max(200) }),
      ],
      'Give an e-mail address and a password.',
    ),
    response: Account,
  },
  deleteSession: {
    method: 'DELETE',
    path: '/api/session',
    tag: 'Accounts',
    summary: 'Sign out, of every workspace too',
    status: 204,
  },
  updateAccount: {
    method: 'PATCH',
    path: '/api/account',
    tag: 'Accounts',
    summary: 'Change your name, as others see it',
    body: z.strictObject({ name: PersonName }),
    response: Account,
  },
  setPassword: {
    method: 'PUT',
    path: '/api/account/password',
    tag: 'Accounts',
    summary: 'Set a password; other sessions end',
    body: z.strictObject({ password: z.string().min(10, 'A password has at least 10 characters.').max(1024) }),
    status: 204,
  },
  listTokens: {
    method: 'GET',
    path: '/api/tokens',
    tag: 'Accounts',
    summary: 'API tokens of the account',
    response: z.array(Token),
  },
  createToken: {
    method: 'POST',
    path: '/api/tokens',
    tag: 'Accounts',
    summary: 'Create an API token; its secret is shown once',
    body: z.strictObject({ label: z.string().trim().min(1, 'A token needs a label.').max(100) }),
    response: Token.extend({ secret: z.string() }),
    status: 201,
  },
  deleteToken: {
    method: 'DELETE',
    path: '/api/tokens/{id}',
    tag: 'Accounts',
    summary: 'Revoke an API token',
    params: z.object({ id: z.string() }),
    status: 204,
  },
} as const satisfies Record<string, Endpoint>;
