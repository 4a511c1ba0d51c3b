import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { jsonFraming, v1Framing, v1Subprotocol, type Framing } from '../kernels/framing.ts';
import { jsonObject, type Channel } from '../kernels/wire.ts';
import type { TestAgent } from './test-agent.ts';
import { until } from './test-agent.ts';

export interface Received {
  readonly channel: Channel;
  readonly type: string;
  readonly parentId: string;
  readonly content: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
  readonly buffers: readonly Buffer[];
}

export interface KernelClient {
  readonly session: string;
  readonly received: Received[];
  readonly socket: WebSocket;
  send(
    channel: Channel,
    type: string,
    content: Record<string, unknown>,
    more?: { metadata?: unknown; buffers?: Buffer[] },
  ): string;
  execute(code: string, metadata?: Record<string, unknown>): string;
  /** Waits for the reply and the idle status of an execution. */
  done(msgId: string): Promise<Received[]>;
  run(code: string): Promise<string>;
  find(match: (message: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
  cut(): void;
}

/** A minimal client on the agent's channels socket. */
export async function connectKernel(
  agent: TestAgent,
  kernelId: string,
  options: { session?: string; framing?: 'json' | 'v1'; after?: number } = {},
): Promise<KernelClient> {
  const session = options.session ?? randomUUID();
  const framing: Framing = options.framing === 'v1' ? v1Framing : jsonFraming;
  const after = options.after === undefined ? '' : `&after=${String(options.after)}`;
  const socket = agent.socket(
    `/api/kernels/${kernelId}/channels?session_id=${session}${after}`,
    options.framing === 'v1' ? [v1Subprotocol] : [],
  );
  const received: Received[] = [];
  socket.on('message', (data, isBinary) => {
    if (!Buffer.isBuffer(data)) throw new Error('fragmented');
    const message = framing.decode(data, isBinary);
    if (message === null) throw new Error(`not a message: ${data.toString()}`);
    const header = jsonObject(message.header) ?? {};
    const parent = jsonObject(message.parentHeader) ?? {};
    received.push({
      channel: message.channel,
      type: String(header['msg_type']),
      parentId: typeof parent['msg_id'] === 'string' ? parent['msg_id'] : '',
      content: jsonObject(message.content) ?? {},
      metadata: jsonObject(message.metadata) ?? {},
      buffers: message.buffers,
    });
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));

  const client: KernelClient = {
    session,
    received,
    socket,
    send(channel, type, content, more = {}) {
      const msgId = randomUUID();
      const header = {
        msg_id: msgId,
        msg_type: type,
        session,
        username: 'u',
        date: new Date().toISOString(),
        version: '5.3',
      };
      const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
      const data = framing.encode({
        channel,
        header: json(header),
        parentHeader: json({}),
        metadata: json(more.metadata ?? {}),
        content: json(content),
        buffers: more.buffers ?? [],
      });
      socket.send(data);
      return msgId;
    },
    execute: (code, metadata) =>
      client.send(
        'shell',
        'execute_request',
        { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, stop_on_error: true },
        { metadata: metadata ?? {} },
      ),
    done: (msgId) =>
      until(() => {
        const mine = received.filter(({ parentId }) => parentId === msgId);
        const isReplied = mine.some(({ type }) => type === 'execute_reply');
        const isIdle = mine.some(({ type, content }) => type === 'status' && content['execution_state'] === 'idle');
        return isReplied && isIdle ? mine : null;
      }, `the end of ${msgId}`),
    async run(code) {
      const messages = await client.done(client.execute(code));
      return messages.map(textOf).join('');
    },
    find: (match) => until(() => received.find(match), 'a message'),
    async close() {
      socket.close();
      await until(() => socket.readyState === socket.CLOSED, 'the socket to close');
    },
    cut() {
      socket.terminate();
    },
  };
  return client;
}

function textOf({ type, content }: Received): string {
  if (type === 'stream') return String(content['text']);
  if (type === 'error') return `${String(content['ename'])}: ${String(content['evalue'])}`;
  const data = content['data'];
  const isResult = type === 'execute_result' || type === 'display_data';
  return isResult && typeof data === 'object' && data !== null && 'text/plain' in data
    ? String(data['text/plain'])
    : '';
}
