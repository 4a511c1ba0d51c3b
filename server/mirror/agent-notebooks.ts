import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { AppError, type ErrorCode } from '@terrarium/contract';
import { agentMirrorPaths, AgentNotebooks } from '@terrarium/contract/agent';
import { connectionTo, type AgentDoor } from '../environments/agent-client.ts';
import type { DiskSide } from './sides.ts';

const folder = 'notebooks/';
const fileTimeoutMs = 5 * 60 * 1000;
/** For the agent to answer when its own wait is over. */
const graceMs = 15_000;

/** The notebooks on an environment's disk, through its agent. */
export interface AgentDisk extends DiskSide {
  /** What there is once it differs from `after`; at once where that is null. */
  list(after: string | null, waitMs: number, signal: AbortSignal): Promise<AgentNotebooks>;
}

/**
 * @param door  where the agent answers; null when the environment does not run
 * @param signal  ends every call
 */
export function createAgentDisk(door: () => Promise<AgentDoor | null>, signal: AbortSignal): AgentDisk {
  async function call(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: Uint8Array; timeoutMs: number },
  ): Promise<{ status: number; bytes: Buffer }> {
    const agent = await door();
    if (agent === null) throw new AppError('DriverUnavailable', 'The environment does not run.');
    return send(agent, method, path, { ...options, signal });
  }

  return {
    async list(after, waitMs, listSignal) {
      const query = after === null ? '' : `?after=${encodeURIComponent(after)}&waitMs=${String(waitMs)}`;
      const agent = await door();
      if (agent === null) throw new AppError('DriverUnavailable', 'The environment does not run.');
      const answer = await send(agent, 'GET', `${agentMirrorPaths.list}${query}`, {
        timeoutMs: waitMs + graceMs,
        signal: listSignal,
      });
      if (answer.status !== 200) throw problemIn(answer);
      return AgentNotebooks.parse(JSON.parse(answer.bytes.toString()));
    },

    async read(key) {
      const answer = await call('GET', pathOf(key), { timeoutMs: fileTimeoutMs });
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw problemIn(answer);
      return answer.bytes;
    },

    async write(key, bytes, expected) {
      const headers = {
        'content-length': String(bytes.byteLength),
        ...(expected === null ? { 'if-none-match': '*' } : { 'if-match': `"${expected}"` }),
      };
      const answer = await call('PUT', pathOf(key), { headers, body: bytes, timeoutMs: fileTimeoutMs });
      if (answer.status !== 200) throw problemIn(answer);
      const written: unknown = JSON.parse(answer.bytes.toString());
      // The agent is of our own version.
      return (written as { hash: string }).hash;
    },

    async remove(key, expected) {
      const headers = { 'if-match': `"${expected}"` };
      const answer = await call('DELETE', pathOf(key), { headers, timeoutMs: fileTimeoutMs });
      if (answer.status !== 204) throw problemIn(answer);
    },
  };
}

function pathOf(key: string): string {
  return `${agentMirrorPaths.file}/${encodeURIComponent(key.slice(folder.length))}`;
}

const codes: Record<number, ErrorCode> = { 412: 'PreconditionFailed', 507: 'StorageFull', 500: 'DriverUnavailable' };

function problemIn({ status, bytes }: { status: number; bytes: Buffer }): AppError {
  let message = `The environment's agent answered ${String(status)}.`;
  try {
    const body: unknown = JSON.parse(bytes.toString());
    if (typeof body === 'object' && body !== null && 'message' in body) message = String(body.message);
  } catch {
    // the status alone has to say it
  }
  return new AppError(codes[status] ?? 'NotPossibleNow', message);
}

/** One connection for each call, as many at once as are called for. */
const connections = new http.Agent({ keepAlive: false });

function send(
  agent: AgentDoor,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: Uint8Array; timeoutMs: number; signal: AbortSignal },
): Promise<{ status: number; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        ...connectionTo(agent.address),
        method,
        path,
        headers: { authorization: `Bearer ${agent.secret}`, host: 'agent', ...options.headers },
        signal: options.signal,
        agent: connections,
      },
      (response) => {
        buffer(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, bytes });
        }, reject);
      },
    );
    request.on('error', (cause) => {
      reject(new AppError('DriverUnavailable', "The environment's agent does not answer.", { cause }));
    });
    // A signal of its own for each call would be kept until its time is over, also when the answer came long before.
    const timer = setTimeout(() => request.destroy(new Error('It took too long.')), options.timeoutMs);
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.end(options.body);
  });
}
