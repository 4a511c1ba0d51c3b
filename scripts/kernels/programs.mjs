import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { machinePath } from '../paths.mjs';

/**
 * Where a program is, Debian's own first: a version manager's stand-ins come before it on the PATH of many machines, and
 * what they stand for is outside /usr.
 * @param {string} name
 * @returns {string[]}  absolute, best first
 */
export function programsNamed(name) {
  const folders = ['/usr/bin', ...machinePath().split(delimiter)];
  const paths = folders.filter((folder) => folder.startsWith('/')).map((folder) => join(folder, name));
  return [...new Set(paths)].filter(isProgram);
}

/** @param {string} path */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Which of these programs there are and since when, for a stamp: installing or removing one is a reason to look again.
 * @param {readonly string[]} names
 */
export function programFacts(names) {
  return names.map((name) => {
    const [path] = programsNamed(name);
    return path === undefined ? `${name}: none` : `${path} ${String(statSync(path).mtimeMs)}`;
  });
}
