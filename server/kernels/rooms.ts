import type { FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import { authorOf } from '../accounts/author.ts';
import { isNotebookKey } from '../bucket/buckets.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import { isPlaygroundKey, mayUsePlayground } from '../documents/playground-key.ts';
import type { Joining } from '../documents/room-member.ts';
import type { EventBus } from '../plumbing/events.ts';
import type { Log } from '../plumbing/log.ts';
import { isAllowed, type Access, type WorkspaceAccess } from '../workspaces/access.ts';
import type { DoorSocket } from './door-socket.ts';
import { visitorOf, type Visitor } from './visitor.ts';

const roomPath = /^\/api\/collaboration\/room\/json:notebook:([a-z0-9]{1,40})$/;
/** A cell's outputs may be large, and a client that was away sends all of its edits at once. */
const mostMessageBytes = 256 * 1024 ** 2;
const recheckMs = 10_000;

const SessionRequest = z.looseObject({ format: z.string().optional(), type: z.string().optional() });

/**
 * Where JupyterLab meets live documents.
 * @see jupyter_server_ydoc, PUT /api/collaboration/session and /api/collaboration/room
 */
export function createRooms(deps: {
  documents: LiveDocuments;
  access: Pick<Access, 'workspaceById'>;
  events: EventBus;
  log: Log;
}): {
  socket: DoorSocket;
  routes(door: FastifyInstance): void;
  close(): void;
} {
  const { documents, access, events, log } = deps;
  const server = new WebSocketServer({ noServer: true, maxPayload: mostMessageBytes, perMessageDeflate: false });

  async function join(visitor: Visitor, documentId: string, query: URLSearchParams, joining: Joining): Promise<void> {
    const { workspace } = visitor.access;
    const room = { documentId, sessionId: query.get('sessionId') ?? '' };
    const isIn = await documents.join(workspace, room, joining);
    if (isIn) return;
    const reason = { reason: 'unknown_session', sessionId: room.sessionId, reloadable: true };
    joining.socket.close(1003, JSON.stringify(reason));
  }

  /**
   * Rights can be taken away while somebody is connected. INVARIANT: from the event that says that rights have changed
   * until they have been read, nothing that the client sends is taken. The timer is for what no event tells.
   */
  function keepRights(visitor: Visitor, joining: Joining): { check(): Promise<boolean>; begin(): void } {
    const { principal, access: held } = visitor;
    const { socket } = joining;
    let checks = 0;
    let latest = 0;
    let hasBegun = false;
    const listen = (): void => {
      if (hasBegun && checks === 0) socket.resume();
    };
    const check = async (): Promise<boolean> => {
      const turn = ++latest;
      checks += 1;
      socket.pause();
      try {
        const now = await access.workspaceById(principal.account.id, held.workspace.id, 'read');
        if (turn === latest) Object.assign(joining, rightsOf(now));
        return true;
      } catch {
        Object.assign(joining, { canWrite: false, canCompute: false });
        socket.close(4403, 'You cannot see this workspace any more.');
        return false;
      } finally {
        checks -= 1;
        listen();
      }
    };
    const timer = setInterval(() => void check(), recheckMs);
    timer.unref();
    const unsubscribe = events.subscribe(({ event }) => {
      if (event.kind === 'workspace' && event.workspaceId === held.workspace.id) void check();
    });
    socket.once('close', () => {
      clearInterval(timer);
      unsubscribe();
    });
    return {
      check,
      begin() {
        hasBegun = true;
        listen();
      },
    };
  }

  return {
    socket: {
      matches: (path) => roomPath.test(decodedPath(path)),
      permission: 'read',
      accept(visitor, request, socket, head) {
        const url = new URL(request.url ?? '/', 'http://door');
        const documentId = roomPath.exec(withoutBase(decodedPath(url.pathname), visitor.basePath))?.[1] ?? '';
        server.handleUpgrade(request, socket, head, (client) => {
          const joining: Joining = {
            socket: client,
            author: authorOf(visitor.principal.account),
            isOurs: url.searchParams.get('terrarium') === '1',
            ...rightsOf(visitor.access),
          };
          // Nothing is read before the room listens, and nothing is lost: it waits in the socket.
          client.pause();
          client.on('error', () => {
            client.terminate();
          });
          const rights = keepRights(visitor, joining);
          // What the visitor was let in by may have changed since.
          rights
            .check()
            .then((maySee) => (maySee ? join(visitor, documentId, url.searchParams, joining) : undefined))
            .catch((error: unknown) => {
              if (!(error instanceof AppError)) log.error({ err: error }, 'a room could not be joined');
              client.close(error instanceof AppError && error.code === 'NotFound' ? 4404 : 4500, sentenceOf(error));
            })
            .finally(() => {
              rights.begin();
            });
        });
      },
    },

    routes(door) {
      door.put('/api/collaboration/session/*', async (request, reply) => {
        const visitor = visitorOf(request.raw);
        const { format, type } = SessionRequest.parse(request.body ?? {});
        const key = decodeURIComponent((request.params as { '*': string })['*']).replace(/^\/+/, '');
        if (type !== 'notebook' || (format ?? 'json') !== 'json' || !isNotebookKey(key)) {
          throw new AppError('NotFound', 'Only notebooks below "notebooks/" are live documents.');
        }
        await requireOwnPlayground(documents, visitor, key);
        const { documentId, sessionId } = await documents.session(visitor.access.workspace, key);
        return reply.send({ format: 'json', type: 'notebook', fileId: documentId, sessionId });
      });
    },

    close() {
      server.close();
    },
  };
}

async function requireOwnPlayground(documents: LiveDocuments, visitor: Visitor, key: string): Promise<void> {
  if (!isPlaygroundKey(key)) return;
  const { access, principal } = visitor;
  if (mayUsePlayground(await documents.playgroundOwner(access.workspace, key), principal.account.id)) return;
  throw new AppError('NotFound', 'There is no such playground, or it is not yours.');
}

function rightsOf(access: WorkspaceAccess): { canWrite: boolean; canCompute: boolean } {
  return { canWrite: isAllowed(access, 'write'), canCompute: isAllowed(access, 'compute') };
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function withoutBase(path: string, base: string): string {
  return base !== '' && path.startsWith(base) ? path.slice(base.length) : path;
}

function sentenceOf(error: unknown): string {
  // A close frame carries at most 123 bytes.
  return (error instanceof AppError ? error.message : 'The notebook could not be opened.').slice(0, 100);
}
