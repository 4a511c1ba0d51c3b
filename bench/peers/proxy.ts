import type { Run } from '../measure/benchmark.ts';
import { freePort, startProcess, until } from '../measure/processes.ts';
import { ask } from './answers.ts';
import { installProxy } from './install.ts';

const token = 'a-token-for-the-benchmark';

/** configurable-http-proxy with one route, on the same Node as ours. */
export async function startProxy(
  run: Run,
  route: { path: string; target: string },
): Promise<{ port: number; pid: number }> {
  const program = await installProxy(run);
  const [port, apiPort] = [await freePort(), await freePort()];
  const proxy = await startProcess(run, {
    name: 'configurable-http-proxy',
    command: process.execPath,
    args: [
      program,
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--api-ip',
      '127.0.0.1',
      '--api-port',
      String(apiPort),
    ],
    env: { CONFIGPROXY_AUTH_TOKEN: token },
  });
  const { signal } = run;
  const routes = `http://127.0.0.1:${String(apiPort)}/api/routes${route.path}`;
  await until('configurable-http-proxy answers', { signal, timeoutMs: 30_000, everyMs: 50, process: proxy }, () =>
    ask('POST', routes, { authorization: `token ${token}`, body: { target: route.target }, signal }).then(
      () => true,
      () => undefined,
    ),
  );
  return { port, pid: proxy.pid };
}
