import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createEventBus, type EventBus, type PublishedEvent } from '../plumbing/events.ts';
import { createEventStreams, type EventStreams } from './event-stream.ts';
import { until } from './gateway-fixture.ts';

interface Heard {
  text: () => string;
  events: () => { id: string; event: string; data: string }[];
  isOver: () => boolean;
  leave: () => void;
}

let cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp) step();
  cleanUp = [];
});

/** A bus with its streams served over real HTTP. */
async function serve(options: {
  mayHear?: (published: PublishedEvent) => boolean | Promise<boolean>;
  mayStay?: () => Promise<boolean>;
  heartbeatMs?: number;
}): Promise<{ bus: EventBus; streams: EventStreams; listen: (lastEventId?: string) => Promise<Heard> }> {
  const bus = createEventBus('epoch-1');
  const streams = createEventStreams(bus, options.heartbeatMs);
  const server = http.createServer((request, response) => {
    streams.open({
      request,
      response,
      mayHear: options.mayHear ?? (() => true),
      mayStay: options.mayStay ?? (async () => true),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const listen = (lastEventId?: string) =>
    new Promise<Heard>((resolve, reject) => {
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const request = http.get({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
        let text = '';
        let isOver = false;
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', () => undefined);
        response.on('close', () => {
          isOver = true;
        });
        resolve({
          text: () => text,
          isOver: () => isOver,
          leave: () => request.destroy(),
          events: () =>
            [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n\n/gm)].map((match) => ({
              id: match[1] ?? '',
              event: match[2] ?? '',
              data: match[3] ?? '',
            })),
        });
      });
      request.on('error', reject);
    });
  return { bus, streams, listen };
}

const change = (id: string) => ({ kind: 'environment', id, workspaceId: 'w' }) as const;

describe('a stream of events', () => {
  it('says where it starts, then what changes, in order', async () => {
    const { bus, listen } = await serve({
      // The first takes longest to decide on, and still comes first.
      mayHear: ({ sequence }) => new Promise((resolve) => setTimeout(() => resolve(true), sequence === 2 ? 20 : 0)),
    });
    bus.publish(change('before'));
    const heard = await listen();
    await until('it is ready', () => heard.events().length === 1);
    bus.publish(change('first'));
    bus.publish(change('second'));
    await until('both are heard', () => heard.events().length === 3);
    expect(heard.events()).toEqual([
      { id: 'epoch-1-1', event: 'ready', data: '{}' },
      { id: 'epoch-1-2', event: 'change', data: JSON.stringify(change('first')) },
      { id: 'epoch-1-3', event: 'change', data: JSON.stringify(change('second')) },
    ]);
  });

  it('goes on where it was, without a gap', async () => {
    const { bus, listen } = await serve({});
    for (const id of ['a', 'b', 'c']) bus.publish(change(id));
    const heard = await listen('epoch-1-1');
    await until('what was missed is heard', () => heard.events().length === 2);
    expect(heard.events().map(({ id }) => id)).toEqual(['epoch-1-2', 'epoch-1-3']);
  });

  it.each(['another-epoch-1', 'epoch-1-999', 'epoch-1-x', 'epoch-1--1', 'nonsense'])(
    'from %s everything has to be read again',
    async (lastEventId) => {
      const { bus, listen } = await serve({});
      bus.publish(change('a'));
      const heard = await listen(lastEventId);
      await until('the reset is heard', () => heard.events().length === 1);
      expect(heard.events()).toEqual([{ id: 'epoch-1-1', event: 'reset', data: '{}' }]);
    },
  );

  it('from further back than what is kept everything has to be read again', async () => {
    const { bus, listen } = await serve({});
    for (let count = 0; count < 2005; count += 1) bus.publish(change(String(count)));
    const heard = await listen('epoch-1-2');
    await until('the reset is heard', () => heard.events()[0]?.event === 'reset');
  });

  it('keeps quiet about what its listener may not know', async () => {
    const { bus, listen } = await serve({ mayHear: ({ event }) => event.id !== 'secret' });
    const heard = await listen();
    await until('it is ready', () => heard.events().length === 1);
    bus.publish(change('secret'));
    bus.publish(change('known'));
    await until('the known one is heard', () => heard.events().length === 2);
    expect(heard.text()).not.toContain('secret');
  });

  it('beats, and ends when its listener may no longer listen', async () => {
    let may = true;
    const { listen } = await serve({ heartbeatMs: 10, mayStay: async () => may });
    const heard = await listen();
    await until('it beats', () => heard.text().includes(':\n\n'));
    may = false;
    await until('it ends', () => heard.isOver());
  });

  it('lets everyone go when it closes', async () => {
    const { streams, listen } = await serve({});
    const heard = await listen();
    streams.close();
    await until('it ends', () => heard.isOver());
  });
});
