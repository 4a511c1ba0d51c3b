import http from 'node:http';
import { AppError } from '@terrarium/contract';
import { AgentActivity, AgentHealth, AgentUsage, agentPaths } from '@terrarium/contract/agent';
import type * as z from 'zod';
import type { AgentAddress } from './compute-driver.ts';

/** Where an environment's agent answers and what it trusts. */
export interface AgentDoor {
  readonly environmentId: string;
  readonly address: AgentAddress;
  readonly secret: string;
}

/** The agent's private routes. Each call has a deadline and throws when the agent does not answer in time. */
export const agentClient = {
  health: (door: AgentDoor, timeoutMs = 2000) => get(door, agentPaths.health, AgentHealth, timeoutMs),
  activity: (door: AgentDoor, timeoutMs = 5000) => get(door, agentPaths.activity, AgentActivity, timeoutMs),
  usage: (door: AgentDoor, timeoutMs = 5000) => get(door, agentPaths.usage, AgentUsage, timeoutMs),
};

/** Connection options of node:http for an agent's address. */
export function connectionTo(address: AgentAddress): { socketPath: string } | { host: string; port: number } {
  return 'socketPath' in address ? { socketPath: address.socketPath } : { host: address.host, port: address.port };
}

function get<S extends z.ZodType>(door: AgentDoor, path: string, schema: S, timeoutMs: number): Promise<z.infer<S>> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        ...connectionTo(door.address),
        path,
        headers: { authorization: `Bearer ${door.secret}`, host: 'agent' },
        signal: AbortSignal.timeout(timeoutMs),
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode !== 200) {
            reject(
              new AppError('DriverUnavailable', `The environment's agent answered ${String(response.statusCode)}.`),
            );
            return;
          }
          try {
            resolve(schema.parse(JSON.parse(text)));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      },
    );
    request.on('error', reject);
  });
}
