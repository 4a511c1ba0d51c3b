import * as z from 'zod';
import { visibly } from './names.ts';

/** Every error code the API can answer, with its HTTP status. The list is closed: a new code is added here first. */
export const errorStatus = {
  InvalidInput: 400,
  NotSignedIn: 401,
  NotAllowed: 403,
  NotFound: 404,
  NotPossibleNow: 409,
  AlreadyExists: 409,
  OriginRefused: 403,
  PreconditionFailed: 412,
  TooLarge: 413,
  RangeNotSatisfiable: 416,
  EnvironmentPaused: 422,
  EnvironmentNotReady: 423,
  TooManyRequests: 429,
  Internal: 500,
  DriverUnavailable: 503,
  StorageFull: 507,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatus;

// Object.keys loses the literal type; the keys of a const object are exactly ErrorCode.
export const errorCodes = Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]];

/** The body of every 4xx and 5xx answer of /api. `message` is a sentence for a person; `fields` places it in a form. */
export const ErrorBody = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  fields: z.record(z.string(), z.string()).optional(),
  requestId: z.string().optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/**
 * The one error class that crosses a noun's border. The message is written for the person who sees it:
 * what happened, to which thing, what to do.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  /** Sentence for each wrong form field, keyed by the field's path. */
  readonly fields: Record<string, string> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown>; fields?: Record<string, string> } = {},
  ) {
    // Messages quote names that others chose; none may change how its sentence reads.
    super(visibly(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details;
    this.fields =
      options.fields === undefined
        ? undefined
        : Object.fromEntries(Object.entries(options.fields).map(([field, text]) => [field, visibly(text)]));
  }

  get status(): number {
    return errorStatus[this.code];
  }
}
