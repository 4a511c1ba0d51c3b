import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { authenticate, sessionCookieName } from '../accounts/authenticate.ts';
import { accountRoutes } from '../accounts/routes.ts';
import type { Principal } from '../accounts/accounts.ts';
import { createApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { createContext, type Context, type Drivers } from '../context.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { kernelRoutes } from '../kernels/routes.ts';
import { notebookRoutes } from '../notebooks/routes.ts';
import { createLog } from '../plumbing/log.ts';
import { workspaceRoutes } from '../workspaces/routes.ts';
import { createEventStreams } from './event-stream.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { gatewayRoutes } from './routes.ts';
import { createStandIn, type StandIn } from './stand-in-agent.ts';
import { createWorkspaceDoor, type WorkspaceDoor } from './workspace-door.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A control plane of its own, listening, with one account that owns workspaces A and B of project `lab`. */
export interface Fixture {
  readonly context: Context;
  readonly gateway: Gateway;
  readonly door: WorkspaceDoor;
  readonly standIn: StandIn;
  readonly port: number;
  readonly url: string;
  readonly owner: Principal;
  readonly token: string;
  readonly cookieName: string;
  readonly a: { id: string; host: string; origin: string };
  readonly bucketOfA: string;
  readonly b: { id: string; host: string; origin: string };
  ask(path: string, options?: Ask): Promise<Answer>;
  /** Sends these bytes on a socket and reads until the server closes it. */
  raw(bytes: string): Promise<string>;
  /** The cookie of a session in the app (null) or a workspace. */
  cookieFor(workspaceId: string | null, principal?: Principal): Promise<string>;
  /** Another account; a member of workspace A where a role is given. */
  person(email: string, role?: 'READER' | 'WRITER'): Promise<{ principal: Principal; token: string }>;
  startEnvironment(): Promise<void>;
  close(): Promise<void>;
}

export async function createFixture(
  options: { labDirectory?: string; drivers?: Partial<Drivers> } = {},
): Promise<Fixture> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'door-'));
  const standIn = createStandIn(directory);
  const port = await freePort();
  const config = readConfig({ TERRARIUM_PORT: String(port), TERRARIUM_DATA: path.join(directory, 'data') });
  const log = createLog({ level: 'silent' });
  const context = await createContext({
    config,
    log,
    drivers: {
      compute: standIn.compute,
      disks: standIn.disks,
      objects: createFilesystemObjectStore({ directory: path.join(directory, 'objects') }),
      ...options.drivers,
    },
  });
  const { accounts, access } = context;
  const publicUrl = config.publicUrl;
  const cookieName = sessionCookieName(publicUrl);
  const eventStreams = createEventStreams(context.events);
  const door = createWorkspaceDoor({
    ...context,
    prices: config.prices,
    publicUrl,
    labDirectory: options.labDirectory ?? path.join(directory, 'no-lab'),
    eventStreams,
  });
  const app = await createApp({
    log,
    version: '0',
    webDirectory: path.join(directory, 'no-web'),
    authenticate: (request) => authenticate(accounts, request, { origin: publicUrl, cookieName, workspaceId: null }),
    routes: (bind) => {
      accountRoutes(bind, accounts, publicUrl);
      workspaceRoutes(bind, context);
      notebookRoutes(bind, { ...context, buckets: context.notebookBuckets });
      kernelRoutes(bind, context);
      gatewayRoutes(bind, { accounts, access, publicUrl });
    },
  });
  const gateway = createGateway({ publicUrl, accounts, access, app, door, log });
  await gateway.listen({ host: '127.0.0.1', port });
  context.reconciler.start();

  const account = await accounts.ensureOwner({ email: 'owner@example.org', name: 'Ada Owner' });
  const owner: Principal = { account, via: { kind: 'token', tokenId: 'none' } };
  const { secret: token } = await accounts.createToken(account.id, 'test');
  await context.billing.create(account.id, { name: 'lab', description: '' });
  const workspace = async (name: string) => {
    const { id, bucket } = await context.workspaces.create(account.id, {
      namespace: 'lab',
      name,
      description: '',
      withExamples: false,
    });
    const host = `${id}.localhost:${String(port)}`;
    return { id, bucket, host, origin: `http://${host}` };
  };
  const a = await workspace('a');
  const b = await workspace('b');

  const people = context.database.tables<{
    accounts: { id: string; email: string; name: string; password_hash: null; is_operator: number; created_at: number };
    workspace_members: {
      workspace_id: string;
      account_id: string;
      role: string;
      can_share: number;
      can_compute: number;
    };
  }>();

  return {
    context,
    gateway,
    door,
    standIn,
    port,
    url: publicUrl,
    owner,
    token,
    cookieName,
    a,
    bucketOfA: a.bucket,
    b,
    ask: (url, ask = {}) =>
      new Promise((resolve, reject) => {
        const request = http.request(
          {
            host: '127.0.0.1',
            port,
            path: url,
            method: ask.method ?? 'GET',
            agent: false,
            headers: { host: ask.host ?? `localhost:${String(port)}`, ...ask.headers },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              text += chunk;
            });
            response.on('error', reject);
            response.on('end', () => {
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
            });
          },
        );
        request.on('error', reject);
        // With its length, or a body would go in chunks that an empty one does not need.
        if (ask.body !== undefined) request.setHeader('content-length', String(Buffer.byteLength(ask.body)));
        request.end(ask.body);
      }),
    raw: (bytes) =>
      new Promise((resolve) => {
        let text = '';
        const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('error', () => undefined);
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1');
        });
        socket.on('close', () => {
          resolve(text);
        });
      }),
    async cookieFor(workspaceId, principal = owner) {
      const ticket =
        workspaceId === null
          ? await accounts.createSignInTicket(principal.account.id)
          : await accounts.createDoorTicket(principal, workspaceId);
      const { session } = await accounts.redeemTicket(ticket, workspaceId);
      return `${cookieName}=${session.secret}`;
    },
    async person(email, role) {
      const id = `p${email.replace(/\W/g, '')}`;
      await people
        .insertInto('accounts')
        .values({ id, email, name: email, password_hash: null, is_operator: 0, created_at: 0 })
        .execute();
      if (role !== undefined) {
        await people
          .insertInto('workspace_members')
          .values({ workspace_id: a.id, account_id: id, role, can_share: 0, can_compute: 0 })
          .execute();
      }
      const { secret } = await accounts.createToken(id, 'test');
      const found = await accounts.get(id);
      if (found === null) throw new Error('The account was not made.');
      return { principal: { account: found, via: { kind: 'token', tokenId: 'none' } }, token: secret };
    },
    async startEnvironment() {
      const held = await access.workspaceById(account.id, a.id, 'compute');
      const { id } = await context.environments.create(owner, held, {});
      await context.environments.untilRunning(id, AbortSignal.timeout(20_000));
    },
    async close() {
      await gateway.close(0);
      eventStreams.close();
      await door.close();
      await app.close();
      await context.dispose();
      await standIn.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}

/** Resolves when `condition` holds; fails after ten seconds with what was waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It never came to be that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
