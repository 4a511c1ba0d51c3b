/** An answer that is not success; its body has jupyter_server's shape, `{ message, reason }`. */
export class HttpError extends Error {
  readonly status: number;
  readonly reason: string | null;

  constructor(status: number, message: string, reason: string | null = null, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HttpError';
    this.status = status;
    this.reason = reason;
  }
}
