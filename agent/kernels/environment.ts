import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, realpath, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { log, messageOf } from '../log.ts';

export type Variables = Readonly<Record<string, string>>;

/** A Python interpreter: where it is and which `X.Y` it is. */
export interface Python {
  readonly program: string;
  readonly version: string;
}

/** What the user installs lives on the disk, and these folders must be there before a language looks for them. */
export async function prepareHome(home: string): Promise<void> {
  for (const folder of ['packages', 'packages/R', 'packages/bin', 'notebooks'])
    await makeFolder(path.join(home, folder));
}

/** A full or read-only disk must not keep anyone from starting. One that its owner cannot enter is of no use to anyone. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const { mode } = await stat(folder);
    if ((mode & 0o700) !== 0o700) await chmod(folder, (mode & 0o777) | 0o700);
  } catch (error) {
    log('warn', 'a folder on the disk could not be made', { folder, cause: messageOf(error) });
  }
}

/**
 * The environment of kernels and terminals: what the agent inherited, then defaults that make pip and install.packages
 * write to the disk, then what the control plane and the image's owner chose.
 */
export function buildEnvironment(options: {
  inherited: Readonly<Record<string, string | undefined>>;
  home: string;
  chosen: Variables;
  python: Python | null;
}): Record<string, string> {
  const { inherited, home, chosen, python } = options;
  const packages = path.join(home, 'packages');
  const kept = Object.entries(inherited).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const base: Record<string, string> = { ...Object.fromEntries(kept), ...chosen, HOME: home, NOTEBOOKS_DIR: home };
  const sitePackages = python === null ? [] : [sitePackagesOf(home, python)];
  const defaults: Record<string, string> = {
    PIP_USER: 'true',
    PIP_BREAK_SYSTEM_PACKAGES: '1',
    PYTHONUSERBASE: packages,
    PYTHONPATH: [packages, ...sitePackages].join(':'),
    R_LIBS: path.join(packages, 'R'),
    R_LIBS_USER: path.join(packages, 'R'),
  };
  const searched = (base['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(':');
  // `pip` in a terminal or after `!` must be the kernel's own.
  const pythonFolder =
    python === null ? [] : [path.dirname(python.program)].filter((folder) => !searched.includes(folder));
  return {
    ...defaults,
    ...base,
    PATH: [path.join(packages, 'bin'), ...pythonFolder, ...searched].join(':'),
  };
}

function sitePackagesOf(home: string, python: Python): string {
  return path.join(home, 'packages/lib', `python${python.version}`, 'site-packages');
}

/** Python remembers that a folder on its path is missing, so it must be there before the first import. */
export async function prepareSitePackages(home: string, python: Python): Promise<void> {
  await makeFolder(sitePackagesOf(home, python));
}

/** IPython ends when it cannot make its profile. */
const profileBytes = 1024 ** 2;

/** Where IPython keeps its profile instead, when the disk is too full to make one; null when it needs no other place. */
export async function ipythonFolder(home: string, stateDirectory: string): Promise<string | null> {
  const hasProfile = await stat(path.join(home, '.ipython/profile_default/startup/README')).then(
    () => true,
    () => false,
  );
  if (hasProfile) return null;
  const disk = await statfs(home).catch(() => null);
  return disk === null || disk.bavail * disk.bsize >= profileBytes ? null : path.join(stateDirectory, 'ipython');
}

const known = new Map<string, Promise<Python | null>>();

/** The interpreter that a kernelspec's argv starts, or null when it is not Python. Found once per program. */
export function findPython(program: string, searchPath: string): Promise<Python | null> {
  const key = `${program}\n${searchPath}`;
  const finding = known.get(key) ?? identify(program, searchPath);
  known.set(key, finding);
  return finding;
}

async function identify(program: string, searchPath: string): Promise<Python | null> {
  const candidates = path.isAbsolute(program)
    ? [program]
    : searchPath.split(':').map((folder) => path.join(folder, program));
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => null);
    if (real === null) continue;
    const version = versionInName(real) ?? (await versionOfVenv(candidate)) ?? (await askVersion(candidate));
    return version === null ? null : { program: candidate, version };
  }
  return null;
}

/** `/usr/bin/python3.11` says it without starting anything. */
function versionInName(file: string): string | null {
  return /^python(\d+\.\d+)$/.exec(path.basename(file))?.[1] ?? null;
}

async function versionOfVenv(program: string): Promise<string | null> {
  const settings = await readFile(path.join(path.dirname(program), '../pyvenv.cfg'), 'utf8').catch(() => '');
  return /^version(?:_info)?\s*=\s*(\d+\.\d+)/m.exec(settings)?.[1] ?? null;
}

function askVersion(program: string): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, ['-I', '-S', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', () => {
      resolve(null);
    });
    child.once('close', () => {
      resolve(/^\d+\.\d+$/.exec(text.trim())?.[0] ?? null);
    });
  });
}
