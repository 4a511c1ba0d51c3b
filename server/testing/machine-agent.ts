import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '@terrarium/contract';
import { machinePaths } from '../drivers/sandbox/machine-files.ts';
import type { AgentDoor } from '../environments/agent-client.ts';

/** The way to the agent of an environment in the sandbox, past the control plane. */
export async function agentDoor(dataDirectory: string, { id }: Environment): Promise<AgentDoor> {
  const { agentConfig, socket } = machinePaths(path.join(dataDirectory, 'machines'), id);
  // Written by the driver; a wrong shape fails the first call.
  const { secret } = JSON.parse(await readFile(agentConfig, 'utf8')) as { secret: string };
  return { environmentId: id, address: { socketPath: socket }, secret };
}
