import * as encoding from 'lib0/encoding';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import type * as Y from 'yjs';
import type { RoomNotice } from './live-document.ts';

/*
 * What goes over a room's socket: a varuint for the kind of message, then its parts.
 * @see y-protocols, PROTOCOL.md; jupyter_server_ydoc, `save`
 */
export const messageSync = 0;
export const messageAwareness = 1;
/** jupyter_server_ydoc's own: a text, with `save` and a number among them. */
export const messageRaw = 2;
/** Ours: one JSON text. */
export const messageNotice = 80;

/** Asks for what the other side has and `doc` lacks. */
export function encodeQuestion(doc: Y.Doc): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageSync);
  syncProtocol.writeSyncStep1(encoder, doc);
  return encoding.toUint8Array(encoder);
}

/** What the other side lacks, as one update. */
export function encodeAnswer(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageSync);
  encoding.writeVarUint(encoder, syncProtocol.messageYjsSyncStep2);
  encoding.writeVarUint8Array(encoder, update);
  return encoding.toUint8Array(encoder);
}

export function encodeUpdate(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageSync);
  syncProtocol.writeUpdate(encoder, update);
  return encoding.toUint8Array(encoder);
}

export function encodeAwareness(awareness: awarenessProtocol.Awareness, clients: number[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageAwareness);
  encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(awareness, clients));
  return encoding.toUint8Array(encoder);
}

export function encodeNotice(notice: RoomNotice): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageNotice);
  encoding.writeVarString(encoder, JSON.stringify(notice));
  return encoding.toUint8Array(encoder);
}

/** The answer to jupyter's `save`. */
export function encodeSaveReply(responseTo: number, status: 'success' | 'failed'): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, messageRaw);
  encoding.writeVarString(encoder, JSON.stringify({ type: 'save', responseTo, status }));
  return encoding.toUint8Array(encoder);
}
