import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Permission } from '../workspaces/access.ts';
import type { Visitor } from './visitor.ts';

/** A WebSocket that the control plane itself answers at the door. */
export interface DoorSocket {
  /** @param path  without query */
  matches(path: string): boolean;
  readonly permission: Permission;
  /** Takes the socket over; its visitor has been admitted and holds `permission`. */
  accept(visitor: Visitor, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}
