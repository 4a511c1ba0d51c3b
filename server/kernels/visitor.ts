import type { IncomingMessage } from 'node:http';
import type { Principal } from '../accounts/accounts.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';

/** Someone at a workspace's door whom the gateway has let in: at least a reader of the workspace. */
export interface Visitor {
  readonly principal: Principal;
  readonly access: WorkspaceAccess;
  /** A program holds a token; a browser holds the cookie of the workspace's own origin. */
  readonly isProgram: boolean;
  /** What the door strips from paths and answers put back: '' or /jupyter/{namespace}/{name}. */
  readonly basePath: string;
}

const visitors = new WeakMap<IncomingMessage, Visitor>();

/** Only the gateway calls this, before the door's routes see the request. */
export function admit(request: IncomingMessage, visitor: Visitor): void {
  visitors.set(request, visitor);
}

/**
 * Who sends this request to the door.
 * @throws Error when the request did not come through the gateway, so that no route answers a stranger by mistake
 */
export function visitorOf(request: IncomingMessage): Visitor {
  const visitor = visitors.get(request);
  if (visitor === undefined) throw new Error('A request reached the workspace door without passing the gateway.');
  return visitor;
}
