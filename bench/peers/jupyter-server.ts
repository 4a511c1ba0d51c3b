import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KernelHost } from '../kernel/first-result.ts';
import type { Run } from '../measure/benchmark.ts';
import { freePort, startProcess, until } from '../measure/processes.ts';
import { installJupyter } from './install.ts';

/** What the stock server asks for. */
export const token = 'a-token-for-the-benchmark';
const authorization = `token ${token}`;

/** A stock jupyter_server, alone or with JupyterLab. */
export async function startJupyterServer(
  run: Run,
  kernelspecs: string,
  program: 'jupyter-server' | 'jupyter-lab' = 'jupyter-server',
): Promise<KernelHost> {
  const programs = await installJupyter(run);
  const { signal } = run;
  const folder = path.join(run.directory, program);
  const settings = path.join(folder, '.jupyter/labconfig');
  await mkdir(settings, { recursive: true });
  // Ours starts a kernel for a person alone, and the start of one would be measured with the rest.
  await writeFile(path.join(settings, 'page_config.json'), JSON.stringify({ notebookStartsKernel: 'false' }));
  const port = String(await freePort());
  const server = await startProcess(run, {
    name: program,
    command: path.join(programs, program),
    args: ['--ServerApp.ip=127.0.0.1', `--ServerApp.port=${port}`, '--allow-root', '--no-browser'],
    cwd: folder,
    // By the environment, so that the token is in no list of processes.
    env: { JUPYTER_TOKEN: token, JUPYTER_PATH: kernelspecs, HOME: folder },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${program} answers`, { signal, timeoutMs: 60_000, everyMs: 100, process: server }, async () =>
    fetch(`${url}/api/status`, { headers: { authorization }, signal }).then(
      (response) => (response.ok ? true : undefined),
      () => undefined,
    ),
  );
  return { url, authorization };
}
