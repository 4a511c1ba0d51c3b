import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKernel } from '../testing/kernel-client.ts';
import { kernelspecs, startTestAgent, type TestAgent } from '../testing/test-agent.ts';
import { buildEnvironment, findPython } from './environment.ts';

const home = '/home/jupyter';
const python = { program: '/opt/py/bin/python3', version: '3.11' };

test('defaults give way to what was chosen, and what was chosen to nothing but where home is', () => {
  const env = buildEnvironment({
    inherited: { PATH: '/usr/bin', R_LIBS: '/image/R', HOME: '/root', GONE: undefined },
    home,
    chosen: { PIP_USER: 'false', WORKSPACE_NAME: 'w', HOME: '/elsewhere' },
    python,
  });
  expect(env).toEqual({
    HOME: home,
    NOTEBOOKS_DIR: home,
    WORKSPACE_NAME: 'w',
    PATH: '/home/jupyter/packages/bin:/opt/py/bin:/usr/bin',
    PIP_USER: 'false',
    PIP_BREAK_SYSTEM_PACKAGES: '1',
    PYTHONUSERBASE: '/home/jupyter/packages',
    PYTHONPATH: '/home/jupyter/packages:/home/jupyter/packages/lib/python3.11/site-packages',
    R_LIBS: '/image/R',
    R_LIBS_USER: '/home/jupyter/packages/R',
  });
});

test('the interpreter of a kernelspec is found with its version', async () => {
  expect(await findPython('/usr/bin/python3', '')).toMatchObject({
    program: '/usr/bin/python3',
    version: expect.stringMatching(/^3\.\d+$/),
  });
  expect(await findPython('python3', '/nowhere:/usr/bin')).toMatchObject({ program: '/usr/bin/python3' });
  expect(await findPython('/bin/sh', '')).toBeNull();
  expect(await findPython('/no/such/python', '')).toBeNull();
});

describe('what a user installs', () => {
  let folder: string;
  let agent: TestAgent;
  let venvPython: string;

  /** A package without dependencies, so that nothing is downloaded. */
  function makePackage(name: string, version: string): string {
    const source = path.join(folder, `${name}-${version}`);
    mkdirSync(path.join(source, name), { recursive: true });
    writeFileSync(path.join(source, name, '__init__.py'), `version = "${version}"\n`);
    writeFileSync(
      path.join(source, 'setup.py'),
      `from setuptools import setup\nsetup(name="${name}", version="${version}", packages=["${name}"])\n`,
    );
    return source;
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'packages-'));
    const venv = path.join(folder, 'venv');
    const [python = ''] = kernelspecs.python3.argv;
    execFileSync(python, ['-m', 'venv', '--system-site-packages', venv]);
    venvPython = path.join(venv, 'bin/python');
    // Where the prepared Python is a virtual environment itself, its packages are not the system's.
    const packagesOf = (program: string): string =>
      execFileSync(program, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"), end="")'], {
        encoding: 'utf8',
      });
    writeFileSync(path.join(packagesOf(venvPython), 'prepared.pth'), `${packagesOf(python)}\n`);
    agent = await startTestAgent({
      specs: { venv: { ...kernelspecs.python3, argv: [venvPython, ...kernelspecs.python3.argv.slice(1)] } },
    });
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const install = (source: string): string => `%pip install --quiet --no-build-isolation --no-deps ${source}`;

  test.each(['python3', 'venv'])('with pip in kernel %s lands on the disk and wins over the image', async (name) => {
    const { json } = await agent.call('POST', '/api/kernels', { name });
    const client = await connectKernel(agent, json.id);
    const module = `mine_${name}`;
    const output = await client.run(install(makePackage(module, '2.0')));
    expect(await client.run(`import ${module}; print(${module}.__file__, end="")`), output).toContain(
      path.join(agent.home, 'packages/lib/python'),
    );
    const shell = await client.run('!pip --version; which pip python3; echo $PIP_USER $PYTHONUSERBASE');
    expect(shell).toContain(`true ${agent.home}/packages`);
    if (name === 'venv') expect(shell).toContain(path.dirname(venvPython));
    await client.close();
  });

  test('with install.packages lands on the disk', async () => {
    const source = path.join(folder, 'rmine');
    mkdirSync(path.join(source, 'R'), { recursive: true });
    writeFileSync(
      path.join(source, 'DESCRIPTION'),
      'Package: rmine\nVersion: 1.0\nTitle: T\nAuthor: A\nMaintainer: A <a@b.c>\nDescription: D.\nLicense: none\n',
    );
    writeFileSync(path.join(source, 'NAMESPACE'), 'export(f)\n');
    writeFileSync(path.join(source, 'R/f.R'), 'f <- function() 42\n');
    const { json } = await agent.call('POST', '/api/kernels', { name: 'ir' });
    const client = await connectKernel(agent, json.id);
    await client.run(`install.packages(${JSON.stringify(source)}, repos = NULL, type = "source", quiet = TRUE)`);
    expect(await client.run('cat(rmine::f(), find.package("rmine"))')).toBe(
      `42 ${path.join(agent.home, 'packages/R/rmine')}`,
    );
    await client.close();
  });
});
