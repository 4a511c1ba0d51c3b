import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AppError, createClient, type ChangeEvent, type WorkspaceRole } from '@terrarium/contract';
import { createAccounts, type Principal } from '../accounts/accounts.ts';
import { authorOf } from '../accounts/author.ts';
import { bearerToken } from '../accounts/authenticate.ts';
import { accountStore } from '../accounts/store.ts';
import { createBuckets, keepsVersions, type Buckets } from '../bucket/buckets.ts';
import type { ObjectStore } from '../bucket/object-store.ts';
import { bucketRoutes } from '../bucket/routes.ts';
import { createDocuments, type LiveDocuments } from '../documents/documents.ts';
import { createLiveBuckets } from '../documents/live-buckets.ts';
import { documentStore } from '../documents/store.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { migrations } from '../migrations/index.ts';
import { systemClock } from '../plumbing/clock.ts';
import { openSqlite } from '../plumbing/db/database.ts';
import { migrate } from '../plumbing/db/migrate.ts';
import { createEventBus } from '../plumbing/events.ts';
import { createLog } from '../plumbing/log.ts';
import { createBinder } from '../plumbing/http/bind.ts';
import { answerErrors } from '../plumbing/http/errors.ts';
import { createDeletedNotebooks } from '../versions/deleted-notebooks.ts';
import { createGoingBack } from '../versions/going-back.ts';
import { versionRoutes } from '../versions/routes.ts';
import { versionStore } from '../versions/store.ts';
import { createVersionedBuckets } from '../versions/versioned-buckets.ts';
import { createVersions } from '../versions/versions.ts';
import { createAccess } from '../workspaces/access.ts';
import { workspaceStore } from '../workspaces/store.ts';
import { createCheckpoints } from '../notebooks/checkpoints.ts';
import { registerContents } from '../notebooks/contents.ts';
import { createNotebooks } from '../notebooks/notebooks.ts';
import { guardPlaygrounds } from '../notebooks/playground-guard.ts';
import { playgroundRoutes } from '../notebooks/playground-routes.ts';
import { createPlaygrounds } from '../notebooks/playgrounds.ts';
import { notebookRoutes } from '../notebooks/routes.ts';
import { createUploads } from '../notebooks/uploads.ts';

/** A workspace on a real store, its API and its door's contents API, each listening on a port of its own. */
export interface Story {
  readonly url: string;
  readonly doorUrl: string;
  readonly directory: string;
  readonly owner: { readonly id: string; readonly bucket: string };
  readonly buckets: Buckets;
  readonly documents: LiveDocuments;
  readonly store: ObjectStore;
  readonly events: ChangeEvent[];
  token(role: WorkspaceRole): string;
  /** Another workspace of the same project, which the account of that role owns and nobody else sees. */
  addWorkspace(name: string, owner: WorkspaceRole): Promise<{ namespace: string; name: string }>;
  /** The API as the workspace's owner. */
  api: ReturnType<typeof createClient>;
  /** What the door takes for the running environment's agent; null while it is paused. */
  agent: AgentDoor | null;
  /** What the documents take for the time; the real one until it is set. Epoch ms. */
  now: number;
  stop(): Promise<void>;
}

const kernels = [
  { name: 'python3', displayName: 'Python 3', language: 'python' },
  { name: 'ir', displayName: 'R', language: 'R' },
];

export async function startStory(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Promise<Story> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'terrarium-notebooks-'));
  const database = openSqlite(path.join(directory, 'terrarium.db'));
  await migrate(database, migrations);
  const accounts = createAccounts({
    database,
    clock: systemClock,
    acceptInvitation: async () => null,
    renamed: async () => undefined,
  });
  const workspaces = workspaceStore(database);
  const access = createAccess(workspaces);
  const tables = database.tables<Record<string, Record<string, string | number | null>>>();

  const tokens = new Map<WorkspaceRole, string>();
  const owner = { id: 'workspace1', bucket: 'terrarium-test' };
  for (const role of ['OWNER', 'WRITER', 'READER'] as const) {
    const id = role.toLowerCase();
    await accountStore(database).insertAccount({
      id,
      email: `${id}@localhost`,
      name: id,
      password_hash: null,
      is_operator: 0,
      created_at: 0,
    });
    tokens.set(role, (await accounts.createToken(id, 'test')).secret);
  }
  await tables.insertInto('billing_projects').values({ name: 'lab', description: '', created_at: 0 }).execute();
  await workspaces.insert({
    ...owner,
    namespace: 'lab',
    name: 'one',
    description: '',
    owner_id: 'owner',
    created_at: Date.UTC(2026, 0, 1),
    updated_at: 0,
  });
  for (const role of ['WRITER', 'READER'] as const) {
    const isWriter = role === 'WRITER' ? 1 : 0;
    const member = {
      workspace_id: owner.id,
      account_id: role.toLowerCase(),
      role,
      can_share: 0,
      can_compute: isWriter,
    };
    await tables.insertInto('workspace_members').values(member).execute();
  }

  const filesystem = createFilesystemObjectStore({ directory: path.join(directory, 'buckets'), keepsVersions });
  const store = wrap(filesystem);
  const bus = createEventBus('test');
  const events: ChangeEvent[] = [];
  bus.subscribe(({ event }) => events.push(event));
  const storedBuckets = createBuckets({ store, events: bus });
  const log = createLog({ level: 'silent' });
  const set: { now: number | null } = { now: null };
  const documents = createDocuments({
    directory: path.join(directory, 'documents'),
    buckets: storedBuckets,
    store: documentStore(database),
    events: bus,
    clock: { ...systemClock, now: () => set.now ?? systemClock.now() },
    log,
  });
  const versionRows = versionStore(database);
  const versions = createVersions({
    store: versionRows,
    buckets: storedBuckets,
    documents,
    events: bus,
    clock: systemClock,
    log,
  });
  const goingBack = createGoingBack({ versions, buckets: storedBuckets, documents });
  const deletedNotebooks = createDeletedNotebooks({ store: versionRows, versions, buckets: storedBuckets });
  const liveBuckets = createLiveBuckets(storedBuckets, documents, { withPlaygrounds: true });
  const buckets = createVersionedBuckets({ buckets: liveBuckets, versions, log });
  const checkpoints = createCheckpoints({ buckets });
  const notebooks = createNotebooks({
    buckets,
    checkpoints,
    documents,
    versions,
    kernelSummary: async (name) => kernels.find((kernel) => kernel.name === name) ?? null,
  });

  const playgrounds = createPlaygrounds({ documents, notebooks, events: bus });

  const principalOf = async (request: FastifyRequest): Promise<Principal> => {
    const principal = await accounts.principalOfToken(bearerToken(request.raw) ?? '');
    if (principal === null) throw new AppError('NotSignedIn', 'Sign in first.');
    return principal;
  };
  const app = Fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 6000 } });
  answerErrors(app);
  const bind = guardPlaygrounds(createBinder<Principal>(app, principalOf), { playgrounds, access });
  bucketRoutes(bind, { buckets: createLiveBuckets(storedBuckets, documents, { withPlaygrounds: false }), access });
  versionRoutes(bind, { versions, goingBack, deletedNotebooks, access });
  notebookRoutes(bind, { notebooks, buckets, access });
  playgroundRoutes(bind, { playgrounds, access });

  const door = Fastify({
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2000 },
  });
  const forwarded: { agent: AgentDoor | null } = { agent: null };
  registerContents(door, {
    buckets,
    documents,
    playgrounds,
    checkpoints,
    versions,
    uploads: createUploads({ directory: path.join(directory, 'uploads'), clock: systemClock }),
    doorContext: async (request) => {
      const { account } = await principalOf(request);
      return { author: authorOf(account), access: await access.workspaceById(account.id, owner.id, 'read') };
    },
    agentFor: async () => forwarded.agent,
    forwardToAgent: forwardOverHttp(() => forwarded.agent),
  });

  const url = await listen(app);
  const doorUrl = await listen(door);
  return {
    url,
    doorUrl,
    directory,
    owner,
    buckets,
    documents,
    store,
    events,
    token: (role) => tokens.get(role) ?? '',
    async addWorkspace(name, role) {
      await workspaces.insert({
        id: `workspace${name}`,
        bucket: `terrarium-test-${name}`,
        namespace: 'lab',
        name,
        description: '',
        owner_id: role.toLowerCase(),
        created_at: 0,
        updated_at: 0,
      });
      return { namespace: 'lab', name };
    },
    api: createClient({ baseUrl: url, token: tokens.get('OWNER') ?? '' }),
    get agent() {
      return forwarded.agent;
    },
    set agent(agent) {
      forwarded.agent = agent;
    },
    get now() {
      return set.now ?? systemClock.now();
    },
    set now(now) {
      set.now = now;
    },
    async stop() {
      await app.close();
      await door.close();
      await documents.close();
      await versions.close();
      await filesystem.close();
      await database.close();
      await fs.rm(directory, { recursive: true, force: true });
    },
  };
}

function listen(app: FastifyInstance): Promise<string> {
  return app.listen({ host: '127.0.0.1', port: 0 });
}

/** Enough of the gateway's proxy for these stories: the request as it came, the answer as it is. */
function forwardOverHttp(agentNow: () => AgentDoor | null) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const agent = agentNow();
    if (agent === null || !('host' in agent.address)) throw new AppError('EnvironmentPaused', 'It is paused.');
    const { host, port } = agent.address;
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : null;
    const answer = await fetch(`http://${host}:${String(port)}${request.raw.url ?? ''}`, {
      method: request.method,
      body: body ?? (request.method === 'PUT' ? await text(request.raw) : null),
      headers: { authorization: `Bearer ${agent.secret}`, 'content-type': 'application/json' },
    });
    await reply
      .code(answer.status)
      .type(answer.headers.get('content-type') ?? 'text/plain')
      .send(Buffer.from(await answer.arrayBuffer()));
  };
}
