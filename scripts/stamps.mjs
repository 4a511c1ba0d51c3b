import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './paths.mjs';

const skipped = new Set(['node_modules', 'dist', 'dist.new', 'test-results', 'e2e', '.cache']);

/**
 * A hash over the contents of files and folders of the project, so that work is repeated when, and only when, what it is
 * made from changed.
 * @param {readonly string[]} inputs  relative to the project
 * @param {readonly string[]} [facts]  anything else that it depends on
 * @returns {string}
 */
export function hashInputs(inputs, facts = []) {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`${fact}\0`);
  for (const input of inputs) addTo(hash, input);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} path
 */
function addTo(hash, path) {
  const absolute = join(root, path);
  /** @type {import('node:fs').Dirent[]} */
  let entries;
  try {
    entries = readdirSync(absolute, { withFileTypes: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTDIR') hash.update(`${path}\0`).update(readFileSync(absolute)).update('\0');
    else if (code !== 'ENOENT') throw error;
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (skipped.has(entry.name) || entry.name.endsWith('.test.ts') || entry.name.endsWith('.test.tsx')) continue;
    if (entry.isDirectory() || entry.isFile()) addTo(hash, join(path, entry.name));
  }
}

/**
 * @param {string} stampFile
 * @param {string} hash
 * @param {readonly string[]} outputs  absolute; what has to be there for the stamp to count
 * @returns {boolean}
 */
export function isStamped(stampFile, hash, outputs) {
  try {
    return readFileSync(stampFile, 'utf8') === hash && outputs.every((output) => existsSync(output));
  } catch {
    return false;
  }
}

/**
 * @param {string} stampFile
 * @param {string} hash
 */
export function writeStamp(stampFile, hash) {
  writeFile(stampFile, hash);
}

/**
 * Writes a file so that it is never seen half written.
 * @param {string} file
 * @param {string} text
 */
export function writeFile(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
