import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import type * as Y from 'yjs';

/** Types of frames: those of y-websocket, and 80, our own. @see docs/decisions/0005-live-documents.md */
const frame = { sync: 0, awareness: 1, queryAwareness: 3, own: 80 } as const;

/** One JSON message of ours. */
export type RoomMessage = { readonly type: string } & Readonly<Record<string, unknown>>;

export type Frame =
  | { readonly kind: 'sync'; readonly step: 'step1' | 'step2' | 'update'; readonly decoder: decoding.Decoder }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'query-awareness' }
  | { readonly kind: 'own'; readonly message: RoomMessage }
  | { readonly kind: 'unknown' };

/** @throws Error  on bytes that are no frame */
export function readFrame(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes);
  switch (decoding.readVarUint(decoder)) {
    case frame.sync:
      return { kind: 'sync', step: stepOf(decoding.peekVarUint(decoder)), decoder };
    case frame.awareness:
      return { kind: 'awareness', update: decoding.readVarUint8Array(decoder) };
    case frame.queryAwareness:
      return { kind: 'query-awareness' };
    case frame.own: {
      const message: unknown = JSON.parse(decoding.readVarString(decoder));
      return isRoomMessage(message) ? { kind: 'own', message } : { kind: 'unknown' };
    }
    default:
      return { kind: 'unknown' };
  }
}

/** Asks for what this side lacks. */
export function syncStep1(doc: Y.Doc): Uint8Array {
  return write(frame.sync, (encoder) => syncProtocol.writeSyncStep1(encoder, doc));
}

export function syncUpdate(update: Uint8Array): Uint8Array {
  return write(frame.sync, (encoder) => syncProtocol.writeUpdate(encoder, update));
}

/**
 * Takes a sync message into `doc`.
 * @returns the answer it asks for, if any
 */
export function takeSync(decoder: decoding.Decoder, doc: Y.Doc, origin: unknown): Uint8Array | undefined {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, frame.sync);
  const before = encoding.length(encoder);
  syncProtocol.readSyncMessage(decoder, encoder, doc, origin);
  return encoding.length(encoder) > before ? encoding.toUint8Array(encoder) : undefined;
}

export function awarenessUpdate(awareness: awarenessProtocol.Awareness, clients: number[]): Uint8Array {
  return write(frame.awareness, (encoder) =>
    encoding.writeVarUint8Array(encoder, awarenessProtocol.encodeAwarenessUpdate(awareness, clients)),
  );
}

export function ownMessage(message: RoomMessage): Uint8Array {
  return write(frame.own, (encoder) => encoding.writeVarString(encoder, JSON.stringify(message)));
}

function write(type: number, content: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  content(encoder);
  return encoding.toUint8Array(encoder);
}

function stepOf(type: number): 'step1' | 'step2' | 'update' {
  if (type === syncProtocol.messageYjsSyncStep1) return 'step1';
  return type === syncProtocol.messageYjsSyncStep2 ? 'step2' : 'update';
}

function isRoomMessage(value: unknown): value is RoomMessage {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
