import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { AppError, errorStatus, type PriceTable } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import type { Availability } from '../environments/availability.ts';
import type { Environments } from '../environments/environments.ts';
import type { Sleepers } from '../environments/sleeping.ts';
import type { Images } from '../images/images.ts';
import { createAgents, type Agents } from '../kernels/agents.ts';
import type { DoorSocket } from '../kernels/door-socket.ts';
import { environmentControlRoutes } from '../kernels/environment-routes.ts';
import { createEventChannel } from '../kernels/event-channel.ts';
import { jupyterRoutes } from '../kernels/jupyter-routes.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { createLabFiles } from '../kernels/lab-files.ts';
import { createRooms } from '../kernels/rooms.ts';
import { labRoutes } from '../kernels/lab-routes.ts';
import { createLabSettings } from '../kernels/lab-settings.ts';
import { labStore } from '../kernels/store.ts';
import { doorPlaygroundRoutes } from '../kernels/playground-routes.ts';
import { visitorOf } from '../kernels/visitor.ts';
import type { Playgrounds } from '../notebooks/playgrounds.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { acceptEmptyJson } from '../plumbing/http/json-body.ts';
import type { Log } from '../plumbing/log.ts';
import type { Access } from '../workspaces/access.ts';
import { createAgentProxy } from './agent-proxy.ts';
import { createAgentRequests, type AgentRequests } from './agent-requests.ts';
import { told } from './answers.ts';
import type { EventStreams } from './event-stream.ts';
import { createVisitors, type Visitors } from './visitors.ts';

export interface WorkspaceDoor {
  /** Routes of the door that the control plane answers; more can be added until the gateway listens. */
  readonly routes: FastifyInstance;
  readonly visitors: Visitors;
  readonly agents: Agents;
  readonly agentRequests: AgentRequests;
  readonly sockets: readonly DoorSocket[];
  close(): Promise<void>;
}

const bodyLimit = 10 * 1024 ** 2;

/**
 * The workspace door: a Jupyter Server API and JupyterLab, for one workspace at a time. Requests come to `routes` from
 * the gateway alone, which has admitted their visitor.
 * @param labDirectory  where the lab's build is: lab/dist
 */
export function createWorkspaceDoor(options: {
  publicUrl: string;
  labDirectory: string;
  accounts: Accounts;
  access: Access;
  environments: Environments;
  availability: Availability;
  sleepers: Sleepers;
  images: Images;
  kernels: Kernels;
  documents: LiveDocuments;
  playgrounds: Playgrounds;
  prices: PriceTable;
  database: Database;
  events: EventBus;
  eventStreams: EventStreams;
  clock: Clock;
  log: Log;
}): WorkspaceDoor {
  const { accounts, access, environments, availability, sleepers, images, events, clock } = options;
  const visitors = createVisitors({ accounts, access, clock });
  const agents = createAgents({ environments, availability, sleepers, events, clock });
  const proxy = createAgentProxy();
  const agentRequests = createAgentRequests({ visitors, agents, proxy });
  const eventChannel = createEventChannel({ clock });
  const rooms = createRooms(options);
  const files = createLabFiles(options.labDirectory);
  const settings = createLabSettings({ store: labStore(options.database), files, clock });
  const routes = Fastify({ bodyLimit, routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2000 } });

  const maySee = (accountId: string, workspaceId: string): Promise<boolean> =>
    access.workspaceById(accountId, workspaceId, 'read').then(
      () => true,
      (error: unknown) => {
        if (error instanceof AppError) return false;
        throw error;
      },
    );

  answerAsJupyter(routes, options.log);
  jupyterRoutes(routes, {
    environments,
    images,
    agents,
    eventChannel,
    clock,
    forwardToAgent: agentRequests.forwardToAgent,
    askAgent: agentRequests.askAgent,
  });
  rooms.routes(routes);
  doorPlaygroundRoutes(routes, options);
  labRoutes(routes, { files, settings, publicUrl: options.publicUrl });
  environmentControlRoutes(routes, {
    ...options,
    streamEvents: (request, reply) => {
      const { principal, access: held } = visitorOf(request.raw);
      const workspaceId = held.workspace.id;
      options.eventStreams.open({
        request: request.raw,
        response: reply.raw,
        mayHear: async ({ event, accountId }) =>
          event.workspaceId === workspaceId &&
          (accountId === null || accountId === principal.account.id) &&
          maySee(principal.account.id, workspaceId),
        mayStay: async () => (await accounts.isStillValid(principal)) && maySee(principal.account.id, workspaceId),
      });
    },
  });

  return {
    routes,
    visitors,
    agents,
    agentRequests,
    sockets: [eventChannel.socket, rooms.socket],
    async close() {
      eventChannel.close();
      rooms.close();
      proxy.close();
      await routes.close();
    },
  };
}

/** Errors as Jupyter's clients read them, and bodies as they send them: JSON that may be empty. */
function answerAsJupyter(routes: FastifyInstance, log: Log): void {
  acceptEmptyJson(routes, '*');
  routes.setErrorHandler((error: FastifyError | AppError, _request, reply) => {
    const reason = error instanceof AppError ? error : fromFastify(error);
    if (reason.code === 'Internal') log.error({ err: error }, 'door: a request failed');
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    const status = errorStatus[reason.code];
    void reply
      .code(status)
      .type('application/json')
      .send({ message: reason.message, reason: reason.code, code: reason.code });
  });
  routes.setNotFoundHandler((request, reply) => {
    const message = `There is no ${request.method} ${request.url.split('?')[0] ?? ''} here.`;
    void reply.code(404).send({ message, reason: 'NotFound', code: 'NotFound' });
  });
}

function fromFastify(error: FastifyError): AppError {
  switch (error.statusCode ?? 500) {
    case 400:
      return new AppError('InvalidInput', 'The body is not valid JSON.', { cause: error });
    case 413:
      return new AppError('TooLarge', 'The body is too large.', { cause: error });
    case 415:
      return new AppError('InvalidInput', 'The body must be JSON, with content type application/json.', {
        cause: error,
      });
    default:
      return told(error);
  }
}
