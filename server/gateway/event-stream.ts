import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventBus, PublishedEvent } from '../plumbing/events.ts';

export interface EventStreams {
  /**
   * Answers with server-sent events until the client goes away: `change` for each event it may hear of, `reset` when
   * it has missed more than is kept and must read everything again, `ready` at the start.
   * @param mayHear  asked for each event, in order
   * @param mayStay  asked at each heartbeat; false ends the stream (signed out, access taken away)
   */
  open(options: {
    request: IncomingMessage;
    response: ServerResponse;
    mayHear: (published: PublishedEvent) => boolean | Promise<boolean>;
    mayStay: () => Promise<boolean>;
  }): void;
  /** Ends every stream; clients come back and go on where they were. */
  close(): void;
}

const heartbeatMs = 15_000;
const mostUnread = 1024 ** 2;

/**
 * Server-sent events of the bus. An id is `<epoch>-<sequence>`; a client that comes back with `Last-Event-ID` gets what
 * it missed.
 * INVARIANT: a stream sends events in the order of their sequence, whatever `mayHear` takes to answer.
 */
export function createEventStreams(bus: EventBus, heartbeatEveryMs = heartbeatMs): EventStreams {
  const open = new Set<() => void>();
  let latest = 0;
  bus.subscribe(({ sequence }) => {
    latest = sequence;
  });

  return {
    open({ request, response, mayHear, mayStay }) {
      response.on('error', () => undefined);
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const idOf = (sequence: number) => `id: ${bus.epoch}-${String(sequence)}\n`;
      const startsAt = latest;
      const missed = missedBy(request.headers['last-event-id'], bus);
      response.write('retry: 1000\n\n');
      if (missed === 'tooOld') response.write(`${idOf(startsAt)}event: reset\ndata: {}\n\n`);
      else if (missed.length === 0) response.write(`${idOf(startsAt)}event: ready\ndata: {}\n\n`);

      let queue = Promise.resolve();
      const send = (published: PublishedEvent) => {
        queue = queue
          .then(async () => {
            if (response.destroyed || !(await mayHear(published)) || response.destroyed) return;
            response.write(`${idOf(published.sequence)}event: change\ndata: ${JSON.stringify(published.event)}\n\n`);
            // Someone who does not read is let go, and resumes by id.
            if (response.writableLength > mostUnread) response.destroy();
          })
          .catch(() => {
            response.destroy();
          });
      };
      if (missed !== 'tooOld') for (const published of missed) send(published);
      const unsubscribe = bus.subscribe(send);
      const heartbeat = setInterval(() => {
        response.write(':\n\n');
        mayStay()
          .then((may) => {
            if (!may) response.end();
          })
          .catch(() => undefined);
      }, heartbeatEveryMs);
      const end = () => response.end();
      open.add(end);
      response.on('close', () => {
        open.delete(end);
        unsubscribe();
        clearInterval(heartbeat);
      });
    },
    close() {
      for (const end of open) end();
    },
  };
}

function missedBy(lastEventId: string | string[] | undefined, bus: EventBus): PublishedEvent[] | 'tooOld' {
  if (typeof lastEventId !== 'string' || lastEventId === '') return [];
  const dash = lastEventId.lastIndexOf('-');
  const sequence = Number(lastEventId.slice(dash + 1));
  if (lastEventId.slice(0, dash) !== bus.epoch || !Number.isSafeInteger(sequence) || sequence < 0) return 'tooOld';
  return bus.since(sequence) ?? 'tooOld';
}
