import { readFile } from 'node:fs/promises';
import type { AgentConfig } from '@terrarium/contract/agent';
import { isRecord } from './router.ts';

/**
 * Reads what the control plane wrote. zod is loaded only to say what is wrong: it would cost every environment 5 MB for
 * one file that is nearly always right.
 * @throws Error with a sentence that names what is wrong
 */
export async function readConfig(file: string | undefined): Promise<AgentConfig> {
  if (file === undefined) throw new Error('The agent needs the path of its configuration file as its argument.');
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (isAgentConfig(value)) return value;
  const [{ AgentConfig }, { prettifyError }] = await Promise.all([import('@terrarium/contract/agent'), import('zod')]);
  const result = AgentConfig.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`${file} is not a valid agent configuration:\n${prettifyError(result.error)}`);
}

function isAgentConfig(value: unknown): value is AgentConfig {
  if (!isRecord(value)) return false;
  const texts = [value['environmentId'], value['secret'], value['home'], value['stateDirectory']];
  const { listen, environmentVariables, kernelspecDirectories, warmKernel, unenforcedDiskBytes } = value;
  return (
    texts.every(isText) &&
    isRecord(listen) &&
    (isText(listen['socketPath']) || (isText(listen['host']) && Number.isInteger(listen['port']))) &&
    isRecord(environmentVariables) &&
    Object.values(environmentVariables).every(isText) &&
    Array.isArray(kernelspecDirectories) &&
    kernelspecDirectories.every(isText) &&
    (warmKernel === null || isText(warmKernel)) &&
    (unenforcedDiskBytes === null || typeof unenforcedDiskBytes === 'number')
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
