import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from '../measure/benchmark.ts';
import { complete } from '../measure/processes.ts';

const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache/bench');
const installMs = 10 * 60_000;

/** Newest at the time of writing; pinned so that two runs measure the same peers. */
const pythonPackages = ['jupyterhub==6.1.1', 'jupyter_server==2.21.1', 'jupyterlab==4.6.6'];
const proxyPackage = 'configurable-http-proxy@5.3.0';

/** JupyterHub, jupyter_server and JupyterLab from PyPI, in a virtual environment. @returns its folder of programs */
export async function installJupyter(run: Run): Promise<string> {
  const folder = path.join(cache, 'venv');
  await install(run, folder, pythonPackages.join(' '), async () => {
    const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((file) => existsSync(file)) ?? 'python3';
    await complete(run, { name: 'venv', command: python, args: ['-m', 'venv', folder], timeoutMs: installMs });
    const args = ['install', '--quiet', ...pythonPackages];
    await complete(run, { name: 'pip', command: path.join(folder, 'bin/pip'), args, timeoutMs: installMs });
  });
  return path.join(folder, 'bin');
}

/** configurable-http-proxy from npm. @returns the file that Node runs */
export async function installProxy(run: Run): Promise<string> {
  const folder = path.join(cache, 'npm');
  await install(run, folder, proxyPackage, async () => {
    await mkdir(folder, { recursive: true });
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', proxyPackage];
    await complete(run, { name: 'npm', command: 'npm', args, cwd: folder, timeoutMs: installMs });
  });
  return path.join(folder, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy');
}

/** Once: what was installed is kept for as long as its versions are those asked for. */
async function install(run: Run, folder: string, versions: string, work: () => Promise<void>): Promise<void> {
  const stamp = path.join(folder, 'installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === versions) return;
  run.progress(`installing ${versions}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await work();
  writeFileSync(stamp, versions);
}
