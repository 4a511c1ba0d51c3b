import type * as z from 'zod';
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from './endpoint.ts';
import { endpoints, type EndpointName, type Endpoints } from './endpoints.ts';
import { AppError, ErrorBody } from './errors.ts';

type Empty = Record<never, never>;
type Args<E extends Endpoint> = (keyof ParamsOf<E> extends never ? Empty : { params: ParamsOf<E> }) &
  (E['query'] extends z.ZodObject ? { query?: Partial<QueryOf<E>> } : Empty) &
  (E['body'] extends 'bytes' ? { body: BodyInit } : E['body'] extends z.ZodType ? { body: BodyOf<E> } : Empty) & {
    signal?: AbortSignal;
    headers?: Record<string, string>;
  };
type Result<E extends Endpoint> = E extends { response: 'bytes' | 'events' } ? Response : ResponseOf<E>;
type OptionalIfEmpty<A> = Empty extends A ? [args?: A] : [args: A];

export type Client = {
  [N in EndpointName]: (...args: OptionalIfEmpty<Args<Endpoints[N]>>) => Promise<Result<Endpoints[N]>>;
};

/** Fills the placeholders of an endpoint's path, percent-encoding each as one segment. */
export function endpointUrl(
  endpoint: Endpoint,
  params: Record<string, string> = {},
  query: Record<string, string | number | boolean | null | undefined> = {},
): string {
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

/**
 * A typed client of the API. Every method resolves to the parsed answer (a `Response` for raw bytes).
 * @throws AppError  with the server's code and sentence; `DriverUnavailable` when the server cannot be reached
 */
export function createClient(options: { baseUrl?: string; token?: string; fetch?: typeof fetch } = {}): Client {
  const send = options.fetch ?? fetch;

  async function call(endpoint: Endpoint, args: Record<string, unknown> = {}): Promise<unknown> {
    // The typed signature of Client guarantees these shapes.
    const params = args['params'] as Record<string, string> | undefined;
    const query = args['query'] as Record<string, string | number | undefined> | undefined;
    const headers: Record<string, string> = { ...(args['headers'] as Record<string, string> | undefined) };
    let body: BodyInit | null = null;
    if (endpoint.body === 'bytes') body = args['body'] as BodyInit;
    else if (endpoint.body !== undefined) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(args['body'] ?? {});
    }
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    const init: RequestInit & { duplex?: 'half' } = { method: endpoint.method, headers, body, duplex: 'half' };
    if (args['signal'] instanceof AbortSignal) init.signal = args['signal'];

    let response: Response;
    try {
      response = await send((options.baseUrl ?? '') + endpointUrl(endpoint, params, query), init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new AppError('DriverUnavailable', 'Terrarium cannot be reached. Check the connection and try again.', {
        cause: error,
      });
    }
    if (!response.ok) throw await errorOf(response);
    if (endpoint.response === 'bytes' || endpoint.response === 'events') return response;
    if (endpoint.response === undefined) return undefined;
    return endpoint.response.parse(await response.json());
  }

  const client: Record<string, unknown> = {};
  for (const [name, endpoint] of Object.entries(endpoints)) {
    client[name] = (args?: Record<string, unknown>) => call(endpoint, args);
  }
  return client as Client; // built from the same table as the type
}

async function errorOf(response: Response): Promise<AppError> {
  const parsed = ErrorBody.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    return new AppError('Internal', `The server answered ${String(response.status)} ${response.statusText}.`);
  const { code, message, fields, requestId } = parsed.data;
  return new AppError(code, message, {
    ...(fields === undefined ? {} : { fields }),
    ...(requestId === undefined ? {} : { details: { requestId } }),
  });
}
