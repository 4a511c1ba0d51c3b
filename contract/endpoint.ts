import type * as z from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * One route of /api. `params` names the `{placeholders}` of `path`; a placeholder takes one percent-encoded segment,
 * slashes included as %2F. `body` and `response` are schemas of JSON, `'bytes'` for a raw stream, or absent for none.
 */
export interface Endpoint {
  readonly method: Method;
  readonly path: `/api/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType | 'bytes';
  readonly response?: z.ZodType | 'bytes' | 'events';
  /** Status of success: 200 unless said. */
  readonly status?: 200 | 201 | 202 | 204;
  /** True where no sign-in is asked for. */
  readonly isPublic?: boolean;
}

export type ParamsOf<E extends Endpoint> = E['params'] extends z.ZodObject
  ? z.infer<E['params']>
  : Record<never, never>;
export type QueryOf<E extends Endpoint> = E['query'] extends z.ZodObject ? z.infer<E['query']> : Record<never, never>;
export type BodyOf<E extends Endpoint> = E['body'] extends z.ZodType ? z.infer<E['body']> : undefined;
export type ResponseOf<E extends Endpoint> = E['response'] extends z.ZodType ? z.infer<E['response']> : void;
