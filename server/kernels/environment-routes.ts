import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, endpoints, type Environment, type PriceTable } from '@terrarium/contract';
import type { Environments } from '../environments/environments.ts';
import { ownReach, type Reach } from '../environments/reaching.ts';
import type { Images } from '../images/images.ts';
import type { Access } from '../workspaces/access.ts';
import type { Kernels } from './kernels.ts';
import { visitorOf } from './visitor.ts';

const keepRunning = endpoints.keepEnvironmentRunning.body;

/**
 * The environment control inside JupyterLab: this person's environment in this workspace, on the workspace's own
 * origin, where the app's API is out of reach.
 * @param streamEvents  server-sent events of this workspace that this person may hear of
 */
export function environmentControlRoutes(
  door: FastifyInstance,
  options: {
    environments: Pick<
      Environments,
      'defaultFor' | 'create' | 'start' | 'sleep' | 'stop' | 'stopWhenIdle' | 'keepRunning' | 'estimate'
    >;
    images: Pick<Images, 'list'>;
    kernels: Pick<Kernels, 'list'>;
    prices: PriceTable;
    access: Access;
    streamEvents: (request: FastifyRequest, reply: FastifyReply) => void;
  },
): void {
  const { environments, images, kernels, prices, access } = options;

  const mine = (request: FastifyRequest): Promise<Environment | null> => {
    const { principal, access: held } = visitorOf(request.raw);
    return environments.defaultFor(principal.account.id, held.workspace.id);
  };

  async function reachOf(request: FastifyRequest): Promise<Reach> {
    const { principal, access: held } = visitorOf(request.raw);
    const environment = await mine(request);
    if (environment === null) throw new AppError('NotFound', 'There is no Cloud Environment in this workspace.');
    return ownReach(principal.account.id, held.workspace.id, environment.id);
  }

  door.get('/terrarium/environment', async (request, reply) =>
    // As text, because Fastify sends null as no body at all.
    reply.type('application/json').send(JSON.stringify(await mine(request))),
  );

  door.post('/terrarium/environment/start', async (request, reply) => {
    const { principal, access: held } = visitorOf(request.raw);
    const right = await access.workspaceById(principal.account.id, held.workspace.id, 'compute');
    const environment = await mine(request);
    reply.code(202);
    if (environment === null) return environments.create(principal, right, {});
    const isOnItsWay = ['Running', 'Starting', 'Creating', 'Updating'].includes(environment.status);
    return isOnItsWay ? environment : environments.start(principal, right, environment.id);
  });

  door.post('/terrarium/environment/stop', async (request, reply) => {
    const reach = await reachOf(request);
    const { when } = request.query as { when?: string };
    reply.code(202);
    return when === 'idle'
      ? environments.stopWhenIdle(reach)
      : environments.stop(visitorOf(request.raw).principal, reach);
  });

  door.post('/terrarium/environment/sleep', async (request, reply) => {
    reply.code(202);
    return environments.sleep(await reachOf(request));
  });

  door.post('/terrarium/environment/keep-running', async (request) => {
    const { until } = keepRunning.parse(request.body ?? {});
    return environments.keepRunning(await reachOf(request), typeof until === 'string' ? Date.parse(until) : until);
  });

  door.get('/terrarium/kernels', async (request) => {
    const { principal, access: held } = visitorOf(request.raw);
    return kernels.list(principal.account.id, held.workspace.id);
  });
  door.get('/terrarium/prices', () => prices);
  door.get('/terrarium/images', () => images.list());
  door.get('/terrarium/estimate', () => environments.estimate());
  door.get('/terrarium/events', (request, reply) => {
    reply.hijack();
    options.streamEvents(request, reply);
  });
}
