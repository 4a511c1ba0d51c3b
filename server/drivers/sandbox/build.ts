import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

/** Names what machines are started with: the agent, Node and the kernels. */
export async function buildOf(parts: {
  agentBundle: string;
  nodeBinary: string;
  kernelsManifest: string;
}): Promise<string> {
  const hash = createHash('sha256');
  const names = (await fs.readdir(parts.agentBundle).catch(() => [])).filter((name) => name.endsWith('.mjs')).sort();
  const files = [...names.map((name) => path.join(parts.agentBundle, name)), parts.kernelsManifest];
  for (const file of files) hash.update(file).update(await fs.readFile(file).catch(() => ''));
  const node = await fs.stat(parts.nodeBinary).catch(() => null);
  return hash.update(`${parts.nodeBinary} ${String(node?.size)} ${String(node?.mtimeMs)}`).digest('hex');
}
