import type { FastifyError, FastifyInstance } from 'fastify';
import type * as z from 'zod';
import { AppError, errorStatus, type ErrorBody } from '@terrarium/contract';

/** The schema's complaints as one AppError: the first as the message, each placed at its field. */
export function inputError(error: z.ZodError): AppError {
  const fields: Record<string, string> = {};
  for (const issue of error.issues) {
    const field = issue.path.map(String).join('.');
    fields[field] ??= sentence(issue);
  }
  const [field, message] = Object.entries(fields)[0] ?? ['', 'The request is not valid.'];
  return new AppError(
    'InvalidInput',
    /^[a-z]/.test(message) && field !== '' ? `${shortened(field)}: ${message}` : message,
    { fields },
  );
}

/** Schemas of the contract carry sentences of their own; what the library says by itself is made one. */
function sentence(issue: z.core.$ZodIssue): string {
  // A record says of a bad key only that it is one; the key's own schema says why.
  if (issue.code === 'invalid_key' && issue.issues[0] !== undefined) return sentence(issue.issues[0]);
  if (issue.code === 'unrecognized_keys') return `There is no ${inWords(issue.keys)} here.`;
  if (/[.!?]$/.test(issue.message)) return issue.message;
  const text = issue.message.replace(/^Invalid input: /, '');
  const field = issue.path.map(String).join('.');
  const subject = field === '' ? 'What was sent' : `"${shortened(field)}"`;
  return `${subject} is not valid: ${text.charAt(0).toLowerCase()}${text.slice(1)}.`;
}

const mostNamed = 3;
const mostCharacters = 60;

function inWords(keys: readonly string[]): string {
  const named = keys.slice(0, mostNamed).map((key) => `"${shortened(key)}"`);
  const more = keys.length > mostNamed ? ` or ${String(keys.length - mostNamed)} more` : '';
  return named.join(', ') + more;
}

function shortened(text: string): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`;
}

/** Answers every failure of `app` as an ErrorBody. What is not an AppError is logged and told without its inner text. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => {
    const known = error instanceof AppError ? error : fromFastify(error);
    if (known === undefined) {
      request.log.error({ err: error, requestId: request.id }, 'request failed');
    } else if (errorStatus[known.code] >= 500) {
      request.log.warn({ err: known, requestId: request.id }, 'request failed');
    }
    const body: ErrorBody = {
      code: known?.code ?? 'Internal',
      message:
        known?.message ?? 'Something went wrong inside Terrarium. The log has the details under this request id.',
      ...(known?.fields === undefined ? {} : { fields: known.fields }),
      requestId: request.id,
    };
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    void reply.code(errorStatus[body.code]).type('application/json').send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const body: ErrorBody = {
      code: 'NotFound',
      message: `There is no ${request.method} ${shortened(request.url.split('?')[0] ?? '')} here.`,
    };
    void reply.code(404).send(body);
  });
}

function fromFastify(error: FastifyError): AppError | undefined {
  switch (error.statusCode ?? 500) {
    case 400:
      return new AppError(
        'InvalidInput',
        error.code === 'FST_ERR_CTP_INVALID_JSON_BODY' ? 'The body is not valid JSON.' : 'The request is not valid.',
        { cause: error },
      );
    case 413:
      return new AppError('TooLarge', 'The request is too large.', { cause: error });
    case 415:
      return new AppError('InvalidInput', 'The body must be JSON, with content type application/json.', {
        cause: error,
      });
    case 429:
      return new AppError('TooManyRequests', 'Too many requests. Wait a moment and try again.', { cause: error });
    default:
      return undefined;
  }
}
