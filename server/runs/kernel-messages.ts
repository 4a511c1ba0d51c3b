import { isObject, type JsonObject } from '../documents/json-object.ts';

/** A message from a kernel, with its place in the agent's journal. */
export interface KernelMessage {
  readonly seq: number;
  readonly channel: string;
  readonly type: string;
  /** Id of the request that it answers; empty for none. */
  readonly parentId: string;
  readonly header: JsonObject;
  readonly metadata: JsonObject;
  readonly content: JsonObject;
  /** Characters it took, for batching. */
  readonly size: number;
}

export interface KernelRequest {
  readonly msgId: string;
  readonly type: 'execute_request' | 'input_reply' | 'comm_msg';
  readonly channel: 'shell' | 'stdin';
  readonly parentHeader: JsonObject;
  readonly metadata: JsonObject;
  readonly content: JsonObject;
}

/**
 * Reads a frame of a kernel's WebSocket, buffers aside: no output of a notebook is made of them.
 * @returns null for what is no message
 * @see jupyter_server, "WebSocket kernel wire protocols", default protocol
 */
export function readMessage(data: Buffer, isBinary: boolean): KernelMessage | null {
  const text = isBinary ? firstPart(data) : data;
  let value: unknown;
  try {
    value = text === null ? null : JSON.parse(text.toString());
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const part = (name: string): JsonObject => (isObject(value[name]) ? value[name] : {});
  const [header, parent, metadata] = [part('header'), part('parent_header'), part('metadata')];
  const { terrarium_seq: seq } = metadata;
  if (typeof header['msg_type'] !== 'string' || typeof seq !== 'number') return null;
  return {
    seq,
    channel: typeof value['channel'] === 'string' ? value['channel'] : '',
    type: header['msg_type'],
    parentId: typeof parent['msg_id'] === 'string' ? parent['msg_id'] : '',
    header,
    metadata,
    content: part('content'),
    size: data.length,
  };
}

export function writeRequest(request: KernelRequest, session: string, date: string): string {
  const { msgId, type, channel, parentHeader, metadata, content } = request;
  const header = { msg_id: msgId, msg_type: type, session, username: 'terrarium', date, version: '5.4' };
  return JSON.stringify({ header, parent_header: parentHeader, metadata, content, channel, buffers: [] });
}

// big-endian uint32 count, that many offsets, then the parts; the first is the JSON
function firstPart(data: Buffer): Buffer | null {
  if (data.length < 8) return null;
  const count = data.readUInt32BE(0);
  if (count === 0 || data.length < 4 * (count + 1)) return null;
  const start = data.readUInt32BE(4);
  const end = count > 1 ? data.readUInt32BE(8) : data.length;
  return start <= end && end <= data.length ? data.subarray(start, end) : null;
}
