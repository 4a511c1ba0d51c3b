import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Whether a request carries the environment's secret; takes the same time whatever it carries. */
export function createAuthorization(secret: string): (request: IncomingMessage) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${secret}`);
  return (request) => secret !== '' && timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
}
