import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Python, Variables } from './environment.ts';

/** What to set and what to unset for one environment of a process to become another. */
export interface VariablesChange {
  readonly set: Variables;
  readonly unset: readonly string[];
}

/**
 * Names that count when a process starts: read by the loader, the interpreter or a library before the first cell, or set
 * anew by a kernel as it starts.
 */
const countsAtStart = new RegExp(
  `^(${[
    'PATH|HOME|SHELL|USER|LOGNAME|LANG|LANGUAGE|TZ|TZDIR|TERM|PAGER|GIT_PAGER|EDITOR|VISUAL|BROWSER|TMPDIR|TMP|TEMP',
    '(LD|LC|R|GLIBC|MALLOC|IPY|JPY|OMP|GOMP|KMP|MKL|BLIS|NPY|TERRARIUM)_.*',
    '(PYTHON|PYDEVD|IPYTHON|JUPYTER|CONDA|VIRTUAL_ENV|CLICOLOR|MPL|OPENBLAS|NUMEXPR|_?JAVA|JDK).*',
  ].join('|')})$`,
);

export function changeBetween(before: Variables, after: Variables): VariablesChange {
  return {
    set: Object.fromEntries(Object.entries(after).filter(([name, text]) => before[name] !== text)),
    unset: Object.keys(before).filter((name) => !(name in after)),
  };
}

/** Code that gives a running kernel the change, as if it had started with it; null where code cannot say that. */
export function codeToHand(language: string, { set, unset }: VariablesChange): string | null {
  const pairs = Object.entries(set);
  if ([...pairs.map(([name]) => name), ...unset].some((name) => countsAtStart.test(name))) return null;
  // A text of JSON is the same text in both languages.
  const text = (value: string): string => JSON.stringify(value);
  if (language === 'python') {
    const given = pairs.map(([name, value]) => `${text(name)}: ${text(value)}`);
    const gone = unset.map((name) => `__import__('os').environ.pop(${text(name)}, None)`);
    return [`__import__('os').environ.update({${given.join(', ')}})`, ...gone].join('\n');
  }
  if (language === 'R') {
    const given = pairs.map(([name, value]) => `${text(name)} = ${text(value)}`);
    return [
      ...(given.length === 0 ? [] : [`invisible(base::Sys.setenv(${given.join(', ')}))`]),
      ...(unset.length === 0 ? [] : [`invisible(base::Sys.unsetenv(base::c(${unset.map(text).join(', ')})))`]),
    ].join('\n');
  }
  return null;
}

/** Whether somebody has files on the disk that a kernel runs as it starts, and that may read variables then. */
export async function hasStartupFiles(home: string, python: Python | null): Promise<boolean> {
  const profile = path.join(home, '.ipython/profile_default');
  const packages = path.join(home, 'packages');
  const folders = python === null ? [] : [packages, path.join(packages, `lib/python${python.version}/site-packages`)];
  const files = [
    ...['ipython_config.py', 'ipython_config.json', 'ipython_kernel_config.py', 'ipython_kernel_config.json'].map(
      (name) => path.join(profile, name),
    ),
    ...['.Rprofile', '.Renviron'].map((name) => path.join(home, name)),
    ...folders.flatMap((folder) => ['sitecustomize.py', 'usercustomize.py'].map((name) => path.join(folder, name))),
  ];
  const found = await Promise.all(files.map(exists));
  const startup = await readdir(path.join(profile, 'startup')).catch(() => []);
  return found.includes(true) || startup.some((name) => name !== 'README');
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
