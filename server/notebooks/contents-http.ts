import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { AppError, errorStatus } from '@terrarium/contract';
import { readerOf } from '../bucket/request-body.ts';
import type { AgentAnswer } from './agent-http.ts';
import { contentsUrl } from './contents-across.ts';
import type { Entry } from './contents-read.ts';
import { isObject, type JsonObject } from '../documents/json-object.ts';

// The largest notebook with its JSON escapes, or a file of that size as base64.
const bodyLimit = 300 * 1024 * 1024;

/** A request's JSON object; null when there is no body. @throws AppError InvalidInput, TooLarge */
export async function jsonBody(request: FastifyRequest): Promise<JsonObject | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const body = request.body instanceof Readable ? request.body : request.raw;
  for await (const chunk of readerOf(body)) {
    // A byte stream gives Buffers.
    const bytes = chunk as Buffer;
    size += bytes.byteLength;
    if (size > bodyLimit) {
      throw new AppError(
        'TooLarge',
        'This is too much to save at once. Upload it in the Files of the workspace instead.',
      );
    }
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError('InvalidInput', 'Invalid JSON in body of request', { cause: error });
  }
  if (value === null) return null;
  if (!isObject(value)) throw new AppError('InvalidInput', 'The body must be a JSON object.');
  return Object.keys(value).length === 0 ? null : value;
}

/** Answers with a model; `base` asks for the Location header that goes with a change. */
export function sendModel(
  reply: FastifyReply,
  { model, generation }: Entry,
  options: { status: number; base?: string },
): FastifyReply {
  if (options.base !== undefined) void reply.header('location', options.base + contentsUrl(model.path));
  if (generation !== null && generation !== '') void reply.header('etag', `"${generation}"`);
  return reply
    .code(options.status)
    .header('last-modified', model.last_modified)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(model));
}

export function sendAnswer(reply: FastifyReply, answer: AgentAnswer): FastifyReply {
  if (answer.contentType !== undefined) void reply.type(answer.contentType);
  if (answer.location !== undefined) void reply.header('location', answer.location);
  return reply.code(answer.status).send(answer.body.byteLength === 0 ? undefined : answer.body);
}

/** Errors the way Jupyter's clients read them: `message` for people, `reason` for programs. */
export function answerContentsErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | AppError, _request, reply) => {
    // What nobody foresaw is the door's to log and to word.
    if (!(error instanceof AppError)) throw error;
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    void reply
      .code(statusOf(error))
      .type('application/json')
      .send(JSON.stringify({ message: error.message, reason: error.code, code: error.code }));
  });
}

// To a Jupyter client 422 means a malformed request; a disk that is away for now is a service that is unavailable.
function statusOf(error: AppError): number {
  return error.code === 'EnvironmentPaused' ? 503 : errorStatus[error.code];
}
