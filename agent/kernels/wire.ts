import { createHmac, timingSafeEqual } from 'node:crypto';
import { isRecord } from '../router.ts';

export type Channel = 'shell' | 'control' | 'stdin' | 'iopub';

/**
 * A Jupyter message as it travels: the four dictionaries stay the JSON bytes that were sent, so that nothing on the way
 * between a kernel and a browser parses or changes them.
 * @see Jupyter messaging protocol 5.4, "The Wire Protocol"
 */
export interface WireMessage {
  readonly header: Buffer;
  readonly parentHeader: Buffer;
  readonly metadata: Buffer;
  readonly content: Buffer;
  readonly buffers: readonly Buffer[];
}

/** The fields of a header (or parent header) that routing needs; empty strings where the sender left them out. */
export interface HeaderFacts {
  readonly msgId: string;
  readonly msgType: string;
  readonly session: string;
}

const delimiter = Buffer.from('<IDS|MSG>');
const noHeader: HeaderFacts = { msgId: '', msgType: '', session: '' };

export function headerFacts(bytes: Buffer): HeaderFacts {
  const header = jsonObject(bytes);
  if (header === null) return noHeader;
  const text = (name: string): string => (typeof header[name] === 'string' ? header[name] : '');
  return { msgId: text('msg_id'), msgType: text('msg_type'), session: text('session') };
}

/** The JSON object in these bytes, or null when they hold anything else. */
export function jsonObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function signature(key: string, message: WireMessage): string {
  return createHmac('sha256', key)
    .update(message.header)
    .update(message.parentHeader)
    .update(message.metadata)
    .update(message.content)
    .digest('hex');
}

export function encodeWire(key: string, message: WireMessage): Buffer[] {
  const { header, parentHeader, metadata, content, buffers } = message;
  return [delimiter, Buffer.from(signature(key, message)), header, parentHeader, metadata, content, ...buffers];
}

/** The message in the frames of one multipart, or null when it is malformed or its signature is wrong. */
export function decodeWire(key: string, frames: readonly Buffer[]): WireMessage | null {
  const start = frames.findIndex((frame) => frame.equals(delimiter));
  if (start === -1) return null;
  const [signed, header, parentHeader, metadata, content, ...buffers] = frames.slice(start + 1);
  if (!signed || !header || !parentHeader || !metadata || !content) return null;
  const message = { header, parentHeader, metadata, content, buffers };
  const expected = Buffer.from(signature(key, message));
  return signed.length === expected.length && timingSafeEqual(signed, expected) ? message : null;
}

/** A message of our own making. */
export function composeMessage(fields: {
  header: Record<string, unknown>;
  parentHeader?: Buffer;
  content: Record<string, unknown>;
}): WireMessage {
  return {
    header: Buffer.from(JSON.stringify(fields.header)),
    parentHeader: fields.parentHeader ?? Buffer.from('{}'),
    metadata: Buffer.from('{}'),
    content: Buffer.from(JSON.stringify(fields.content)),
    buffers: [],
  };
}

export function newHeader(msgType: string, session: string): Record<string, unknown> {
  return {
    msg_id: `${session}_${crypto.randomUUID()}`,
    msg_type: msgType,
    username: 'terrarium',
    session,
    date: new Date().toISOString(),
    version: '5.4',
  };
}
