import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type * as z from 'zod';
import {
  AppError,
  endpoints,
  type BodyOf,
  type Endpoint,
  type EndpointName,
  type Endpoints,
  type ParamsOf,
  type QueryOf,
  type ResponseOf,
} from '@terrarium/contract';
import { inputError } from './errors.ts';

type RequestBody<E extends Endpoint> = E['body'] extends 'bytes' ? Readable : BodyOf<E>;
type Answer<E extends Endpoint> = E extends { response: 'bytes' | 'events' } ? unknown : ResponseOf<E>;

export interface Call<E extends Endpoint, Who> {
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly body: RequestBody<E>;
  readonly who: Who;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
}

export interface Binder<Who> {
  /** Answers the endpoint of that name. The handler's result is stripped to what the contract declares. */
  on<N extends EndpointName>(name: N, handler: (call: Call<Endpoints[N], Who>) => Promise<Answer<Endpoints[N]>>): void;
}

/**
 * Binds the contract's endpoint table to handlers. Input is parsed before a handler runs: a wrong value is
 * InvalidInput, with a sentence for each field.
 * @param authenticate  who asks; throws AppError NotSignedIn. Called for every endpoint that is not public.
 */
export function createBinder<Who>(
  app: FastifyInstance,
  authenticate: (request: FastifyRequest) => Promise<Who>,
): Binder<Who> {
  return {
    on(name, handler) {
      const endpoint: Endpoint = endpoints[name];
      const route: RouteOptions = {
        method: endpoint.method,
        url: routeOf(endpoint),
        handler: async (request, reply) => {
          // A public endpoint's handler does not read `who`.
          const who = endpoint.isPublic === true ? (undefined as Who) : await authenticate(request);
          const input = {
            params: parse(endpoint.params, paramsOf(endpoint, request)),
            query: parse(endpoint.query?.strict(), request.query),
            body: endpoint.body === 'bytes' ? bodyStream(request) : parse(endpoint.body, jsonBody(request)),
          };
          const abort = new AbortController();
          reply.raw.on('close', () => {
            if (!reply.raw.writableFinished) abort.abort();
          });
          // `input` was parsed by the schemas of this endpoint, which is what Call's types say.
          const call = { ...input, who, request, reply, signal: abort.signal } as unknown as Parameters<
            typeof handler
          >[0];
          const answer: unknown = await handler(call);
          if (reply.sent || reply.raw.headersSent) return reply;
          if (endpoint.response === 'bytes' || endpoint.response === 'events') return reply.send(answer);
          reply.code(endpoint.status ?? (endpoint.response === undefined ? 204 : 200));
          return endpoint.response === undefined ? reply.send() : reply.send(endpoint.response.parse(answer));
        },
      };
      if (endpoint.body !== 'bytes') {
        app.route(route);
        return;
      }
      // Fastify picks a body's parser by content type; bytes are bytes even when they call themselves JSON.
      app.register(async (scope) => {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
        scope.route({ ...route, bodyLimit: Number.MAX_SAFE_INTEGER });
      });
    },
  };
}

// Object keys contain slashes; a wildcard takes them raw as well as percent-encoded.
function routeOf(endpoint: Endpoint): string {
  return endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'key' ? '*' : `:${name}`));
}

function paramsOf(endpoint: Endpoint, request: FastifyRequest): unknown {
  // Fastify always gives an object of decoded strings here.
  const params = request.params as Record<string, string>;
  return endpoint.path.endsWith('{key}') ? { ...params, key: params['*'] } : params;
}

function bodyStream(request: FastifyRequest): Readable {
  return request.body instanceof Readable ? request.body : request.raw;
}

/** What was sent as JSON; an empty object when nothing was. */
function jsonBody(request: FastifyRequest): unknown {
  if (request.body instanceof Readable) {
    throw new AppError('InvalidInput', 'The body must be JSON, with content type application/json.');
  }
  return request.body === undefined ? {} : request.body;
}

function parse(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return {};
  const result = schema.safeParse(value);
  if (!result.success) throw inputError(result.error);
  return result.data;
}
