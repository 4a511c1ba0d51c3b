import { isRecord } from '../router.ts';
import { headerFacts, type Channel, type WireMessage } from './wire.ts';

export interface ChannelMessage extends WireMessage {
  readonly channel: Channel;
}

/** How messages look on a WebSocket: plain JSON, or the subprotocol `v1.kernel.websocket.jupyter.org`. */
export interface Framing {
  encode(message: ChannelMessage): string | Buffer;
  /** Null for anything that is not a message; a socket's peer is never trusted. */
  decode(data: Buffer, isBinary: boolean): ChannelMessage | null;
}

export const v1Subprotocol = 'v1.kernel.websocket.jupyter.org';
const channels: readonly string[] = ['shell', 'control', 'stdin', 'iopub'] satisfies Channel[];
const isChannel = (name: unknown): name is Channel => typeof name === 'string' && channels.includes(name);

/**
 * JSON text; with binary buffers a binary frame: big-endian uint32 count, offsets, the JSON, the buffers.
 * @see jupyter_server, "WebSocket kernel wire protocols", default protocol
 */
export const jsonFraming: Framing = {
  encode(message) {
    const { msgId, msgType } = headerFacts(message.header);
    const text =
      `{"header":${message.header.toString()},"msg_id":${JSON.stringify(msgId)},"msg_type":${JSON.stringify(msgType)},` +
      `"parent_header":${message.parentHeader.toString()},"metadata":${message.metadata.toString()},` +
      `"content":${message.content.toString()},"buffers":[],"channel":"${message.channel}"}`;
    return message.buffers.length === 0 ? text : packBuffers(Buffer.from(text), message.buffers);
  },
  decode(data, isBinary) {
    const parts = isBinary ? unpackBuffers(data) : [data];
    const [text, ...buffers] = parts ?? [];
    if (text === undefined) return null;
    let value: unknown;
    try {
      value = JSON.parse(text.toString());
    } catch {
      return null;
    }
    if (!isRecord(value) || !isRecord(value['header']) || !isChannel(value['channel'])) return null;
    const json = (name: string): Buffer => Buffer.from(JSON.stringify(isRecord(value[name]) ? value[name] : {}));
    return {
      channel: value['channel'],
      header: json('header'),
      parentHeader: json('parent_header'),
      metadata: json('metadata'),
      content: json('content'),
      buffers,
    };
  },
};

function packBuffers(text: Buffer, buffers: readonly Buffer[]): Buffer {
  const parts = [text, ...buffers];
  const head = Buffer.alloc(4 * (parts.length + 1));
  head.writeUInt32BE(parts.length, 0);
  let offset = head.length;
  for (const [index, part] of parts.entries()) {
    head.writeUInt32BE(offset, 4 * (index + 1));
    offset += part.length;
  }
  return Buffer.concat([head, ...parts]);
}

function unpackBuffers(data: Buffer): Buffer[] | null {
  if (data.length < 4) return null;
  const count = data.readUInt32BE(0);
  if (count === 0 || data.length < 4 * (count + 1)) return null;
  const offsets = Array.from({ length: count }, (_, index) => data.readUInt32BE(4 * (index + 1)));
  return slices(data, [...offsets, data.length], 4 * (count + 1));
}

/**
 * Little-endian uint64 count, that many offsets (the last is the end), then channel, header, parent header, metadata,
 * content and buffers one after another.
 * @see jupyter_server, "WebSocket kernel wire protocols", v1.kernel.websocket.jupyter.org
 */
export const v1Framing: Framing = {
  encode(message) {
    const { header, parentHeader, metadata, content, buffers } = message;
    const parts = [Buffer.from(message.channel), header, parentHeader, metadata, content, ...buffers];
    const count = parts.length + 1;
    const head = Buffer.alloc(8 * (count + 1));
    head.writeBigUInt64LE(BigInt(count), 0);
    let offset = head.length;
    for (const [index, part] of parts.entries()) {
      head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1));
      offset += part.length;
    }
    head.writeBigUInt64LE(BigInt(offset), 8 * count);
    return Buffer.concat([head, ...parts]);
  },
  decode(data, isBinary) {
    if (!isBinary || data.length < 8) return null;
    const count = Number(data.readBigUInt64LE(0));
    if (count < 6 || count > 100_000 || data.length < 8 * (count + 1)) return null;
    const offsets = Array.from({ length: count }, (_, index) => Number(data.readBigUInt64LE(8 * (index + 1))));
    const parts = slices(data, offsets, 8 * (count + 1));
    if (parts === null) return null;
    const [name, header, parentHeader, metadata, content, ...buffers] = parts;
    const channel = name?.toString();
    if (!isChannel(channel) || !header || !parentHeader || !metadata || !content) return null;
    return { channel, header, parentHeader, metadata, content, buffers };
  },
};

/** The pieces between ascending offsets, or null when they are not ascending or leave the data. */
function slices(data: Buffer, offsets: readonly number[], first: number): Buffer[] | null {
  const pieces: Buffer[] = [];
  let start = offsets[0] ?? 0;
  if (start < first) return null;
  for (const end of offsets.slice(1)) {
    if (end < start || end > data.length) return null;
    pieces.push(data.subarray(start, end));
    start = end;
  }
  return pieces;
}
