import { readFile } from 'node:fs/promises';
import { AgentConfig } from '@terrarium/contract/agent';
import * as z from 'zod';

/** Reads what the control plane wrote. @throws Error with a sentence that names what is wrong */
export async function readConfig(file: string | undefined): Promise<AgentConfig> {
  if (file === undefined) throw new Error('The agent needs the path of its configuration file as its argument.');
  const result = AgentConfig.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!result.success) throw new Error(`${file} is not a valid agent configuration:\n${z.prettifyError(result.error)}`);
  return result.data;
}
