import http from 'node:http';

export interface Asked {
  readonly path: string;
  readonly token: string;
}

/** Asks one after the other on each of a few connections. @returns how long each answer took, in ms */
export async function timeRequests(
  port: number,
  requests: readonly Asked[],
  options: { connections: number; signal: AbortSignal },
): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.connections });
  const waiting = requests.values();
  const times: number[] = [];
  const connection = async (): Promise<void> => {
    for (const asked of waiting) {
      const startedAt = performance.now();
      await get(port, asked, agent, options.signal);
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, connection));
  agent.destroy();
  return times;
}

/** @returns the size of the answer in bytes @throws Error when it is not 200 */
function get(port: number, { path, token }: Asked, agent: http.Agent, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    http
      .get({ host: '127.0.0.1', port, path, headers, agent, signal }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(bytes);
          else reject(new Error(`GET ${path}: ${String(response.statusCode)}`));
        });
      })
      .on('error', reject);
  });
}
