import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createInstallation, untilStatus } from '../../testing/control-plane.ts';

const workspace = { namespace: 'my-project', name: 'getting-started' };
const cache = path.resolve(import.meta.dirname, '../../../node_modules/.cache/jupyter-server');
const python = path.join(cache, 'venv/bin/python');
/** What speaks HTTP to a server; the rest tests the implementation from within. */
const suites = [
  'services/api',
  'services/config',
  'services/contents/test_api.py',
  'services/events/test_api.py',
  'services/kernels/test_api.py',
  'services/kernels/test_connection.py',
  'services/kernels/test_execution_state.py',
  'services/kernelspecs',
  'services/nbconvert',
  'services/sessions/test_api.py',
  'test_files.py',
  'test_terminal.py',
].map((suite) => `tests/${suite}`);

/** The tests as they were published, with our conftest in place of theirs. */
async function prepare(): Promise<string> {
  const command = promisify(execFile);
  await mkdir(cache, { recursive: true });
  if (!existsSync(path.join(cache, 'installed'))) {
    await command('python3', ['-m', 'venv', path.join(cache, 'venv')]);
    await command(python, ['-m', 'pip', 'install', '--quiet', 'jupyter_server[test]']);
    const source = ['download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', cache, 'jupyter_server'];
    await command(python, ['-m', 'pip', ...source]);
    for (const name of await readdir(cache)) {
      if (name.endsWith('.tar.gz')) await command('tar', ['xf', path.join(cache, name), '-C', cache]);
    }
    await mkdir(path.join(cache, 'installed'));
  }
  const published = (await readdir(cache)).find((name) => /^jupyter_server-[\d.]+$/.test(name)) ?? '';
  const work = path.join(cache, 'work');
  await rm(work, { recursive: true, force: true });
  await cp(path.join(cache, published, 'tests'), path.join(work, 'tests'), { recursive: true });
  await copyFile(path.join(import.meta.dirname, 'conftest.py'), path.join(work, 'tests/conftest.py'));
  return work;
}

/** The environment's own view of its files, as root on this machine reaches it. */
async function homeOf(environmentId: string): Promise<string> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const name = await readFile(`/proc/${pid}/root/etc/hostname`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (name.trim() === environmentId && /^\S*node\0\S*agent\.mjs\0/.test(command))
      return `/proc/${pid}/root/home/jupyter`;
  }
  throw new Error('The agent of the environment was not found; is this run as root, with bubblewrap?');
}

const work = await prepare();
const installation = await createInstallation();
try {
  const plane = await installation.start();
  const made = await plane.client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 2 } });
  const environment = await untilStatus(plane.client, made, 'Running');
  const asked = process.argv.slice(2);
  const pytest = ['-m', 'pytest', '-p', 'no:cacheprovider', '-q', '-rs', '--tb=line', '--timeout=60', '-W', 'ignore'];
  const child = spawn(python, [...pytest, ...(asked.length > 0 ? asked : suites)], {
    cwd: work,
    stdio: 'inherit',
    env: {
      ...process.env,
      DOOR_URL: `${plane.url}/jupyter/${workspace.namespace}/${workspace.name}/`,
      DOOR_TOKEN: plane.token,
      DOOR_DISK: await homeOf(environment.id),
    },
  });
  await once(child, 'exit');
  process.exitCode = child.exitCode ?? 1;
} finally {
  await installation.remove();
}
