import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import type { AgentConfig } from '@terrarium/contract/agent';
import { Activity } from './activity/activity.ts';
import { endProcesses } from './activity/end-processes.ts';
import { KernelUsage } from './activity/kernel-usage.ts';
import { OutOfMemory } from './activity/out-of-memory.ts';
import { Processes } from './activity/processes.ts';
import { activityRoutes } from './activity/routes.ts';
import { DiskMeter } from './activity/disk-use.ts';
import { Usage } from './activity/usage.ts';
import { createAuthorization } from './authorization.ts';
import { Contents } from './files/contents.ts';
import { folderRoutes } from './files/folder-routes.ts';
import { fileRoutes } from './files/routes.ts';
import { prepareHome } from './kernels/environment.ts';
import { Channels } from './kernels/channels.ts';
import { Kernels } from './kernels/kernels.ts';
import { kernelRoutes } from './kernels/routes.ts';
import { Sessions } from './kernels/sessions.ts';
import { log, messageOf } from './log.ts';
import { Notebooks } from './mirror/notebooks.ts';
import { mirrorRoutes } from './mirror/routes.ts';
import { createPortProxy } from './proxy/port-proxy.ts';
import { createDispatch, sendJson } from './router.ts';
import { startupRoutes } from './startup/routes.ts';
import { Startup } from './startup/startup.ts';
import { terminalRoutes } from './terminals/routes.ts';
import { Terminals } from './terminals/terminals.ts';
import { createUpgrades } from './upgrades.ts';

export interface RunningAgent {
  /** Stops accepting, ends kernels and terminals, resolves when all is over. */
  close(): Promise<void>;
}

const endMs = 5000;

/** Composes the agent and listens. @throws the system's error when it cannot listen */
export async function startAgent(options: {
  config: AgentConfig;
  inherited: Readonly<Record<string, string | undefined>>;
}): Promise<RunningAgent> {
  const { config, inherited } = options;
  await mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });
  // Left by an agent that was killed; its kernels ended with it.
  await rm(path.join(config.stateDirectory, 'journal'), { recursive: true, force: true });
  await rm(path.join(config.stateDirectory, 'connections'), { recursive: true, force: true });
  const socketDirectory = await makeSocketDirectory(config.stateDirectory);
  const homeReady = prepareHome(config.home);

  // What kernels and terminals start carries this mark, so that it is found when its parents are gone.
  const mark = { name: 'TERRARIUM_ENVIRONMENT', value: config.environmentId };
  const processes = new Processes(`${mark.name}=${mark.value}`);
  // An agent that was killed could not end what it had started.
  await endProcesses(() => processes.marked(), endMs);
  const outOfMemory = new OutOfMemory({ processes, kernels: () => kernels.list() });
  const kernels = new Kernels({
    ...config,
    claimMemoryKill: (kernel) => outOfMemory.claim(kernel),
    socketDirectory,
    inherited,
    fixedVariables: { [mark.name]: mark.value },
  });
  const sessions = new Sessions(kernels);
  const channels = new Channels();
  const touch = (): void => {
    activity.touch();
  };
  const environment = (): Promise<Record<string, string>> => kernels.terminalEnvironment();
  const terminals = new Terminals({ home: config.home, environment, onKeystroke: touch });
  const startup = new Startup({ ...config, environment });
  const activity = new Activity({ kernels, terminals, startup, processes });
  const usage = new Usage({
    disk: new DiskMeter(config.home, config.unenforcedDiskBytes),
    processes,
    latestOutOfMemory: () => outOfMemory.latest,
  });
  const notebooks = new Notebooks(config.home);

  const dispatch = createDispatch([
    ...activityRoutes({
      environmentId: config.environmentId,
      kernels,
      activity,
      usage,
      kernelUsage: new KernelUsage({ kernels, processes }),
      connections: () => upgrades.count(),
    }),
    ...kernelRoutes(kernels, sessions),
    ...terminalRoutes(terminals),
    ...startupRoutes(startup),
    ...fileRoutes(new Contents(config.home, touch)),
    ...folderRoutes(config.home),
    ...mirrorRoutes(config.home, notebooks),
  ]);
  const isAuthorized = createAuthorization(config.secret);
  const upgrades = createUpgrades([
    {
      path: '/api/kernels/{id}/channels',
      accept({ params, query }) {
        const kernel = kernels.get(params['id'] ?? '');
        const after = query.get('after');
        const sessionId = query.get('session_id');
        return (socket) => {
          channels.connect(kernel, socket, { sessionId, after: after === null ? null : Number(after) || 0 });
        };
      },
    },
    {
      path: '/terminals/websocket/{name}',
      accept: ({ params }) => terminals.connect(params['name'] ?? ''),
    },
  ]);

  const portProxy = createPortProxy({ processes, onVisit: touch });

  const server = createServer({ noDelay: true, keepAlive: true }, (request, response) => {
    if (!isAuthorized(request)) {
      request.resume();
      sendJson(response, 401, { message: 'Unauthorized', reason: null }, { 'www-authenticate': 'Bearer' });
      return;
    }
    if (portProxy.matches(request.url ?? '')) portProxy.handle(request, response);
    else void dispatch(request, response);
  });
  // Uploads and long polls take as long as they take; the control plane has the deadlines.
  server.requestTimeout = 0;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isAuthorized(request)) upgrades.refuse(socket, 401, 'Unauthorized');
    else if (portProxy.matches(request.url ?? '')) portProxy.upgrade(request, socket, head);
    else upgrades.handle(request, socket, head);
  });

  const { listen } = config;
  if ('socketPath' in listen) await rm(listen.socketPath, { force: true });
  // No umask keeps others from the socket until it has its mode: that is one for all threads, and would be the mode of what
  // they make on the disk meanwhile. Whoever comes in between does not know the secret.
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('socketPath' in listen ? { path: listen.socketPath } : listen, resolve);
  });
  if ('socketPath' in listen) await chmod(listen.socketPath, 0o600);
  log('info', 'agent ready', { ms: Math.round(performance.now()), environmentId: config.environmentId });

  await homeReady;
  kernels.warm().catch((error: unknown) => {
    log('error', 'warming failed', { cause: messageOf(error) });
  });

  return {
    async close() {
      server.close();
      notebooks.close();
      outOfMemory.close();
      await Promise.all([kernels.close(), terminals.close()]);
      // Jobs that outlived their kernel or terminal end with the environment.
      await endProcesses(() => processes.marked(), endMs);
      upgrades.close();
      portProxy.close();
      server.closeAllConnections();
      if ('socketPath' in listen) await rm(listen.socketPath, { force: true });
      await rm(socketDirectory, { recursive: true, force: true });
    },
  };
}

/** Socket paths hold 107 bytes, so a deep state directory cannot hold them. */
async function makeSocketDirectory(stateDirectory: string): Promise<string> {
  const inside = path.join(stateDirectory, 's');
  const isShort = Buffer.byteLength(inside) <= 88;
  const directory = isShort ? inside : path.join(tmpdir(), `terrarium-${randomBytes(6).toString('hex')}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}
