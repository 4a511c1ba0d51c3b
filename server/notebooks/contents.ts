import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import type { Author } from '../accounts/author.ts';
import { keepsVersions, type Buckets } from '../bucket/buckets.ts';
import { conditionsOf } from '../bucket/http-conditions.ts';
import { sendObject } from '../bucket/send-object.ts';
import type { AgentDoor } from '../environments/agent-client.ts';
import { isAllowed, type WorkspaceAccess } from '../workspaces/access.ts';
import type { Versions } from '../versions/versions.ts';
import type { AgentAnswer } from './agent-http.ts';
import type { Checkpoints } from './checkpoints.ts';
import { contentsUrl, createContentsAcross } from './contents-across.ts';
import { answerContentsErrors, jsonBody, sendAnswer, sendModel } from './contents-http.ts';
import { isHidden, placeOf, type ContentsScope, type Place } from './contents-model.ts';
import { createContentsReader, noSuchFile, type ContentsQuery, type Entry } from './contents-read.ts';
import { createContentsRoot } from './contents-root.ts';
import { createContentsWriter, SaveModel } from './contents-write.ts';
import type { LiveDocuments } from '../documents/documents.ts';
import { isPlaygroundKey } from '../documents/playground-key.ts';
import { notebookContentType } from '../documents/nbformat.ts';
import { createLastRead } from './last-read.ts';
import type { Playgrounds } from './playgrounds.ts';
import type { Uploads } from './uploads.ts';

export interface ContentsDeps {
  readonly buckets: Buckets;
  readonly checkpoints: Checkpoints;
  readonly versions: Pick<Versions, 'checkpoint' | 'mark'>;
  readonly uploads: Uploads;
  readonly documents: Pick<LiveDocuments, 'merge' | 'opened'>;
  readonly playgrounds: Pick<Playgrounds, 'admit'>;
  /** Who came through the workspace door, and to which workspace. */
  readonly doorContext: (
    request: FastifyRequest,
  ) => Promise<{ access: WorkspaceAccess; author: Author }> | { access: WorkspaceAccess; author: Author };
  /** The agent of the caller's environment there; null unless it runs. */
  readonly agentFor: (accountId: string, workspaceId: string) => Promise<AgentDoor | null>;
  /** Hands request and reply to the agent, with what `request.body` holds for a body; takes the reply over. */
  readonly forwardToAgent: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  /** What clients have before `/api/contents`: empty, or `/jupyter/{namespace}/{name}`. For Location headers. */
  readonly baseUrl?: (request: FastifyRequest) => string;
}

interface Visit {
  readonly scope: ContentsScope;
  readonly place: Place;
  readonly agent: () => Promise<AgentDoor | null>;
}

const contentsQuery = z.object({
  content: z.enum(['0', '1'], "Content must be '0' or '1'").default('1'),
  hash: z.enum(['0', '1'], "Hash argument must be '0' or '1'.").default('0'),
  format: z.enum(['text', 'base64'], "Format must be 'text' or 'base64'").optional(),
  type: z.string().optional(),
});

const trustPath = /^(.+\.ipynb)\/trust$/;
const checkpointPath = /^(.*)\/checkpoints(?:\/([\w-]+))?$/;

/**
 * Jupyter's contents API and its files, for a workspace's door: what lies under `notebooks/` is the bucket, the rest is
 * the disk of the caller's environment.
 * @see jupyter_server 2, services/contents/handlers.py
 */
export function registerContents(app: FastifyInstance, deps: ContentsDeps): void {
  const { buckets, checkpoints, versions, uploads, documents, playgrounds, forwardToAgent } = deps;
  const lastRead = createLastRead();
  const reader = createContentsReader(buckets, lastRead);
  const writer = createContentsWriter({ buckets, reader, checkpoints, uploads, documents, lastRead });
  const across = createContentsAcross({ buckets, reader, writer });
  const root = createContentsRoot({ buckets });

  async function visit(request: FastifyRequest, path: string): Promise<Visit> {
    const { access, author } = await deps.doorContext(request);
    const { id, bucket, createdAt } = access.workspace;
    const place = placeOf(path);
    if (place.kind === 'bucket') await playgrounds.admit({ id, bucket }, author.accountId, place.path);
    return {
      scope: { owner: { id, bucket }, canWrite: isAllowed(access, 'write'), author, createdAt },
      place,
      agent: () => deps.agentFor(author.accountId, id),
    };
  }

  async function forward({ place }: Visit, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    await forwardToAgent(request, reply).catch((error: unknown) => {
      throw error instanceof AppError && error.code === 'EnvironmentPaused' ? paused(place) : error;
    });
    return reply;
  }

  /** For requests whose body had to be read to know where they lead. */
  function forwardWith(body: unknown, visited: Visit, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    request.body = Buffer.from(JSON.stringify(body ?? {}));
    return forward(visited, request, reply);
  }

  const base = (request: FastifyRequest) => deps.baseUrl?.(request) ?? '';
  const send = (request: FastifyRequest, reply: FastifyReply, result: Entry | AgentAnswer, status: number) =>
    'body' in result
      ? sendAnswer(reply, { ...result, status, location: result.location && base(request) + result.location })
      : sendModel(reply, result, { status, base: base(request) });

  async function read(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    const query = queryOf(request);
    if (place.kind === 'disk') return forward(visited, request, reply);
    if (place.kind === 'bucket') return sendModel(reply, await reader.get(scope, place.path, query), { status: 200 });
    if (query.type !== undefined && query.type !== 'directory') {
      throw new AppError('InvalidInput', `The top folder is a directory, not a ${query.type}`);
    }
    const model = await root.list(scope, query.content ? await visited.agent() : null, query.content, request.log);
    return sendModel(reply, { model, generation: null }, { status: 200 });
  }

  async function save(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    if (place.kind === 'root') throw new AppError('InvalidInput', 'The top folder cannot be saved.');
    if (place.kind === 'disk') return forward(visited, request, reply);
    requireWrite(scope);
    const body = await jsonBody(request);
    if (body === null) return send(request, reply, await writer.createUntitled(scope, place.path, undefined, ''), 201);
    if (body['copy_from'] !== undefined) throw new AppError('InvalidInput', 'Cannot copy with PUT, only POST');
    const model = valid(SaveModel, body);
    if (typeof body['path'] === 'string' && isHidden(body['path'])) {
      throw new AppError(
        'InvalidInput',
        `"${body['path']}" would be hidden. Choose a name that does not start with a dot.`,
      );
    }
    const saved = await writer.save(scope, place.path, model, conditionsOf(request.headers));
    return send(request, reply, saved, saved.isNew ? 201 : 200);
  }

  async function create(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    const body = (await jsonBody(request)) ?? {};
    const { copy_from: copyFrom, type, ext } = valid(NewModel, body);
    const source = copyFrom == null || copyFrom === '' ? null : placeOf(copyFrom);
    if (source?.kind === 'root') throw new AppError('InvalidInput', 'The top folder cannot be copied.');
    if (source?.kind === 'bucket') await playgrounds.admit(scope.owner, scope.author.accountId, source.path);
    if (place.kind !== 'bucket') {
      if (source?.kind !== 'bucket') return forwardWith(body, visited, request, reply);
      return send(request, reply, await across.copy(scope, await required(visited), source, place), 201);
    }
    const trusted = trustPath.exec(place.path)?.[1];
    if (trusted !== undefined) {
      // Trust is not kept: outputs run where they cannot reach the app, and are trusted again by being run.
      if ((await buckets.head(scope.owner, trusted)) === null) throw noSuchFile(trusted);
      return reply.code(201).send();
    }
    requireWrite(scope);
    if ((await buckets.head(scope.owner, place.path)) !== null) {
      throw new AppError('InvalidInput', 'Cannot POST to files, use PUT instead.');
    }
    if (source?.kind === 'disk') {
      return send(request, reply, await across.copy(scope, await required(visited), source, place), 201);
    }
    const entry =
      source === null
        ? await writer.createUntitled(scope, place.path, type ?? undefined, ext ?? '')
        : await writer.copy(scope, source.path, place.path);
    return send(request, reply, entry, 201);
  }

  async function rename(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    const body = await jsonBody(request);
    if (body === null) throw new AppError('InvalidInput', 'JSON body missing');
    const { path } = valid(z.looseObject({ path: z.string('The new "path" is a text.').optional() }), body);
    const target = path === undefined ? place : placeOf(path);
    if (place.kind === 'root' || target.kind === 'root') {
      throw new AppError('InvalidInput', 'The top folder keeps its name.');
    }
    if (isPlaygroundKey(place.path) || isPlaygroundKey(target.path)) {
      throw new AppError('InvalidInput', 'A playground keeps its name. Keep it as a notebook to give it one.');
    }
    if (place.kind === 'disk' && target.kind === 'disk') return forwardWith(body, visited, request, reply);
    requireWrite(scope);
    if (place.kind === 'bucket' && target.kind === 'bucket') {
      return send(request, reply, await writer.rename(scope, place.path, target.path), 200);
    }
    return send(request, reply, await across.move(scope, await required(visited), place, target), 200);
  }

  async function remove(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    if (place.kind === 'root') throw new AppError('InvalidInput', "Can't delete root");
    if (place.kind === 'disk') return forward(visited, request, reply);
    requireWrite(scope);
    await writer.delete(scope, place.path);
    return reply.code(204).send();
  }

  /** Answers when the path is that of checkpoints in the bucket; false leaves it to the others. */
  async function answerCheckpoints(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const [, path, id] = checkpointPath.exec(wildcard(request)) ?? [];
    if (path === undefined || !['GET', 'HEAD', 'POST', 'DELETE'].includes(request.method)) return false;
    const { scope, place } = await visit(request, path);
    if (place.kind !== 'bucket') return false;
    const key = place.path;
    // Only files have checkpoints; otherwise it is a folder of that name.
    if (isHidden(key) || (await buckets.head(scope.owner, key)) === null) return false;
    if (request.method === 'GET' || request.method === 'HEAD') {
      if (id !== undefined) return false;
      await reply.send(await checkpoints.list(scope.owner, key));
      return true;
    }
    requireWrite(scope);
    if (id === undefined) {
      if (request.method === 'DELETE') return false;
      const checkpoint = await checkpoints.create(scope.owner, key);
      if (keepsVersions(key)) await versions.checkpoint(scope.owner, key, { name: null, author: scope.author });
      const location = `${base(request)}${contentsUrl(key)}/checkpoints/${checkpoint.id}`;
      await reply.code(201).header('location', location).send(checkpoint);
      return true;
    }
    if (request.method === 'POST') {
      const { generation } = await checkpoints.restore(scope.owner, key, id);
      await versions.mark(scope.owner, key, generation, { kind: 'restore', author: scope.author });
    } else await checkpoints.delete(scope.owner, key, id);
    await reply.code(204).send();
    return true;
  }

  async function sendFile(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const visited = await visit(request, wildcard(request));
    const { scope, place } = visited;
    if (place.kind === 'disk') return forward(visited, request, reply);
    if (place.kind === 'root' || isHidden(place.path)) throw noSuchFile('');
    const isDownload = new URL(request.url, 'http://door').searchParams.get('download') ?? '';
    return reply.send(
      await sendObject(buckets, scope.owner, place.path, {
        request,
        reply,
        disposition: isDownload === '' ? 'inline' : 'attachment',
        ...(place.path.endsWith('.ipynb') ? { contentType: notebookContentType } : {}),
      }),
    );
  }

  void app.register(async (scope) => {
    answerContentsErrors(scope);
    // Bodies stay unread until it is known whose they are.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const handlers = { GET: read, PUT: save, POST: create, PATCH: rename, DELETE: remove };
    for (const [method, handler] of Object.entries(handlers)) {
      for (const url of ['/api/contents', '/api/contents/*']) {
        scope.route({
          method,
          url,
          bodyLimit: Number.MAX_SAFE_INTEGER,
          handler: async (request, reply) =>
            (await answerCheckpoints(request, reply)) ? reply : handler(request, reply),
        });
      }
    }
    scope.route({ method: 'GET', url: '/files/*', handler: sendFile });
  });
}

const NewModel = z.looseObject({
  copy_from: z.string('"copy_from" is a path.').nullish(),
  type: z.string('"type" is a text.').nullish(),
  ext: z.string('"ext" is a text.').nullish(),
});

function wildcard(request: FastifyRequest): string {
  // Fastify gives decoded strings; the routes have one wildcard or none.
  return (request.params as Record<string, string | undefined>)['*'] ?? '';
}

function queryOf(request: FastifyRequest): ContentsQuery {
  const { content, hash, format, type } = valid(contentsQuery, request.query);
  const kind = type === undefined || type === 'notebook' || type === 'directory' ? type : 'file';
  return { content: content === '1', hash: hash === '1', format, type: kind };
}

function valid<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new AppError('InvalidInput', result.error.issues[0]?.message ?? 'The request is not valid.');
}

function requireWrite(scope: ContentsScope): void {
  if (scope.canWrite) return;
  throw new AppError(
    'NotAllowed',
    'You can read this workspace, and not change it. Ask its owner for the role WRITER.',
  );
}

async function required(visited: Visit): Promise<AgentDoor> {
  const agent = await visited.agent();
  if (agent === null) throw paused(visited.place);
  return agent;
}

function paused(place: Place): AppError {
  const what = place.kind === 'disk' ? `"${place.path}" is on the disk` : 'This needs the disk';
  return new AppError(
    'EnvironmentPaused',
    `${what}, which can be reached while the Cloud Environment runs. It is paused, and its files are kept: start it and try again.`,
  );
}
