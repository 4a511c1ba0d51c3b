import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '@terrarium/contract';
import { connectionTo, type AgentDoor } from '../environments/agent-client.ts';
import { noAnswer } from './agent-proxy.ts';
import { handshakeFromAgent, handshakeToAgent } from './forwarded-headers.ts';

const handshakeMs = 20_000;
const lingerMs = 5000;
const partMs = 1000;
const probeAfterMs = 30_000;

/**
 * Joins a client's WebSocket to the agent's: the handshake goes through, then bytes both ways with back-pressure.
 * The caller has attached an error handler to `client`.
 * @param refuse  called instead when the agent does not take the socket
 */
export function joinAgentSocket(options: {
  agent: AgentDoor;
  request: IncomingMessage;
  client: Duplex;
  head: Buffer;
  url: string;
  refuse: (error: AppError) => void;
  /** Told, once they are joined, how to part them without losing what the agent has handed over. */
  joined: (part: () => void) => void;
  /** Told each time that the client says something. */
  used: () => void;
}): void {
  const { agent, request, client, head, url, refuse, joined, used } = options;
  let isSettled = false;
  const upstream = http.request({
    ...connectionTo(agent.address),
    agent: false,
    path: url,
    headers: handshakeToAgent(request.rawHeaders, agent.secret),
    timeout: handshakeMs,
  });
  const giveUp = () => upstream.destroy();
  client.once('close', giveUp);
  const settle = (error: AppError) => {
    if (isSettled) return;
    isSettled = true;
    client.off('close', giveUp);
    refuse(error);
  };
  upstream.on('timeout', () => upstream.destroy(new Error('The agent did not answer the handshake in time.')));
  upstream.on('error', (error) => {
    settle(noAnswer(error));
  });
  upstream.on('response', (answer) => {
    answer.on('error', () => undefined);
    // Its body, if it says anything, is for programs; the status says what a client acts on.
    answer.destroy();
    settle(
      answer.statusCode === 404
        ? new AppError('NotFound', 'That kernel or terminal is not running any more.')
        : noAnswer(new Error(`The agent answered the handshake with ${String(answer.statusCode)}.`)),
    );
  });
  upstream.on('upgrade', (answer, far, farHead) => {
    far.on('error', () => undefined);
    isSettled = true;
    client.off('close', giveUp);
    if (client.destroyed) {
      far.destroy();
      return;
    }
    client.write(handshakeFromAgent(answer.rawHeaders));
    if (farHead.length > 0) client.write(farHead);
    if (head.length > 0) far.write(head);
    client.on('data', (chunk: Buffer) => {
      if (!isControlFrame(chunk)) used();
    });
    join(client, far);
    joined(() => {
      part(client, far);
    });
  });
  upstream.end();
}

function join(client: Duplex, far: Socket): void {
  keepLively(far);
  client.pipe(far);
  far.pipe(client);
  tie(client, far);
  tie(far, client);
}

/**
 * Ends the agent's side first: it stops sending, what it sent until then still reaches the client, and only then is the
 * client's side ended. The agent counts a message as delivered once its socket has taken it.
 */
function part(client: Duplex, far: Socket): void {
  client.unpipe(far);
  client.pause();
  far.end();
  const timer = setTimeout(() => {
    client.destroy();
    far.destroy();
  }, partMs);
  client.once('close', () => {
    clearTimeout(timer);
  });
}

/** When `one` ends or is gone, what it sent is still delivered to `other`, which has a moment to end as well. */
function tie(one: Duplex, other: Duplex): void {
  const letGo = () => {
    other.end();
    const timer = setTimeout(() => {
      one.destroy();
      other.destroy();
    }, lingerMs);
    other.once('close', () => {
      clearTimeout(timer);
    });
    if (other.destroyed) clearTimeout(timer);
  };
  one.once('end', letGo);
  one.once('close', () => {
    if (one.readableEnded) {
      // Everything it sent was read; `other` closes when that is flushed.
      if (other.writableFinished) other.destroy();
      else other.once('finish', () => other.destroy());
    } else other.destroy();
  });
}

/** Whether it begins with a close, ping or pong: what a browser sends by itself. RFC 6455, section 5.2 */
function isControlFrame(chunk: Buffer): boolean {
  return ((chunk[0] ?? 0) & 0x08) !== 0 && ((chunk[0] ?? 0) & 0x70) === 0;
}

/** No delay for small messages, and probes that find out about a peer that vanished without a word. */
export function keepLively(socket: Duplex): void {
  if (!isSocket(socket)) return;
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, probeAfterMs);
}

function isSocket(stream: Duplex): stream is Socket {
  return 'setNoDelay' in stream;
}
