import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type KernelSummary } from '@terrarium/contract';
import type { Environments } from '../environments/environments.ts';
import type { Images } from '../images/images.ts';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import { isAllowed } from '../workspaces/access.ts';
import type { Agents } from './agents.ts';
import type { EventChannel } from './event-channel.ts';
import { identityOf, permissionsOf } from './identity.ts';
import { visitorOf, type Visitor } from './visitor.ts';

/** The version of the Jupyter Server API that the door speaks; clients decide by it what they may ask. */
const apiVersion = '2.17.0';

export interface JupyterRouteOptions {
  readonly environments: Pick<Environments, 'defaultFor'>;
  readonly images: Pick<Images, 'list' | 'kernels'>;
  readonly agents: Agents;
  readonly eventChannel: EventChannel;
  readonly clock: Clock;
  readonly forwardToAgent: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly askAgent: (
    visitor: Visitor,
    path: string,
    signal: AbortSignal,
  ) => Promise<{ status: number; body: string } | null>;
}

/** The parts of the Jupyter Server API that the control plane answers whether or not an environment runs. */
export function jupyterRoutes(door: FastifyInstance, options: JupyterRouteOptions): void {
  const { environments, images, agents, eventChannel, clock } = options;
  const startedAt = clock.now();

  door.get('/api', () => ({ version: apiVersion }));

  door.get('/api/me', (request) => {
    const visitor = visitorOf(request.raw);
    const { permissions } = request.query as { permissions?: string | string[] };
    return { identity: identityOf(visitor.principal.account), permissions: permissionsOf(visitor.access, permissions) };
  });

  door.get('/api/status', async (request) => {
    const visitor = visitorOf(request.raw);
    const environment = await environments.defaultFor(visitor.principal.account.id, visitor.access.workspace.id);
    const answer = await options.askAgent(visitor, '/api/status', AbortSignal.timeout(5000)).catch(() => null);
    const inside = answer?.status === 200 ? (JSON.parse(answer.body) as Record<string, unknown>) : {};
    return {
      started: isoMoment(startedAt),
      last_activity: environment?.lastActivityAt ?? isoMoment(startedAt),
      connections: 0,
      kernels: 0,
      ...inside,
    };
  });

  door.get('/api/nbconvert', () => ({}));

  door.get('/api/kernelspecs', async (request, reply) => {
    if (await isRunning(request)) return options.forwardToAgent(request, reply);
    return kernelspecs(await offered(visitorOf(request.raw)));
  });
  door.get('/api/kernelspecs/:name', async (request, reply) => {
    if (await isRunning(request)) return options.forwardToAgent(request, reply);
    const { name } = request.params as { name: string };
    const kernel = (await offered(visitorOf(request.raw))).find((candidate) => candidate.name === name);
    if (kernel === undefined)
      throw new AppError('NotFound', `There is no kernel "${name.slice(0, 100)}" in this image.`);
    return kernelspec(kernel);
  });

  door.post('/api/events', async (request, reply) => {
    eventChannel.emit(visitorOf(request.raw), request.body);
    return reply.code(204).send();
  });

  async function isRunning(request: FastifyRequest): Promise<boolean> {
    const visitor = visitorOf(request.raw);
    return (
      isAllowed(visitor.access, 'compute') && (agents.remembered(visitor) ?? (await agents.find(visitor))) !== null
    );
  }

  /** What the environment's image has in it, as the catalogue knows it; the default image's where there is none. */
  async function offered(visitor: Visitor): Promise<KernelSummary[]> {
    const environment = await environments.defaultFor(visitor.principal.account.id, visitor.access.workspace.id);
    const own = (await images.list()).find((image) => image.reference === environment?.image);
    return own?.kernels ?? (await images.kernels());
  }
}

function kernelspecs(kernels: KernelSummary[]) {
  const first = kernels.find((kernel) => kernel.name === 'python3') ?? kernels[0];
  return {
    default: first?.name ?? '',
    kernelspecs: Object.fromEntries(kernels.map((kernel) => [kernel.name, kernelspec(kernel)])),
  };
}

/** @see jupyter_server, GET /api/kernelspecs. What only the image itself knows (argv, logos) comes when it runs. */
function kernelspec(kernel: KernelSummary) {
  return {
    name: kernel.name,
    spec: {
      argv: [],
      env: {},
      display_name: kernel.displayName,
      language: kernel.language,
      interrupt_mode: 'signal',
      metadata: {},
    },
    resources: {},
  };
}
