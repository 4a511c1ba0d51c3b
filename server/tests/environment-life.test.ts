import { readdir, readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Environment } from '@terrarium/contract';
import {
  createInstallation,
  paramsOf,
  removeMachines,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { inFreshKernel, kernelManager, run } from '../testing/jupyter-client.ts';

const first = { namespace: 'my-project', name: 'getting-started' };
const second = { namespace: 'my-project', name: 'neighbour' };
const shape = { diskGiB: 1, bootDiskGiB: 1, memoryGiB: 1 };
let installation: Installation;
let plane: ControlPlane;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  await plane.client.createWorkspace({ body: second });
});

// What a failing story leaves must not fail the next one.
afterEach(async () => {
  await removeMachines(plane.client);
});

afterAll(async () => {
  await installation.remove();
});

async function create(workspace: typeof first, name: string, extra: object = {}): Promise<Environment> {
  const made = await plane.client.createEnvironment({ params: workspace, body: { name, ...shape, ...extra } });
  return untilStatus(plane.client, made, 'Running');
}

async function remove(environment: Environment, deleteDisk: 'true' | 'false'): Promise<void> {
  await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk } });
  await untilTrue(
    async () => !(await plane.client.listAllEnvironments()).some(({ id }) => id === environment.id),
    `${environment.name} is gone`,
  );
}

const untilNoDisk = () => untilTrue(async () => (await plane.client.listDisks()).length === 0, 'no disk is left');

/** Runs code in a fresh kernel of the workspace's environment. */
const inKernel = (workspace: typeof first, kernelName: string, ...codes: string[]): Promise<string[]> =>
  inFreshKernel(plane, workspace, kernelName, ...codes);

test("kernels find the variables of the design, with a person's own beside them", async () => {
  const environment = await create(first, 'variables', {
    environmentVariables: {
      MY_OWN: 'a "quoted" $value\nwith a line',
      WORKSPACE_NAME: 'mine',
      LD_LIBRARY_PATH: '/opt/x',
    },
  });
  const workspace = await plane.client.getWorkspace({ params: first });
  const names =
    'HOME NOTEBOOKS_DIR WORKSPACE_NAME WORKSPACE_NAMESPACE WORKSPACE_BUCKET GOOGLE_PROJECT OWNER_EMAIL RUNTIME_NAME CLUSTER_NAME PIP_USER R_LIBS PYTHONPATH MY_OWN'.split(
      ' ',
    );
  const expected = {
    HOME: '/home/jupyter',
    NOTEBOOKS_DIR: '/home/jupyter',
    WORKSPACE_NAME: first.name,
    WORKSPACE_NAMESPACE: first.namespace,
    WORKSPACE_BUCKET: workspace.bucket,
    GOOGLE_PROJECT: first.namespace,
    OWNER_EMAIL: workspace.owner,
    RUNTIME_NAME: 'variables',
    CLUSTER_NAME: 'variables',
    PIP_USER: 'true',
    R_LIBS: expect.stringContaining('/home/jupyter/packages'),
    PYTHONPATH: expect.stringContaining('/home/jupyter/packages'),
    MY_OWN: 'a "quoted" $value\nwith a line',
  };
  const [python = '{}', folder] = await inKernel(
    first,
    'python3',
    `import os, json; print(json.dumps({k: os.environ.get(k) for k in ${JSON.stringify(names)}}))`,
    'import os; print(os.getcwd())',
  );
  expect(JSON.parse(python)).toEqual(expected);
  expect(folder).toBe('/home/jupyter');
  const [r = ''] = await inKernel(
    first,
    'ir',
    `cat(Sys.getenv(c(${names.map((name) => `"${name}"`).join(',')})), sep = "|")`,
  );
  const values = r.split('|');
  expect(Object.fromEntries(names.map((name, at) => [name, values[at]]))).toEqual(expected);
  await remove(environment, 'true');
});

/** Source packages as a person has them, made with nothing fetched from anywhere. */
async function sourcePackages(version: string): Promise<{ python: Record<string, string>; r: Record<string, string> }> {
  const wheel = {
    'six.py': `__version__ = "${version}"\n`,
    [`six-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: six\nVersion: ${version}\n`,
    [`six-${version}.dist-info/WHEEL`]:
      'Wheel-Version: 1.0\nGenerator: story\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`six-${version}.dist-info/RECORD`]: `six.py,,\nsix-${version}.dist-info/METADATA,,\nsix-${version}.dist-info/WHEEL,,\nsix-${version}.dist-info/RECORD,,\n`,
  };
  const r = {
    DESCRIPTION: `Package: class\nVersion: ${version}\nTitle: Story\nDescription: Of a story.\nAuthor: A\nMaintainer: A <a@b.example>\nLicense: GPL-3\n`,
    NAMESPACE: 'export(told)\n',
    'R/told.R': `told <- function() "told ${version}"\n`,
  };
  return { python: wheel, r };
}

test('what pip and install.packages install lives on the disk, wins over the image, and outlives the environment', async () => {
  const environment = await create(first, 'packages');
  const packages = await sourcePackages('99.1');
  const [installed = '', location = ''] = await inKernel(
    first,
    'python3',
    `
import zipfile, subprocess, sys
files = ${JSON.stringify(packages.python)}
with zipfile.ZipFile('six-99.1-py3-none-any.whl', 'w') as wheel:
    for name, text in files.items(): wheel.writestr(name, text)
done = subprocess.run([sys.executable, '-m', 'pip', 'install', '--no-index', '--no-deps', '--disable-pip-version-check', './six-99.1-py3-none-any.whl'], capture_output=True, text=True)
print(done.returncode, done.stdout, done.stderr)`,
    `import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import six; print(six.__version__, six.__file__)'], capture_output=True, text=True).stdout)`,
  );
  expect(installed).toMatch(/^0 /);
  expect(location).toMatch(/^99\.1 \/home\/jupyter\/packages\//);

  const writeR = Object.entries(packages.r)
    .map(([name, text]) => `writeLines(${JSON.stringify(text)}, file.path("source/class", "${name}"))`)
    .join('; ');
  const [rInstalled = ''] = await inKernel(
    first,
    'ir',
    `dir.create("source/class/R", recursive = TRUE); ${writeR}; install.packages("source/class", repos = NULL, type = "source", quiet = TRUE); cat(find.package("class"), "\\n")`,
  );
  expect(rInstalled).toMatch(/\/home\/jupyter\/packages\/[^\n]*class$/);

  await remove(environment, 'false');
  const again = await create(first, 'packages-again');
  expect(again.disk?.id).toBe(environment.disk?.id);
  const [python] = await inKernel(first, 'python3', 'import six; print(six.__version__)');
  expect(python).toBe('99.1');
  const [r] = await inKernel(first, 'ir', 'library(class); cat(class::told())');
  expect(r).toBe('told 99.1');
  await remove(again, 'true');
});

/** Python that makes wheels with a program in each, and installs them by pip as a person does. */
const pipStory = `
import subprocess, sys, zipfile
def wheel(name, version):
    info, file = f'{name}-{version}.dist-info', f'{name}-{version}-py3-none-any.whl'
    files = {
        f'{name}.py': f'def main(): print("{name} {version}")\\n',
        f'{info}/METADATA': f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n',
        f'{info}/WHEEL': 'Wheel-Version: 1.0\\nGenerator: story\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
        f'{info}/entry_points.txt': f'[console_scripts]\\n{name}-told = {name}:main\\n',
    }
    files[f'{info}/RECORD'] = ''.join(f'{path},,\\n' for path in [*files, f'{info}/RECORD'])
    with zipfile.ZipFile(file, 'w') as archive:
        for path, text in files.items(): archive.writestr(path, text)
    return './' + file
def pip(*args):
    command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', *args]
    done = subprocess.run(command, capture_output=True, text=True)
    return '' if done.returncode == 0 and "Can't uninstall" not in done.stdout else done.stdout + done.stderr
def told(name):
    return subprocess.run(f'{name}-told', shell=True, capture_output=True, text=True).stdout.strip()
`;

test('a program installed by pip is upgraded, used and removed in another environment with the same disk', async () => {
  const environment = await create(first, 'programs');
  const [installed] = await inKernel(
    first,
    'python3',
    `${pipStory}print([pip('install', '--no-index', wheel('story', '1.0')), told('story')])`,
  );
  expect(installed).toBe("['', 'story 1.0']");
  await remove(environment, 'false');
  const again = await create(first, 'programs-again');
  const [upgraded, reinstalled, removed] = await inKernel(
    first,
    'python3',
    `${pipStory}print([told('story'), pip('install', '--no-index', '--upgrade', wheel('story', '2.0')), told('story')])`,
    `from importlib.metadata import distributions
print([pip('install', '--no-index', '--force-reinstall', wheel('story', '2.0')), [d.version for d in distributions(name='story')]])`,
    `print([pip('uninstall', '--yes', 'story'), told('story')])`,
  );
  expect(upgraded).toBe("['story 1.0', '', 'story 2.0']");
  expect(reinstalled).toBe("['', ['2.0']]");
  expect(removed).toBe("['', '']");
  await remove(again, 'true');
});

test('another version of what the environment brings can be installed, and taken away again', async () => {
  const environment = await create(first, 'versions');
  const [installed, replaced, removed] = await inKernel(
    first,
    'python3',
    `${pipStory}print([pip('install', '--no-index', '--no-deps', wheel('comm', '0.0.1')), told('comm')])`,
    `def origin(): return subprocess.run([sys.executable, '-c', 'import comm; print(comm.__file__)'], capture_output=True, text=True).stdout.strip()
print(origin())`,
    `print([pip('uninstall', '--yes', 'comm'), origin().startswith('/home/jupyter')])`,
  );
  expect(installed).toBe("['', 'comm 0.0.1']");
  expect(replaced).toMatch(/^\/home\/jupyter\/packages\/.*comm\.py$/);
  expect(removed).toBe("['', False]");
  await remove(environment, 'true');
});

test('a pause ends processes; boot disk files survive it, and not deletion', async () => {
  const environment = await create(first, 'boot-disk');
  const manager = kernelManager(plane, first.namespace, first.name);
  const kernel = await manager.startNew({ name: 'python3' });
  const pids = await run(
    kernel,
    `import subprocess, os
for place in ('/opt/kept', '/var/tmp/kept', '/usr/local/kept', '/home/jupyter/kept'):
    open(place, 'w').write('still here')
sleeper = subprocess.Popen(['sleep', '4242'], start_new_session=True); print(sleeper.pid)`,
  );
  expect(pids.trim()).toMatch(/^\d+$/);
  expect(await sleepers('4242')).toHaveLength(1);
  await plane.client.stopEnvironment({ params: paramsOf(environment) });
  await untilStatus(plane.client, environment, 'Stopped');
  expect(await sleepers('4242')).toEqual([]);
  manager.dispose();

  await plane.client.startEnvironment({ params: paramsOf(environment) });
  await untilStatus(plane.client, environment, 'Running');
  const look = `import os; print([p for p in ('/opt/kept', '/var/tmp/kept', '/usr/local/kept', '/home/jupyter/kept') if os.path.exists(p)])`;
  expect(await inKernel(first, 'python3', look)).toEqual([
    "['/opt/kept', '/var/tmp/kept', '/usr/local/kept', '/home/jupyter/kept']",
  ]);
  await remove(environment, 'false');
  const again = await create(first, 'boot-disk');
  expect(await inKernel(first, 'python3', look)).toEqual(["['/home/jupyter/kept']"]);
  await remove(again, 'true');
});

/** Processes on this machine that sleep for that long. */
async function sleepers(seconds: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line === `sleep\0${seconds}\0`) found.push(pid);
  }
  return found;
}

test('two environments see nothing of each other', async () => {
  const [one, other] = await Promise.all([create(first, 'one'), create(second, 'other')]);
  const mine = kernelManager(plane, first.namespace, first.name);
  const kernel = await mine.startNew({ name: 'python3' });
  await run(
    kernel,
    `import subprocess, socket
open('/home/jupyter/secret.txt', 'w').write('mine'); open('/tmp/secret.txt', 'w').write('mine')
sleeper = subprocess.Popen(['sleep', '5353'])
listener = socket.socket(socket.AF_UNIX); listener.bind('/tmp/secret.sock'); listener.listen()
hidden = socket.socket(socket.AF_UNIX); hidden.bind('\\0terrarium-story'); hidden.listen()`,
  );
  const [files, processes, sockets, agents, disks, secrets] = await inKernel(
    second,
    'python3',
    `import glob; print([p for p in glob.glob('/home/**/secret.txt', recursive=True) + glob.glob('/tmp/secret*')])`,
    `import os; print([p for p in os.listdir('/proc') if p.isdigit() and b'5353' in open(f'/proc/{p}/cmdline','rb').read()])`,
    `import os; print(os.path.exists('/tmp/secret.sock'))`,
    `import glob; print(len(glob.glob('/run/terrarium/**/*.sock', recursive=True)) <= 1, sum(b'agent.mjs' in open(f'/proc/{p}/cmdline','rb').read() for p in os.listdir('/proc') if p.isdigit()) <= 2)`,
    `print(os.path.exists(${JSON.stringify(plane.dataDirectory)}))`,
    `
def readable(p):
    try: return bool(open(p).read())
    except OSError: return False
print([p for p in ('/etc/shadow', '/proc/1/environ', '/proc/kcore', '/dev/mem') if readable(p)])`,
  );
  expect({ files, processes, sockets, agents, disks, secrets }).toEqual({
    files: '[]',
    processes: '[]',
    sockets: 'False',
    agents: 'True True',
    disks: 'False',
    secrets: '[]',
  });
  const writes = await inKernel(
    second,
    'python3',
    `
def written(p):
    try:
        open(p, 'w').write('x'); return True
    except OSError: return False
print([p for p in ('/usr/bin/x', '/etc/x', '/x', '/usr/lib/x', '/sys/x', '/run/x') if written(p)])`,
  );
  expect(writes).toEqual(['[]']);
  mine.dispose();
  await remove(one, 'true');
  await remove(other, 'true');
});

describe('commands that cross', () => {
  const states = new Set(['Running', 'Stopped']);
  const settled = async (environment: Environment): Promise<string> => {
    let status = '';
    await untilTrue(async () => {
      ({ status } = await plane.client.getEnvironment({ params: paramsOf(environment) }));
      return states.has(status) || status === 'Error';
    }, 'it settles');
    return status;
  };

  test('opposite commands of two clients at once end in one of the two states', async () => {
    const environment = await create(first, 'opposite');
    for (let round = 0; round < 3; round++) {
      const params = paramsOf(environment);
      const outcomes = await Promise.allSettled([
        plane.client.stopEnvironment({ params }),
        plane.client.startEnvironment({ params }),
        plane.client.stopEnvironment({ params }),
        plane.client.startEnvironment({ params }),
      ]);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'NotPossibleNow' });
      }
      expect(states).toContain(await settled(environment));
    }
    await plane.client.startEnvironment({ params: paramsOf(environment) }).catch(() => undefined);
    await untilStatus(plane.client, environment, 'Running');
    expect(await inKernel(first, 'python3', 'print(1 + 1)')).toEqual(['2']);
    await remove(environment, 'true');
  });

  test('deleting while it is being created leaves nothing', async () => {
    const made = await plane.client.createEnvironment({ params: first, body: { name: 'brief', ...shape } });
    await remove(made, 'true');
    await untilNoDisk();
  });

  test('starting while it is being paused ends running', async () => {
    const environment = await create(first, 'turned');
    await plane.client.stopEnvironment({ params: paramsOf(environment) });
    await plane.client.startEnvironment({ params: paramsOf(environment) });
    await untilStatus(plane.client, environment, 'Running');
    expect(await inKernel(first, 'python3', 'print("back")')).toEqual(['back']);
    await remove(environment, 'true');
  });

  test('creating what exists is refused, by name, also for two at once', async () => {
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() => plane.client.createEnvironment({ params: first, body: { name: 'only', ...shape } })),
    );
    const made = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(made).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'AlreadyExists' });
    }
    const [environment] = made;
    if (environment !== undefined) await remove(environment.value, 'true');
    await untilNoDisk();
  });
});

test('Ctrl-C of the control plane leaves kernels running, and what a cell prints meanwhile is complete', async () => {
  const environment = await create(first, 'lasting');
  const manager = kernelManager(plane, first.namespace, first.name);
  const kernel = await manager.startNew({ name: 'python3' });
  const lines: string[] = [];
  // Fast, so that something is under way at whatever moment the control plane stops.
  const future = kernel.requestExecute({
    code: 'import time\nfor n in range(1500):\n    print(n, flush=True); time.sleep(0.002)',
  });
  future.onIOPub = (message) => {
    if ('text' in message.content)
      lines.push(
        ...String(message.content.text)
          .split('\n')
          .filter((line) => line !== ''),
      );
  };
  for (const seen of [3, 300, 600]) {
    await untilTrue(async () => lines.length >= seen, 'the cell prints');
    expect(await plane.stop()).toBe(0);
    plane = await installation.start();
    // As JupyterLab does here: at once, not after the stock client's wait.
    await kernel.reconnect();
  }
  await future.done;
  expect(lines).toEqual(Array.from({ length: 1500 }, (_, n) => String(n)));
  expect((await plane.client.getEnvironment({ params: paramsOf(environment) })).status).toBe('Running');
  manager.dispose();
  await remove(environment, 'true');
});
