import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrepareError, failureKind } from '../failure.mjs';
import { kernelsDirectory, root } from '../paths.mjs';
import { ask, run } from '../run.mjs';
import { isStamped, writeFile, writeStamp } from '../stamps.mjs';
import { canInstallDebianPackages, installDebianPackages } from './debian.mjs';
import { programsNamed } from './programs.mjs';

export const pythonPackages = ['ipykernel', 'numpy', 'pandas', 'matplotlib', 'scipy', 'ipywidgets'];
const debianPythonPackages = ['python3-ipykernel', 'python3-numpy', 'python3-pandas', 'python3-matplotlib'];
const environmentDirectory = join(kernelsDirectory, 'python');
const environmentPython = join(environmentDirectory, 'bin/python');
/** Says that the environment was made to its end, with the interpreter it was made from. */
const madeFile = join(environmentDirectory, 'made-from');

/** @typedef {{ argv: string[], display_name: string, language: string, env?: Record<string, string> }} KernelSpec */

/**
 * @typedef {object} FoundKernel
 * @property {string} name
 * @property {KernelSpec} spec                    kernel.json
 * @property {string | undefined} resources        folder with logos
 * @property {string} version
 * @property {{ name: string, version: string, language: string }[]} packages
 * @property {string[]} directories                what a sandbox has to see beside /usr
 */

/**
 * A Python with ipykernel: a virtual environment with the newest packages from the Python package index, or Debian's
 * packages, or whatever this machine has.
 * @param {AbortSignal} signal
 * @param {(sentence: string) => void} note
 * @returns {Promise<FoundKernel | undefined>}
 */
export async function findOrInstallPython(signal, note) {
  const base = await findInterpreter();
  if (base === undefined) {
    note(
      'There is no Python kernel, because no Python 3 was found. Install it (on Debian: apt-get install python3 python3-venv), then run npm run kernels.',
    );
    return undefined;
  }
  const hasEnvironment = await makeEnvironment(base.path, signal);
  const python = hasEnvironment ? environmentPython : base.path;
  if (hasEnvironment) {
    const problem = await installFromIndex(base.path, signal);
    if (problem === undefined) return describe(python);
    if (canInstallDebianPackages() && base.path === '/usr/bin/python3') {
      const failure = await installDebianPackages('apt-python', debianPythonPackages, signal).catch(keepPrepareError);
      if (!(failure instanceof PrepareError)) {
        note(
          `Python has Debian's packages, which are older, because ${problem}. To get the newest ones later, run npm run kernels.`,
        );
        return describe(python);
      }
      note(`Python's packages could not be installed, because ${problem} and ${failure.message}.`);
    } else note(`Python's packages could not be installed, because ${problem}.`);
  }
  const found = await describe(python);
  if (found === undefined) {
    note(
      hasEnvironment
        ? 'There is no Python kernel yet: run npm run kernels once that is solved.'
        : `There is no Python kernel, because ${base.path} has no ipykernel and cannot make virtual environments. Have python3-venv installed (on Debian: apt-get install python3-venv), then run npm run kernels.`,
    );
  } else if (!hasEnvironment) {
    note(
      `Python is ${base.path} with the packages it has, because it cannot make virtual environments. Have python3-venv installed to get the newest packages, then run npm run kernels.`,
    );
  }
  return found;
}

/** @param {unknown} error */
function keepPrepareError(error) {
  if (error instanceof PrepareError && !error.isInterruption) return error;
  throw error;
}

/** The interpreter itself, not a version manager's stand-in for it. */
async function findInterpreter() {
  for (const candidate of programsNamed('python3')) {
    const answer = await ask(candidate, [
      '-I',
      '-c',
      'import sys; print(sys.executable); print(sys.base_prefix); sys.exit(sys.version_info < (3, 9))',
    ]);
    const [path, prefix] = answer?.split('\n') ?? [];
    // Debian's is always asked for as /usr/bin/python3: its next version keeps that name.
    if (path !== undefined && prefix !== undefined && path !== '')
      return { path: candidate === '/usr/bin/python3' ? candidate : path, prefix };
  }
  return undefined;
}

/**
 * @param {string} base
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether there is one now
 */
async function makeEnvironment(base, signal) {
  const question = 'import sys; print(sys.version, sys.base_prefix)';
  const wanted = (await ask(base, ['-I', '-c', question])) ?? '';
  if (isStamped(madeFile, wanted, []) && (await ask(environmentPython, ['-I', '-c', question])) === wanted) return true;
  rmSync(environmentDirectory, { recursive: true, force: true });
  // System packages stay visible: that is also what lets `pip install --user` work inside.
  const args = ['-m', 'venv', '--system-site-packages'];
  const options = { signal, env: pipEnvironment() };
  const made = await run('python-venv', base, [...args, environmentDirectory], options);
  if (made.code === 0) {
    writeStamp(madeFile, wanted);
    return true;
  }
  rmSync(environmentDirectory, { recursive: true, force: true });
  if (failureKind(made.output) === 'disk-full') throw new PrepareError('the disk is full', { logFile: made.logFile });
  // Debian splits off what puts pip into a new environment; a pip of the machine's can fill one from outside.
  if ((await ask(base, ['-m', 'pip', '--version'])) === undefined) return false;
  const bare = await run('python-venv', base, [...args, '--without-pip', environmentDirectory], {
    ...options,
    append: true,
  });
  if (bare.code === 0) writeStamp(madeFile, wanted);
  else rmSync(environmentDirectory, { recursive: true, force: true });
  return bare.code === 0;
}

/**
 * @param {string} base
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} why it could not be done, as half a sentence
 */
async function installFromIndex(base, signal) {
  const hasPip =
    (await ask(environmentPython, [
      '-I',
      '-c',
      'import pip, sys; sys.exit(not pip.__file__.startswith(sys.prefix))',
    ])) !== undefined;
  const command = hasPip ? environmentPython : base;
  const pip = [
    '-m',
    'pip',
    ...(hasPip ? [] : ['--python', environmentPython]),
    '--no-input',
    '--disable-pip-version-check',
  ];
  const patience = ['--timeout', '10', '--retries', '1'];
  const options = { signal, env: pipEnvironment() };

  // Asked first with a bound on the whole: a network that swallows packets would cost minutes for every address.
  const probeDirectory = mkdtempSync(join(tmpdir(), 'terrarium-'));
  try {
    const probe = await run(
      'pip-probe',
      command,
      [...pip, ...patience, 'download', '-q', '--no-deps', '-d', probeDirectory, 'ipykernel'],
      { ...options, timeoutMs: 30_000 },
    ).catch(keepPrepareError);
    if (probe instanceof PrepareError || probe.code !== 0) {
      const kind = probe instanceof PrepareError ? 'no-network' : failureKind(probe.output);
      return reasons[kind] ?? `pip failed (see ${String(probe.logFile)})`;
    }
  } finally {
    rmSync(probeDirectory, { recursive: true, force: true });
  }
  const install = ['install', '--timeout', '30', '--upgrade', '--upgrade-strategy', 'eager', '--only-binary', ':all:'];
  let result = await run('pip', command, [...pip, ...install, ...pythonPackages], options);
  // An installation that was killed half way can leave a package that pip takes for whole.
  if (
    result.code === 0 &&
    (await ask(environmentPython, ['-I', '-c', `import ${pythonPackages.join(', ')}`])) === undefined
  )
    result = await run('pip', command, [...pip, ...install, '--force-reinstall', ...pythonPackages], options);
  if (result.code === 0) await adjustStart();
  return result.code === 0 ? undefined : (reasons[failureKind(result.output)] ?? `pip failed (see ${result.logFile})`);
}

/** What the environment's Python does when it starts: lines of its .pth files that begin with `import` are run. */
async function adjustStart() {
  const folder = (
    await ask(environmentPython, ['-I', '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])
  )?.trim();
  if (folder === undefined) return;
  writeFile(join(folder, 'own-namespaces.pth'), `${ownNamespaces(folder).join('; ')}\n`);
  writeFile(join(folder, 'user-installs.pth'), `${userInstalls.join('; ')}\n`);
}

/**
 * Debian's matplotlib claims the namespace mpl_toolkits for its own folder in every Python that sees Debian's packages, and
 * so breaks the newer one here. This claims it first: .pth files of the environment are read before the system's.
 * @see /usr/lib/python3/dist-packages/matplotlib-*-nspkg.pth
 * @param {string} folder
 */
function ownNamespaces(folder) {
  return [
    'import sys, importlib.util, importlib.machinery',
    `spec = importlib.machinery.PathFinder.find_spec('mpl_toolkits', [${JSON.stringify(folder)}])`,
    "spec and sys.modules.setdefault('mpl_toolkits', importlib.util.module_from_spec(spec))",
  ];
}

/**
 * In a virtual environment pip neither upgrades nor removes what is installed outside of it, such as on a person's disk,
 * and installs there no other version of what the environment has. So where pip is to install for the user, as it is
 * for kernels and terminals, this Python is the system's, with one folder of packages more.
 * @see running_under_virtualenv in pip's utils/virtualenv.py
 */
const userInstalls = [
  'import os, sys',
  "os.environ.get('PIP_USER') and vars(sys).update(prefix=sys.base_prefix, exec_prefix=sys.base_exec_prefix)",
];

/** @type {Partial<Record<import('../failure.mjs').FailureKind, string>>} */
const reasons = {
  'no-network': 'the Python package index cannot be reached',
  'disk-full': 'the disk is full',
  'no-permission': 'this user may not write there',
  refused: 'the Python package index refused the request',
};

/** The machine's configuration of pip counts; what would send packages elsewhere does not. */
function pipEnvironment() {
  const {
    PIP_USER: _1,
    PIP_TARGET: _2,
    PIP_PREFIX: _3,
    PYTHONPATH: _4,
    PYTHONHOME: _5,
    VIRTUAL_ENV: _6,
    ...environment
  } = process.env;
  return environment;
}

/**
 * @param {string} python
 * @returns {Promise<FoundKernel | undefined>}  undefined when it has no ipykernel
 */
async function describe(python) {
  const answer = await ask(python, ['-I', join(root, 'scripts/kernels/describe-python.py')]);
  if (answer === undefined) return undefined;
  /** @type {{ spec: KernelSpec, resources: string, version: string, basePrefix: string, packages: { name: string, version: string }[] }} */
  const facts = JSON.parse(answer);
  const isOwn = python === environmentPython;
  return {
    name: 'python3',
    spec: { ...facts.spec, argv: [python, ...facts.spec.argv.slice(1)], display_name: 'Python 3' },
    resources: facts.resources,
    version: facts.version,
    packages: facts.packages.map((entry) => ({ ...entry, language: 'python' })),
    directories: [
      ...(isOwn ? [environmentDirectory] : []),
      ...(facts.basePrefix.startsWith('/usr') ? [] : [facts.basePrefix]),
    ],
  };
}
