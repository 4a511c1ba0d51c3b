import { WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import type { DoorSocket } from './door-socket.ts';
import type { Visitor } from './visitor.ts';

export interface EventChannel {
  readonly socket: DoorSocket;
  /**
   * Passes an event to everything the same person has open in the same workspace.
   * @throws AppError InvalidInput
   */
  emit(visitor: Visitor, event: unknown): void;
  close(): void;
}

/** @see jupyter_server, POST /api/events */
const Event = z.object({
  schema_id: z.string().min(1).max(500),
  version: z.union([z.string(), z.number()]).transform(String),
  data: z.record(z.string(), z.unknown()),
  timestamp: z.iso.datetime({ offset: true }).optional(),
});

const pingEveryMs = 30_000;
const mostUnread = 1024 ** 2;

/** Jupyter's event bus: `/api/events/subscribe` and what is posted to `/api/events`. */
export function createEventChannel(options: { clock: Clock }): EventChannel {
  const { clock } = options;
  const server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024, perMessageDeflate: false });
  const listeners = new Map<WebSocket, { key: string; isAlive: boolean }>();
  const keyOf = (visitor: Visitor) => `${visitor.access.workspace.id} ${visitor.principal.account.id}`;

  const pings = setInterval(() => {
    for (const [listener, state] of listeners) {
      if (!state.isAlive) listener.terminate();
      else {
        state.isAlive = false;
        listener.ping();
      }
    }
  }, pingEveryMs);
  pings.unref();

  return {
    socket: {
      matches: (path) => path === '/api/events/subscribe',
      permission: 'read',
      accept(visitor, request, socket, head) {
        server.handleUpgrade(request, socket, head, (listener) => {
          const state = { key: keyOf(visitor), isAlive: true };
          listeners.set(listener, state);
          listener.on('error', () => {
            listener.terminate();
          });
          listener.on('pong', () => {
            state.isAlive = true;
          });
          listener.on('close', () => listeners.delete(listener));
        });
      },
    },
    emit(visitor, event) {
      const parsed = Event.safeParse(event);
      if (!parsed.success) {
        const field = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
        throw new AppError(
          'InvalidInput',
          `An event has schema_id, version and data${field === '' ? '' : `; "${field}" is not right`}.`,
        );
      }
      const { schema_id, version, data, timestamp } = parsed.data;
      const message = JSON.stringify({
        ...data,
        __timestamp__: timestamp ?? isoMoment(clock.now()),
        __schema__: schema_id,
        __schema_version__: version,
        __metadata_version__: 1,
      });
      const key = keyOf(visitor);
      for (const [listener, state] of listeners) {
        if (state.key !== key || listener.readyState !== WebSocket.OPEN) continue;
        if (listener.bufferedAmount > mostUnread) listener.terminate();
        else listener.send(message);
      }
    },
    close() {
      clearInterval(pings);
      for (const listener of listeners.keys()) listener.terminate();
    },
  };
}
