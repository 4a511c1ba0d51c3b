import http from 'node:http';
import { AppError } from '@terrarium/contract';
import { connectionTo, type AgentDoor } from '../environments/agent-client.ts';

export interface AgentAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly location: string | undefined;
  readonly body: Buffer;
}

const timeoutMs = 30_000;
// A file of the largest size that can be opened, as base64 in JSON.
const limitBytes = 300 * 1024 * 1024;

/**
 * Asks an environment's agent, which speaks the Jupyter Server API.
 * @throws AppError DriverUnavailable
 */
export function askAgent(
  agent: AgentDoor,
  request: { method: string; path: string; body?: Buffer; timeoutMs?: number; limitBytes?: number },
): Promise<AgentAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(new AppError('DriverUnavailable', 'The environment does not answer. Try again in a moment.', { cause }));
    const sent = http.request(
      {
        ...connectionTo(agent.address),
        method: request.method,
        path: request.path,
        headers: {
          host: 'agent',
          authorization: `Bearer ${agent.secret}`,
          ...(request.body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(request.body.byteLength) }),
        },
        signal: AbortSignal.timeout(request.timeoutMs ?? timeoutMs),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
          chunks.push(chunk);
          if (size > (request.limitBytes ?? limitBytes)) sent.destroy(new Error('the answer is too long'));
        });
        answer.on('error', failed);
        answer.on('end', () => {
          const { 'content-type': contentType, location } = answer.headers;
          resolve({ status: answer.statusCode ?? 500, contentType, location, body: Buffer.concat(chunks) });
        });
      },
    );
    sent.setNoDelay(true);
    sent.on('error', failed);
    sent.end(request.body);
  });
}
