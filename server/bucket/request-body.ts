import { Readable } from 'node:stream';

/**
 * A request's body for someone who may stop reading it. Destroying the request itself would close the connection, and the
 * answer that says why (no room, changed meanwhile) would never arrive; destroying this leaves it open. What is left
 * unread is read away, so that the connection can be used again.
 */
export function readerOf(body: Readable): Readable {
  // By 'data' events alone: a stream that has had a 'readable' listener does not flow away by resume().
  const reader = new Readable({
    read() {
      body.resume();
    },
  });
  const onData = (chunk: unknown) => {
    if (!reader.push(chunk)) body.pause();
  };
  const onEnd = () => {
    reader.push(null);
  };
  const onError = (error: Error) => {
    reader.destroy(error);
  };
  const onClose = () => {
    if (!body.readableEnded) reader.destroy(body.errored ?? new Error('The request ended before its body did.'));
  };
  // The sender may go away before anyone reads; whoever does then finds the reader's `errored`.
  reader.on('error', () => undefined);
  body.pause();
  body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  reader.once('close', () => {
    body.off('data', onData).off('end', onEnd).off('close', onClose);
    body.resume();
  });
  if (body.readableEnded) onEnd();
  else if (body.destroyed) onClose();
  return reader;
}
