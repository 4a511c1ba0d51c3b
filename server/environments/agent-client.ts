import http from 'node:http';
import { AppError } from '@terrarium/contract';
import {
  AgentActivity,
  AgentFolders,
  AgentHealth,
  AgentKernel,
  AgentStartup,
  AgentUsage,
  agentPaths,
  type AgentStartupRequest,
} from '@terrarium/contract/agent';
import * as z from 'zod';
import type { AgentAddress } from './compute-driver.ts';

/** Where an environment's agent answers and what it trusts. */
export interface AgentDoor {
  readonly environmentId: string;
  readonly address: AgentAddress;
  readonly secret: string;
}

/** The agent answers sooner, whatever it is asked for. */
const longestPollMs = 30_000;

/** One connection for each call, as many at once as are called for. */
const connections = new http.Agent({ keepAlive: false });

/** The agent's private routes, and what is done to a kernel. Each call has a deadline and throws when it passes. */
export const agentClient = {
  health: (door: AgentDoor, timeoutMs = 2000) => get(door, agentPaths.health, AgentHealth, timeoutMs),
  activity: (door: AgentDoor, timeoutMs = 5000) => get(door, agentPaths.activity, AgentActivity, timeoutMs),
  usage: (door: AgentDoor, timeoutMs = 5000) => get(door, agentPaths.usage, AgentUsage, timeoutMs),
  kernels: (door: AgentDoor, timeoutMs = 5000) => get(door, agentPaths.kernels, z.array(AgentKernel), timeoutMs),
  /** Starts the startup script, once in the agent's life: asking again changes nothing. */
  startStartup: (door: AgentDoor, request: AgentStartupRequest) =>
    send(door, 'PUT', agentPaths.startup, 10_000, JSON.stringify(request)),
  /** What the startup script printed from `after` on; waits for something new, or its end, for at most `waitMs`. */
  startup: (door: AgentDoor, { after, waitMs }: { after: number; waitMs: number }) =>
    get(
      door,
      `${agentPaths.startup}?after=${String(after)}&waitMs=${String(waitMs)}`,
      AgentStartup,
      Math.min(waitMs, longestPollMs) + 5000,
    ),
  /** For kernels, terminals and scripts that start from now on; kernels that run keep theirs. */
  putVariables: (door: AgentDoor, environmentVariables: Readonly<Record<string, string>>) =>
    send(door, 'PUT', agentPaths.variables, 15_000, JSON.stringify({ environmentVariables })),
  /** What the Jupyter Server API lists, as it came. */
  list: (door: AgentDoor, what: 'kernels' | 'sessions' | 'terminals') => send(door, 'GET', `/api/${what}`, 5000),
  /** What takes most of the disk; read anew each time, which takes up to ten seconds. */
  folders: (door: AgentDoor, timeoutMs = 15_000) => get(door, agentPaths.folders, AgentFolders, timeoutMs),
  interruptKernel: (door: AgentDoor, id: string) => send(door, 'POST', `${kernelPath(id)}/interrupt`, 10_000),
  /** Resolves when the kernel answers again. */
  restartKernel: (door: AgentDoor, id: string) => send(door, 'POST', `${kernelPath(id)}/restart`, 120_000),
  shutDownKernel: (door: AgentDoor, id: string) => send(door, 'DELETE', kernelPath(id), 30_000),
};

function kernelPath(id: string): string {
  return `/api/kernels/${encodeURIComponent(id)}`;
}

/** Connection options of node:http for an agent's address. */
export function connectionTo(address: AgentAddress): { socketPath: string } | { host: string; port: number } {
  return 'socketPath' in address ? { socketPath: address.socketPath } : { host: address.host, port: address.port };
}

async function get<S extends z.ZodType>(
  door: AgentDoor,
  path: string,
  schema: S,
  timeoutMs: number,
): Promise<z.infer<S>> {
  return schema.parse(JSON.parse(await send(door, 'GET', path, timeoutMs)));
}

/** @throws AppError NotFound  the agent knows no such thing; DriverUnavailable  it answered otherwise */
function send(
  door: AgentDoor,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  timeoutMs: number,
  body?: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        ...connectionTo(door.address),
        method,
        path,
        headers: { authorization: `Bearer ${door.secret}`, host: 'agent' },
        agent: connections,
      },
      (response) => {
        const status = response.statusCode ?? 0;
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (status >= 200 && status < 300) resolve(text);
          else if (status === 404) reject(new AppError('NotFound', "The environment's agent knows no such thing."));
          else reject(new AppError('DriverUnavailable', `The environment's agent answered ${String(status)}.`));
        });
      },
    );
    request.on('error', reject);
    // A signal of its own for each call would be kept until its time is over, also when the answer came long before.
    const timer = setTimeout(() => {
      request.destroy(new AppError('DriverUnavailable', "The environment's agent did not answer in time."));
    }, timeoutMs);
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.end(body);
  });
}
