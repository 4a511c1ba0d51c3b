import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import { AppError } from '@terrarium/contract';
import type { Accounts, Principal } from './accounts.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface Door {
  /** Origin that this cookie lives on: http://localhost:4280 or http://<workspace-id>.localhost:4280. */
  readonly origin: string;
  readonly cookieName: string;
  /** Null for the app. */
  readonly workspaceId: string | null;
}

/** Name of the session cookie on an origin: bound to the host where the connection is encrypted. */
export function sessionCookieName(origin: string): string {
  return origin.startsWith('https:') ? '__Host-terrarium' : 'terrarium';
}

/**
 * Who sends this request, by bearer token or by the session cookie of the door it came through. With a cookie, an
 * unsafe method or a WebSocket must come from the door's own origin.
 * @returns null when nobody is signed in
 * @throws AppError OriginRefused
 */
export async function authenticate(
  accounts: Accounts,
  request: IncomingMessage,
  door: Door | null,
): Promise<Principal | null> {
  const token = bearerToken(request);
  if (token !== null) return accounts.principalOfToken(token);
  if (door === null) return null;
  const secret = parseCookie(request.headers.cookie ?? '')[door.cookieName];
  if (secret === undefined || secret === '') return null;
  const principal = await accounts.principalOfSession(secret, door.workspaceId);
  if (principal !== null) requireOrigin(request, door);
  return principal;
}

/** The secret of an `Authorization: Bearer` or (as Jupyter clients send it) `token` header. */
export function bearerToken(request: IncomingMessage): string | null {
  const match = /^(?:bearer|token)\s+(\S{1,512})$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

function requireOrigin(request: IncomingMessage, door: Door): void {
  const isUpgrade = request.headers.upgrade !== undefined;
  if (safeMethods.has(request.method ?? '') && !isUpgrade) return;
  // Browsers send Origin with every unsafe request and every WebSocket; its absence means it is not one of our pages.
  if (request.headers.origin === door.origin) return;
  throw new AppError('OriginRefused', 'This request came from another site, so it was refused.');
}
