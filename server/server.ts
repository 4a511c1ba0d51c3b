import { randomUUID } from 'node:crypto';
import { authenticate, sessionCookieName } from './accounts/authenticate.ts';
import { accountRoutes } from './accounts/routes.ts';
import { createApp } from './app.ts';
import { billingRoutes } from './billing/routes.ts';
import { bucketRoutes } from './bucket/routes.ts';
import type { Config } from './config.ts';
import { builtDirectories, createContext, type Context, type Drivers } from './context.ts';
import { costRoutes } from './cost/routes.ts';
import { diskRoutes } from './disks/routes.ts';
import { environmentRoutes } from './environments/routes.ts';
import { announce, ownerToken, prepareFirstStart } from './first-start.ts';
import { createGateway } from './gateway/gateway.ts';
import { imageRoutes } from './images/routes.ts';
import { notebookRoutes } from './notebooks/routes.ts';
import type { Clock } from './plumbing/clock.ts';
import type { Log } from './plumbing/log.ts';
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

const meterEveryMs = 5_000;
const sweepEveryMs = 3_600_000;
