import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { AppError } from '@terrarium/contract';
import { connectionTo, type AgentDoor } from '../environments/agent-client.ts';
import { headersFromAgent, headersToAgent } from './forwarded-headers.ts';
import { headersFromProgram, headersToProgram, proxiedMark } from './program-headers.ts';
import type { ProgramPlace } from './program-ports.ts';

export interface Forward {
  /** Path and query as the agent sees them. */
  readonly url: string;
  /** What the door stripped from the path. */
  readonly basePath: string;
  /** Flat list of headers that every answer carries, whatever the agent says. */
  readonly headers: readonly string[];
  /** In place of the request's own body, where somebody has read that already. */
  readonly body?: Buffer | Readable;
  /** Where it is for a program in the environment: what the agent says in its place goes to `fail`. */
  readonly program?: ProgramPlace;
  /** The answer when the agent cannot be reached or breaks off before it has begun to answer. */
  readonly fail: (error: AppError) => void;
}

export interface AgentProxy {
  /** Streams a request to an agent and the answer back. Errors before the answer go to `fail`, later ones cut it off. */
  forward(agent: AgentDoor, request: IncomingMessage, response: ServerResponse, forward: Forward): void;
  /** Asks the agent something on the control plane's own behalf and reads the whole answer, up to 8 MiB. */
  ask(agent: AgentDoor, path: string, signal: AbortSignal): Promise<{ status: number; body: string }>;
  close(): void;
}

/** Without a byte in either direction for this long, a request is given up. A kernel may take a minute to start. */
const silenceMs = 300_000;
const longestAnswer = 8 * 1024 ** 2;

/**
 * INVARIANTS: each side's error handler is attached before anything else can happen; when either side goes away, the
 * other is let go at once, so an abandoned download or upload holds nothing.
 */
export function createAgentProxy(): AgentProxy {
  const pool = new http.Agent({ keepAlive: true, maxFreeSockets: 64 });

  function forward(
    agent: AgentDoor,
    request: IncomingMessage,
    response: ServerResponse,
    how: Forward,
    isRetry = false,
  ): void {
    const { program } = how;
    const headers =
      program === undefined
        ? headersToAgent(request.rawHeaders, agent.secret)
        : headersToProgram(request.rawHeaders, agent.secret, program);
    const body = how.body ?? bodyOf(request);
    if (Buffer.isBuffer(body)) headers.push('content-length', String(body.byteLength));
    else if (body instanceof Readable) {
      const length = how.body === undefined ? request.headers['content-length'] : undefined;
      if (length === undefined) headers.push('transfer-encoding', 'chunked');
      else headers.push('content-length', length);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') headers.push('content-length', '0');

    const upstream = http.request({
      ...connectionTo(agent.address),
      agent: pool,
      method: request.method,
      path: how.url,
      headers,
      timeout: silenceMs,
    });
    const giveUp = () => {
      if (!response.writableFinished) upstream.destroy();
    };
    response.once('close', giveUp);
    upstream.on('timeout', () => upstream.destroy(new Error('The agent was silent for too long.')));
    upstream.on('error', (error) => {
      response.off('close', giveUp);
      if (response.destroyed || response.writableEnded) return;
      if (response.headersSent) {
        response.destroy();
        return;
      }
      // The agent may close an idle connection in the moment we take it up again.
      if (!isRetry && upstream.reusedSocket && body === undefined && isSafe(request)) {
        forward(agent, request, response, how, true);
        return;
      }
      if (body instanceof Readable) body.unpipe(upstream);
      how.fail(noAnswer(error));
    });
    upstream.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      // The secret that opens the agent is ours: its refusal is not about the person who asks.
      const isOfProgram = program !== undefined && answer.headers[proxiedMark] !== undefined;
      if (answer.statusCode === 401 && !isOfProgram) {
        answer.resume();
        how.fail(noAnswer(new Error('The agent refused our secret.')));
        return;
      }
      if (program !== undefined && !isOfProgram) {
        void sentenceOf(answer).then((sentence) => {
          how.fail(sentence);
        });
        return;
      }
      const outgoing =
        program === undefined
          ? headersFromAgent(answer.rawHeaders, how.basePath)
          : headersFromProgram(answer.rawHeaders, program);
      for (const entry of how.headers) outgoing.push(entry);
      response.writeHead(answer.statusCode ?? 502, outgoing);
      // Who listens for events waits for the head before there is any.
      if (program !== undefined) response.flushHeaders();
      answer.pipe(response);
      answer.on('close', () => {
        if (!answer.complete) response.destroy();
      });
    });
    if (body instanceof Readable) {
      body.on('error', () => upstream.destroy());
      body.on('close', () => {
        if (!body.readableEnded) upstream.destroy();
      });
      body.pipe(upstream);
    } else upstream.end(body);
  }

  return {
    forward,
    ask: (agent, path, signal) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error) => {
          reject(noAnswer(error));
        };
        const upstream = http.get(
          {
            ...connectionTo(agent.address),
            agent: pool,
            path,
            headers: { host: 'agent', authorization: `Bearer ${agent.secret}` },
            signal,
          },
          (answer) => {
            const chunks: Buffer[] = [];
            let size = 0;
            answer.on('error', fail);
            answer.on('data', (chunk: Buffer) => {
              size += chunk.byteLength;
              if (size > longestAnswer) upstream.destroy(new Error('The answer is too long.'));
              else chunks.push(chunk);
            });
            answer.on('end', () => {
              resolve({ status: answer.statusCode ?? 502, body: Buffer.concat(chunks).toString('utf8') });
            });
          },
        );
        upstream.on('error', fail);
      }),
    close() {
      pool.destroy();
    },
  };
}

export function noAnswer(cause: unknown): AppError {
  return new AppError(
    'DriverUnavailable',
    'The Cloud Environment does not answer. Wait a moment and try again; if it goes on, pause and resume it.',
    { cause },
  );
}

/** What the agent says in the place of a program that it cannot reach. */
async function sentenceOf(answer: IncomingMessage): Promise<AppError> {
  const code = answer.statusCode === 404 ? 'NotFound' : 'DriverUnavailable';
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof body === 'object' && body !== null && 'message' in body) return new AppError(code, String(body.message));
  } catch {
    // it broke off
  }
  return noAnswer(new Error(`The agent answered ${String(answer.statusCode)} in the place of a program.`));
}

function isSafe(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function bodyOf(request: IncomingMessage): Readable | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return coding !== undefined || (length !== undefined && length !== '0') ? request : undefined;
}
