import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import { AppError } from '@terrarium/contract';
import type { Accounts, Principal } from '../accounts/accounts.ts';
import { authenticate, bearerToken, type Door } from '../accounts/authenticate.ts';
import type { Visitor } from '../kernels/visitor.ts';
import type { Clock } from '../plumbing/clock.ts';
import { isAllowed, type Access, type Permission } from '../workspaces/access.ts';

/** Which workspace's door a request stands at, and what it may be opened with. */
export type Place =
  | { readonly kind: 'origin'; readonly door: Door & { readonly workspaceId: string } }
  /** On the app's origin a cookie never counts: a page there could be made to send it. */
  | { readonly kind: 'programs'; readonly namespace: string; readonly name: string; readonly basePath: string };

export interface Visitors {
  /**
   * Who stands at the door: at least a reader of the workspace.
   * @throws AppError NotSignedIn, OriginRefused, NotFound (must not be seen)
   */
  admit(request: IncomingMessage, place: Place): Promise<Visitor>;
  /** The same from memory alone, for the path that every byte takes; undefined when it has to be looked up. */
  remembered(request: IncomingMessage, place: Place): Visitor | undefined;
  /** @throws AppError NotAllowed with a sentence */
  requireRight(visitor: Visitor, permission: Permission): Promise<void>;
  /** Call after anything that may have taken a right away. */
  forget(): void;
}

const rememberedMs = 2000;
const keptVisitors = 2000;
const signInNeeded = 'You are not signed in to this workspace. Open it again from Terrarium.';
const tokenNeeded = 'A token is needed here: send it as "Authorization: Bearer <token>".';
const tokenUnknown = 'That token is not valid. Make a new one in Terrarium, under your account.';

/**
 * INVARIANT: what was looked up before a `forget` is never remembered after it, so that a right that was taken away
 * is gone with the answer that says so.
 */
export function createVisitors(options: { accounts: Accounts; access: Access; clock: Clock }): Visitors {
  const { accounts, access, clock } = options;
  const kept = new Map<string, { visitor: Visitor; until: number }>();
  let generation = 0;

  async function principalAt(request: IncomingMessage, place: Place, token: string | null): Promise<Principal> {
    if (token !== null) {
      const principal = await accounts.principalOfToken(token);
      if (principal === null) throw new AppError('NotSignedIn', tokenUnknown);
      return principal;
    }
    const principal = place.kind === 'origin' ? await authenticate(accounts, request, place.door) : null;
    if (principal === null) throw new AppError('NotSignedIn', place.kind === 'origin' ? signInNeeded : tokenNeeded);
    return principal;
  }

  return {
    remembered(request, place) {
      const key = keyOf(request, place);
      if (key === null) return undefined;
      const entry = kept.get(key);
      return entry !== undefined && entry.until > clock.now() ? entry.visitor : undefined;
    },
    async admit(request, place) {
      const startedIn = generation;
      const token = tokenOf(request, place);
      const principal = await principalAt(request, place, token);
      const accountId = principal.account.id;
      const visitor: Visitor = {
        principal,
        access:
          place.kind === 'origin'
            ? await access.workspaceById(accountId, place.door.workspaceId, 'read')
            : await access.workspace(accountId, place.namespace, place.name, 'read'),
        isProgram: token !== null,
        basePath: place.kind === 'origin' ? '' : place.basePath,
      };
      const key = keyOf(request, place);
      if (key !== null && startedIn === generation) {
        if (kept.size >= keptVisitors) kept.clear();
        kept.set(key, { visitor, until: clock.now() + rememberedMs });
      }
      return visitor;
    },
    async requireRight({ principal, access: held }, permission) {
      if (!isAllowed(held, permission)) await access.workspaceById(principal.account.id, held.workspace.id, permission);
    },
    forget() {
      generation += 1;
      kept.clear();
    },
  };
}

/**
 * Null where nothing may be remembered: with a cookie, an unsafe method or a WebSocket has its Origin checked, which
 * only a full look does.
 */
function keyOf(request: IncomingMessage, place: Place): string | null {
  const where = place.kind === 'origin' ? place.door.workspaceId : `${place.namespace}/${place.name}`;
  const token = tokenOf(request, place);
  if (token !== null) return `${where}\ntoken\n${token}`;
  if (place.kind === 'programs' || request.headers.authorization !== undefined) return null;
  const isSafe = request.method === 'GET' || request.method === 'HEAD';
  if (!isSafe || request.headers.upgrade !== undefined || request.headers.cookie === undefined) return null;
  const secret = parseCookie(request.headers.cookie)[place.door.cookieName];
  return secret === undefined || secret === '' ? null : `${where}\ncookie\n${secret}`;
}

/**
 * The token, from the header or, as browsers' WebSockets and VS Code send it, from the query. On a workspace's own
 * origin the query counts for WebSockets alone, so that a link cannot show one person's pages to another.
 */
function tokenOf(request: IncomingMessage, place: Place): string | null {
  const fromHeader = bearerToken(request);
  if (fromHeader !== null) return fromHeader;
  const url = request.url ?? '';
  if (!url.includes('?') || (place.kind === 'origin' && request.headers.upgrade === undefined)) return null;
  const token = new URLSearchParams(url.slice(url.indexOf('?'))).get('token');
  // A program in an environment may have tokens of its own.
  return place.kind === 'origin' && url.startsWith('/proxy/') && !isOurToken(token) ? null : token;
}

function isOurToken(token: string | null): boolean {
  return token?.startsWith('trm_') === true;
}

/** For a program in an environment: the address without a token of ours, with one of the program's own. */
export function withoutOurToken(url: string): string {
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '');
  return [...query.values()].some(isOurToken) ? withoutToken(url) : url;
}

/** The address without its token, in whatever way that name is escaped. */
export function withoutToken(url: string): string {
  const start = url.indexOf('?');
  if (start === -1) return url;
  const kept = url
    .slice(start + 1)
    .split('&')
    .filter((pair) => !new URLSearchParams(pair.split('=', 1)[0]).has('token'));
  return kept.length === 0 ? url.slice(0, start) : `${url.slice(0, start)}?${kept.join('&')}`;
}
