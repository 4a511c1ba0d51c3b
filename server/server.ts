import { createEventStreams, type EventStreams } from './gateway/event-stream.ts';
import { authorOf } from './accounts/author.ts';
import { authenticate, sessionCookieName } from './accounts/authenticate.ts';
import { accountRoutes } from './accounts/routes.ts';
import { createApp } from './app.ts';
import { billingRoutes } from './billing/routes.ts';
import { bucketRoutes } from './bucket/routes.ts';
import type { Config } from './config.ts';
import { createContext, type Context, type Drivers } from './context.ts';
import { builtDirectories } from './built-directories.ts';
import { costRoutes } from './cost/routes.ts';
import { diskRoutes } from './disks/routes.ts';
import { environmentRoutes } from './environments/routes.ts';
import { eventRoutes } from './gateway/event-routes.ts';
import { announce, ownerToken, prepareFirstStart } from './first-start.ts';
import { createGateway } from './gateway/gateway.ts';
import { gatewayRoutes } from './gateway/routes.ts';
import { createWorkspaceDoor } from './gateway/workspace-door.ts';
import { imageRoutes } from './images/routes.ts';
import { kernelRoutes } from './kernels/routes.ts';
import { visitorOf } from './kernels/visitor.ts';
import { registerContents } from './notebooks/contents.ts';
import { mirrorRoutes } from './mirror/routes.ts';
import { guardPlaygrounds } from './notebooks/playground-guard.ts';
import { playgroundRoutes } from './notebooks/playground-routes.ts';
import { notebookRoutes } from './notebooks/routes.ts';
import type { Clock } from './plumbing/clock.ts';
import type { Log } from './plumbing/log.ts';
import { versionRoutes } from './versions/routes.ts';
import { runRoutes } from './runs/routes.ts';
import { workspaceRoutes } from './workspaces/routes.ts';

export interface RunningServer {
  readonly url: string;
  /** A one-use link that signs the owner in. */
  readonly signInUrl: string;
  /** The owner's API token. */
  readonly token: string;
  readonly context: Context;
  /** Stops accepting, drains, disposes. Environments keep running. */
  stop(): Promise<void>;
}

export const version = '0.1.0';
const host = '127.0.0.1';
const meterEveryMs = 5_000;
const watchEveryMs = 15_000;
const poolEveryMs = 2_000;
const sweepEveryMs = 3_600_000;

/**
 * Starts the control plane: composes it, prepares the first start, listens, and says so in server.json.
 * @throws AppError with a sentence for the person who starts it; Error with a code when the port cannot be had
 */
export async function startServer(options: {
  config: Config;
  log: Log;
  clock?: Clock;
  drivers?: Drivers;
}): Promise<RunningServer> {
  const { config, log } = options;
  const context = await createContext(options);
  try {
    return await serve(context, config, log);
  } catch (error) {
    await context.dispose();
    throw error;
  }
}

async function serve(context: Context, config: Config, log: Log): Promise<RunningServer> {
  const { accounts } = context;
  const owner = await accounts.ensureOwner({ email: config.ownerEmail, name: config.ownerName });
  await prepareFirstStart(owner, context);
  const token = await ownerToken(config.dataDirectory, owner, accounts);

  const eventStreams = createEventStreams(context.events);
  const door = createWorkspaceDoor({
    ...context,
    publicUrl: config.publicUrl,
    prices: config.prices,
    labDirectory: builtDirectories.lab,
    eventStreams,
  });
  registerContents(door.routes, {
    ...context,
    buckets: context.notebookBuckets,
    doorContext: (request) => {
      const { access, principal } = visitorOf(request.raw);
      return { access, author: authorOf(principal.account) };
    },
    agentFor: (accountId, workspaceId) => context.environments.agentFor(accountId, workspaceId),
    forwardToAgent: door.agentRequests.forwardToAgent,
    baseUrl: (request) => visitorOf(request.raw).basePath,
  });
  const app = await appOf(context, config, log, eventStreams);
  const gateway = createGateway({
    ...context,
    publicUrl: config.publicUrl,
    app,
    door,
  });
  await gateway.listen({ host, port: config.port });

  await context.pool.keep().catch((error: unknown) => {
    log.warn({ err: error }, 'the pool could not be looked at');
  });
  context.reconciler.start();
  context.mirrors.start();
  const recovered = context.documents.recover().catch((error: unknown) => {
    log.warn({ err: error }, 'not every notebook could be stored after the restart');
  });
  const resumed = context.runs.recover().catch((error: unknown) => {
    log.error({ err: error }, 'not every run could be gone on with after the restart');
  });
  const meter = every(meterEveryMs, () => context.meter.sweep(), log);
  const watch = every(watchEveryMs, () => context.watch.sweep(), log);
  const pool = every(poolEveryMs, () => context.pool.keep(), log);
  const sweepAll = () => Promise.all([accounts.sweep(), context.documents.sweepPlaygrounds(), context.mirrors.sweep()]);
  const sweep = every(sweepEveryMs, sweepAll, log);
  const sweepVersions = every(sweepEveryMs, () => context.sweepVersions(), log);
  const entitlements = every(meterEveryMs, () => context.entitlements.pauseUnentitled(), log);
  const announcement = await announce(config.dataDirectory, { url: config.publicUrl, token, pid: process.pid });
  const ticket = await accounts.createSignInTicket(owner.id);

  return {
    url: config.publicUrl,
    signInUrl: `${config.publicUrl}/signin?ticket=${ticket}`,
    token,
    context,
    async stop() {
      await announcement.withdraw();
      await Promise.all([recovered, resumed]);
      context.versions.stopSweeping();
      await Promise.all([
        meter.stop(),
        watch.stop(),
        pool.stop(),
        entitlements.stop(),
        sweep.stop(),
        sweepVersions.stop(),
      ]);
      eventStreams.close();
      await gateway.close();
      await door.close();
      await context.dispose();
    },
  };
}

function appOf(context: Context, config: Config, log: Log, eventStreams: EventStreams) {
  const { accounts, access } = context;
  const appDoor = { origin: config.publicUrl, cookieName: sessionCookieName(config.publicUrl), workspaceId: null };
  return createApp({
    log,
    version,
    webDirectory: builtDirectories.web,
    authenticate: (request) => authenticate(accounts, request, appDoor),
    routes(unguarded) {
      const bind = guardPlaygrounds(unguarded, context);
      accountRoutes(bind, accounts, config.publicUrl);
      billingRoutes(bind, context.billing);
      workspaceRoutes(bind, context);
      imageRoutes(bind, context.images);
      diskRoutes(bind, context.disks);
      environmentRoutes(bind, context.environments, access);
      mirrorRoutes(bind, context.mirrors, access);
      bucketRoutes(bind, context);
      versionRoutes(bind, context);
      notebookRoutes(bind, { ...context, buckets: context.notebookBuckets });
      playgroundRoutes(bind, context);
      kernelRoutes(bind, context);
      runRoutes(bind, context);
      gatewayRoutes(bind, { ...context, publicUrl: config.publicUrl });
      eventRoutes(bind, { ...context, eventStreams });
      costRoutes(bind, context.spend, config.prices);
    },
  });
}

/** Runs `work` again and again, never two at once; a failure is logged and the next round comes. */
function every(periodMs: number, work: () => Promise<unknown>, log: Log): { stop(): Promise<void> } {
  let current: Promise<unknown> = Promise.resolve();
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    current = work()
      .catch((error: unknown) => {
        log.warn({ err: error }, 'a periodic task failed');
      })
      .finally(() => {
        isBusy = false;
      });
  }, periodMs);
  return {
    async stop() {
      clearInterval(timer);
      await current;
    },
  };
}
