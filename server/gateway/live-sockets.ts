import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError } from '@terrarium/contract';
import type { Log } from '../plumbing/log.ts';
import type { Permission } from '../workspaces/access.ts';
import type { Place, Visitors } from './visitors.ts';

const recheckEveryMs = 60_000;
const recheckSoonMs = 100;

/** WebSockets outlive the request that opened them; these are asked again whether they may, and cut when not. */
export function createLiveSockets(visitors: Visitors, log: Log) {
  const open = new Map<Duplex, () => Promise<void>>();
  const partings = new WeakMap<Duplex, () => void>();
  let soon: NodeJS.Timeout | undefined;

  async function recheckAll(): Promise<void> {
    for (const [socket, check] of open) {
      try {
        await check();
      } catch (error) {
        if (error instanceof AppError) socket.destroy();
        else log.warn({ err: error }, 'gateway: could not ask again about a WebSocket');
      }
    }
  }

  const recheck = (delayMs: number) => {
    soon ??= setTimeout(() => {
      soon = undefined;
      void recheckAll();
    }, delayMs);
  };
  const timer = setInterval(() => {
    recheck(0);
  }, recheckEveryMs);
  timer.unref();

  return {
    add(socket: Duplex, request: IncomingMessage, place: Place, permission: Permission): void {
      open.set(socket, async () => {
        await visitors.requireRight(await visitors.admit(request, place), permission);
      });
      socket.once('close', () => open.delete(socket));
    },
    /** How this one is ended when all are, where that is not by cutting it. */
    partWith: (socket: Duplex, part: () => void) => {
      partings.set(socket, part);
    },
    /** Also where none is open yet: one that was let in by the old rights may be on its way. */
    recheck: () => {
      recheck(recheckSoonMs);
    },
    close(): void {
      clearInterval(timer);
      clearTimeout(soon);
      for (const socket of open.keys()) {
        const part = partings.get(socket);
        if (part === undefined) socket.destroy();
        else part();
      }
    },
  };
}
