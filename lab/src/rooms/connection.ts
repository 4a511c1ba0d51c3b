import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';

/** What the server calls the document, and which history of it. */
export interface RoomSession {
  readonly fileId: string;
  readonly sessionId: string;
}

/** Why a session could not be opened. Anything else that is thrown is taken for a lost connection. */
export class RoomRefusal extends Error {
  /** True when asking again would be answered the same. */
  readonly isFinal: boolean;

  constructor(message: string, options: { isFinal: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.isFinal = options.isFinal;
  }
}

export interface RoomOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** @throws RoomRefusal */
  readonly openSession: () => Promise<RoomSession>;
  readonly socketUrl: (session: RoomSession) => string;
  readonly WebSocket: typeof WebSocket;
  readonly timing?: Partial<RoomTiming>;
}

export interface RoomTiming {
  /** Waits between attempts grow from the first to the second. */
  readonly retryMs: readonly [number, number];
  /** How often an idle connection is tried. */
  readonly pingMs: number;
  /** How long the server may take to open a connection, or to answer when it is asked whether it is there. */
  readonly answerMs: number;
  /** How long a message of ours may wait for its answer. */
  readonly requestMs: number;
}

export type Connection =
  | { readonly kind: 'connected' }
  | { readonly kind: 'connecting'; readonly since: number; readonly reason: string | null }
  /** It is not tried again: the document is gone, or has another history. */
  | { readonly kind: 'ended'; readonly why: 'deleted' | 'refused' | 'replaced'; readonly reason: string };
