import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KernelHost } from '../kernel/first-result.ts';
import type { Run } from '../measure/benchmark.ts';
import { freePort, startProcess, until } from '../measure/processes.ts';
import { ask } from './answers.ts';
import { installJupyter, installProxy } from './install.ts';

export interface JupyterHub {
  addUser(user: string): Promise<void>;
  /** Resolves when the user's server is ready, which is when JupyterHub answers. */
  startServer(user: string): Promise<KernelHost>;
  /** Resolves when it is gone. */
  stopServer(user: string): Promise<void>;
}

const token = 'a-token-for-the-benchmark';
const authorization = `token ${token}`;

/** JupyterHub as its documentation sets it up for one machine: simple spawner, dummy sign-in, its own proxy. */
export async function startJupyterHub(run: Run, kernelspecs: string): Promise<JupyterHub> {
  const programs = await installJupyter(run);
  const proxy = await installProxy(run);
  const { signal } = run;
  const folder = path.join(run.directory, 'jupyterhub');
  await mkdir(folder);
  const [port, hubPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  const text = (value: unknown) => JSON.stringify(value);
  const scopes = ['admin:users', 'admin:servers', 'access:servers'];
  const settings = [
    `c.JupyterHub.bind_url = 'http://127.0.0.1:${String(port)}'`,
    `c.JupyterHub.hub_ip = '127.0.0.1'`,
    `c.JupyterHub.hub_port = ${String(hubPort)}`,
    `c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:${String(proxyPort)}'`,
    `c.ConfigurableHTTPProxy.command = ${text([process.execPath, proxy])}`,
    `c.JupyterHub.authenticator_class = 'dummy'`,
    `c.Authenticator.allow_all = True`,
    `c.JupyterHub.spawner_class = 'simple'`,
    `c.SimpleLocalProcessSpawner.home_dir_template = ${text(path.join(folder, 'home/{username}'))}`,
    // On a busy machine: the request for a start waits until the server is there, and nothing gives up meanwhile.
    `c.JupyterHub.tornado_settings = {'slow_spawn_timeout': 90}`,
    `c.Spawner.http_timeout = 90`,
    `c.Spawner.args = ['--allow-root']`,
    `c.Spawner.environment = ${text({ JUPYTER_PATH: kernelspecs, ...run.mark })}`,
    `c.JupyterHub.services = [{'name': 'bench', 'api_token': ${text(token)}}]`,
    `c.JupyterHub.load_roles = [{'name': 'bench', 'services': ['bench'], 'scopes': ${text(scopes)}}]`,
  ];
  const config = path.join(folder, 'jupyterhub_config.py');
  await writeFile(config, `c = get_config()\n${settings.join('\n')}\n`);
  const hub = await startProcess(run, {
    name: 'jupyterhub',
    command: path.join(programs, 'jupyterhub'),
    args: ['--config', config],
    cwd: folder,
    env: { PATH: `${programs}${path.delimiter}${process.env['PATH'] ?? ''}` },
  });
  const url = `http://127.0.0.1:${String(port)}`;
  await until('JupyterHub answers', { signal, timeoutMs: 60_000, everyMs: 100, process: hub }, async () =>
    fetch(`${url}/hub/api/health`, { signal }).then(
      (response) => (response.ok ? true : undefined),
      () => undefined,
    ),
  );

  const api = `${url}/hub/api/users`;
  const servers = async (user: string): Promise<number> => {
    const { value } = await ask('GET', `${api}/${user}`, { authorization, signal });
    const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'servers') : undefined;
    return Object.keys(typeof found === 'object' && found !== null ? found : {}).length;
  };
  return {
    async addUser(user) {
      await ask('POST', `${api}/${user}`, { authorization, signal });
    },
    async startServer(user) {
      const { status } = await ask('POST', `${api}/${user}/server`, { authorization, signal });
      if (status !== 201) throw new Error(`JupyterHub answered ${String(status)} to the start of a server.`);
      return { url: `${url}/user/${user}`, authorization };
    },
    async stopServer(user) {
      await ask('DELETE', `${api}/${user}/server`, { authorization, signal });
      await until('JupyterHub stopped the server', { signal, timeoutMs: 30_000, everyMs: 50 }, async () =>
        (await servers(user)) === 0 ? true : undefined,
      );
    },
  };
}
