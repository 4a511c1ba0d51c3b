import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './http-error.ts';
import { errnoOf, log, messageOf } from './log.ts';

/** jupyter_server's limit for a request body. */
const maxBodyBytes = 512 * 1024 * 1024;

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
}

/** `path` has `{name}` for one segment and `{name*}` for the rest, slashes included. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly handle: (call: Call) => Promise<void> | void;
}

export type Dispatch = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Splits the raw target. `new URL()` would resolve `..` segments, so that a hostile path reached another route than the
 * one that is checked.
 */
export function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

export function matcher(path: string): (target: string) => Record<string, string> | null {
  const names: string[] = [];
  const source = path.replace(/\/\{(\w+)(\*)?\}/g, (_, name: string, rest: string | undefined) => {
    names.push(name);
    return rest === undefined ? '/([^/]+)' : '(?:/(.*))?';
  });
  const pattern = new RegExp(`^${source}/?$`);
  return (target) => {
    const match = pattern.exec(target);
    if (match === null) return null;
    const params: Record<string, string> = {};
    for (const [index, name] of names.entries()) params[name] = decode(match[index + 1] ?? '');
    return params;
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new HttpError(400, 'The path has a percent sign that is not part of an encoding.', null, { cause });
  }
}

/** The first route that matches answers; a path that only other methods have is 405. */
export function createDispatch(routes: readonly Route[]): Dispatch {
  const table = routes.map((route) => ({ route, match: matcher(route.path) }));
  return async (request, response) => {
    try {
      const { path, query } = splitTarget(request.url ?? '/');
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      let isKnownPath = false;
      for (const { route, match } of table) {
        const params = match(path);
        if (params === null) continue;
        isKnownPath = true;
        if (route.method !== method) continue;
        await route.handle({ request, response, query, params });
        return;
      }
      throw isKnownPath ? new HttpError(405, 'Method Not Allowed') : new HttpError(404, 'Not Found');
    } catch (error) {
      sendError(response, error);
    }
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204).end();
}

export function sendError(response: ServerResponse, error: unknown): void {
  const known = error instanceof HttpError ? error : fromSystem(error);
  if (known.status >= 500) log(known.status === 507 ? 'warn' : 'error', known.message, { cause: messageOf(error) });
  if (response.headersSent) response.destroy();
  else sendJson(response, known.status, { message: known.message, reason: known.reason });
}

function fromSystem(error: unknown): HttpError {
  const code = errnoOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new HttpError(507, 'The disk is full: nothing was written. Delete files or grow the disk, then try again.');
  if (code === 'EROFS') return new HttpError(403, 'The disk is read-only.');
  if (code === 'EACCES' || code === 'EPERM') return new HttpError(403, 'Permission denied.');
  if (code === 'ENAMETOOLONG') return new HttpError(400, 'The name is too long for the disk.');
  return new HttpError(500, `The agent failed: ${messageOf(error)}`, null, { cause: error });
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue; // no encoding is set, so every chunk is a Buffer
    size += chunk.length;
    if (size > maxBodyBytes) throw new HttpError(413, 'The request body is larger than 512 MiB.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON object of the body, or null when there is no body. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  const bytes = await readBody(request);
  if (bytes.length === 0) return null;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new HttpError(400, 'Invalid JSON in body of request', null, { cause });
  }
  if (value === null) return null;
  if (!isRecord(value)) throw new HttpError(400, 'The body of the request must be a JSON object.');
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
