import { Readable } from 'node:stream';

/**
 * A request's body for someone who may stop reading it. Destroying the request itself would close the connection, and the
 * answer that says why (no room, changed meanwhile) would never arrive; destroying this leaves it open. What is left
 * unread is read away, so that the connection can be used again.
 */
export function readerOf(body: Readable): Readable {
  const reader = Readable.from(body.iterator({ destroyOnReturn: false }), { objectMode: false });
  reader.once('close', () => {
    if (!body.readableEnded && !body.destroyed) body.resume();
  });
  return reader;
}
