import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { AppError, errorStatus } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import { sessionCookieName } from '../accounts/authenticate.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { agentRoute, isAgentSocket } from '../kernels/agent-routes.ts';
import type { DoorSocket } from '../kernels/door-socket.ts';
import { admit, type Visitor } from '../kernels/visitor.ts';
import type { Log } from '../plumbing/log.ts';
import type { Access } from '../workspaces/access.ts';
import { joinAgentSocket, keepLively } from './agent-sockets.ts';
import {
  answerError,
  answerJson,
  answerSentence,
  dataHeaders,
  doorHeaders,
  errorBody,
  fileHeaders,
  isNavigation,
  redirect,
  refuseUpgrade,
  told,
} from './answers.ts';
import { createSplitter, type Destination } from './destination.ts';
import { createLiveSockets } from './live-sockets.ts';
import { createOpening } from './opening.ts';
import { withoutToken, type Place } from './visitors.ts';
import type { WorkspaceDoor } from './workspace-door.ts';

export interface Gateway {
  readonly server: http.Server;
  /** Readies both Fastify instances, then listens. */
  listen(options: { host: string; port: number }): Promise<AddressInfo>;
  /** Call after a right was taken away by another way than the app's API: it holds at once, for open sockets too. */
  forget(): void;
  /** Stops listening, lets requests under way end for `graceMs`, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

/**
 * The one HTTP server: splits by host and path before Fastify sees request or upgrade.
 * INVARIANTS: nothing at a workspace's door is answered before its visitor is admitted, except the signing in itself
 * and JupyterLab's own files; a WebSocket that nobody claims is refused.
 * @param publicUrl  origin of the app; workspaces are its subdomains
 */
export function createGateway(options: {
  publicUrl: string;
  accounts: Accounts;
  access: Access;
  app: FastifyInstance;
  door: WorkspaceDoor;
  /** WebSockets of the door that other parts of the control plane answer. */
  sockets?: readonly DoorSocket[];
  log: Log;
}): Gateway {
  const { publicUrl, app, door, log } = options;
  const { visitors, agents, agentRequests } = door;
  const sockets = [...door.sockets, ...(options.sockets ?? [])];
  const cookieName = sessionCookieName(publicUrl);
  const { protocol, host } = new URL(publicUrl);
  const opening = createOpening(options);
  const live = createLiveSockets(visitors, log);
  const server = http.createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveTimeout: 65_000,
    headersTimeout: 20_000,
    // An upload may take its time; a socket without a byte either way is ended by `timeout`.
    requestTimeout: 0,
    maxHeaderSize: 16 * 1024,
    // Offers of other protocols, such as h2c, are no upgrade here: the request is answered as it is.
    shouldUpgradeCallback: (request) => (request.headers.upgrade ?? '').toLowerCase() === 'websocket',
  });
  server.timeout = 600_000;
  const listeningPort = () => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  };
  const split = createSplitter(publicUrl, listeningPort);

  const forget = () => {
    visitors.forget();
    live.recheck();
  };
  function placeOf(destination: Destination & { to: 'workspace' | 'programs' }): Place {
    if (destination.to === 'programs') return { kind: 'programs', ...destination };
    const { workspaceId } = destination;
    return { kind: 'origin', door: { origin: `${protocol}//${workspaceId}.${host}`, cookieName, workspaceId } };
  }

  async function answerApp(request: IncomingMessage, response: ServerResponse, isPublicHost: boolean): Promise<void> {
    const url = request.url ?? '/';
    // The app's cookie and links live on one host name; a browser that came by another is sent there.
    if (!isPublicHost && isNavigation(request)) redirect(response, publicUrl + url);
    else if (url.startsWith('/door/') && request.method === 'GET') await opening.sendThrough(request, response, url);
    else {
      if (request.method !== 'GET' && request.method !== 'HEAD') forgetBeforeAnswer(response);
      app.routing(request, response);
    }
  }

  /** A change through the app may end a right; that holds before its sender hears that it was made. */
  function forgetBeforeAnswer(response: ServerResponse): void {
    const writeHead = response.writeHead;
    response.writeHead = ((...args: Parameters<typeof writeHead>) => {
      forget();
      return writeHead.apply(response, args);
    }) as typeof writeHead;
  }

  function answerDoor(request: IncomingMessage, response: ServerResponse, place: Place, url: string): void {
    const path = pathOf(url);
    if (place.kind === 'origin') {
      if (path === '/open') {
        opening.redeem(request, response, place.door, url).catch((error: unknown) => {
          failed(response, error);
        });
        return;
      }
      // The same for everyone, and wanted before anyone is known.
      if (path.startsWith('/static/') || path === '/favicon.ico') {
        toDoor(request, response, place, url, path);
        return;
      }
    }
    const visitor = visitors.remembered(request, place);
    const route = agentRoute(request.method ?? '', path);
    if (visitor !== undefined && route !== null) {
      agentRequests.send(visitor, route, request, response, withoutToken(url));
      return;
    }
    (visitor === undefined ? visitors.admit(request, place) : Promise.resolve(visitor))
      .then((admitted) => {
        if (response.destroyed) return;
        if (route !== null) {
          agentRequests.send(admitted, route, request, response, withoutToken(url));
          return;
        }
        admit(request, admitted);
        toDoor(request, response, place, url, path);
      })
      .catch((error: unknown) => {
        const reason = told(error);
        if (place.kind === 'origin' && isNavigation(request) && reason.code !== 'Internal') {
          if (reason.code === 'NotSignedIn') redirect(response, opening.signInUrl(place.door.workspaceId, url));
          else answerSentence(response, reason, publicUrl);
          return;
        }
        failed(response, error);
      });
  }

  function toDoor(request: IncomingMessage, response: ServerResponse, place: Place, url: string, path: string): void {
    let headers = place.kind === 'programs' ? dataHeaders : doorHeaders;
    if (place.kind === 'origin' && path.startsWith('/files/')) headers = fileHeaders;
    for (let at = 0; at + 1 < headers.length; at += 2) response.setHeader(headers[at] ?? '', headers[at + 1] ?? '');
    request.url = withoutToken(url);
    door.routes.routing(request, response);
  }

  function failed(response: ServerResponse, error: unknown): void {
    const reason = told(error);
    if (reason.code === 'Internal') log.error({ err: error }, 'gateway: a request failed');
    answerError(response, reason);
  }

  /** A socket to a kernel or a terminal wakes an environment that sleeps. */
  async function agentOf(visitor: Visitor, socket: Duplex): Promise<AgentDoor | null> {
    const agent = agents.remembered(visitor) ?? (await agents.find(visitor));
    if (agent !== null || (await agents.sleeping(visitor)) === null) return agent;
    const abort = new AbortController();
    socket.once('close', () => {
      abort.abort();
    });
    return agents.start(visitor, abort.signal);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const destination = split(request.headers.host, request.url ?? '');
    if (destination.to === 'nowhere') throw new AppError('NotFound', destination.message);
    if (destination.to === 'app') throw new AppError('NotFound', 'There is no WebSocket here.');
    const place = placeOf(destination);
    const visitor = await visitors.admit(request, place);
    const url = withoutToken(destination.url);
    const path = pathOf(url);
    const own = sockets.find((candidate) => candidate.matches(path));
    if (own === undefined && !isAgentSocket(path)) throw new AppError('NotFound', 'There is no WebSocket here.');
    const permission = own?.permission ?? 'compute';
    await visitors.requireRight(visitor, permission);
    const agent = own === undefined ? await agentOf(visitor, socket) : null;
    if (own === undefined && agent === null) {
      const absence = await agents.absence(visitor);
      // A client that hears 404 knows that the kernel is gone; one that hears 503 tries again.
      throw absence.code === 'EnvironmentNotReady'
        ? new AppError('DriverUnavailable', absence.message)
        : new AppError('NotFound', absence.message);
    }
    if (socket.destroyed) return;
    keepLively(socket);
    live.add(socket, request, place, permission);
    if (own !== undefined) own.accept(visitor, request, socket, head);
    else if (agent !== null) {
      joinAgentSocket({
        agent,
        request,
        client: socket,
        head,
        url,
        joined: (part) => {
          live.partWith(socket, part);
        },
        used: () => {
          agents.noteUse(agent);
        },
        refuse: (error) => {
          if (error.code === 'DriverUnavailable') agents.forget(visitor);
          refuseUpgrade(socket, errorStatus[error.code], errorBody(error));
        },
      });
    }
  }

  server.on('request', (request, response) => {
    response.on('error', () => undefined);
    const destination = split(request.headers.host, request.url ?? '');
    switch (destination.to) {
      case 'nowhere':
        answerJson(response, destination.status, errorBody(new AppError('NotFound', destination.message)), dataHeaders);
        return;
      case 'app':
        answerApp(request, response, destination.isPublicHost).catch((error: unknown) => {
          failed(response, error);
        });
        return;
      case 'workspace':
      case 'programs':
        answerDoor(request, response, placeOf(destination), destination.url);
    }
  });

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    upgrade(request, socket, head).catch((error: unknown) => {
      const reason = told(error);
      if (reason.code === 'Internal') log.error({ err: error }, 'gateway: a WebSocket failed');
      refuseUpgrade(socket, errorStatus[reason.code], errorBody(reason));
    });
  });

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    refuseUpgrade(socket, status, JSON.stringify({ message: 'The request is not valid HTTP.', code: 'InvalidInput' }));
  });

  return {
    server,
    forget,
    async listen(where) {
      await Promise.all([app.ready(), door.routes.ready()]);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(where, () => {
          server.off('error', reject);
          resolve();
        });
      });
      // Listening on a host and port, so the address is not a path.
      return server.address() as AddressInfo;
    },
    async close(graceMs = 2000) {
      live.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeIdleConnections();
      const cut = setTimeout(() => {
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
