import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelsDirectory } from '../paths.mjs';
import { writeFile } from '../stamps.mjs';
import { isProgram } from './programs.mjs';

/**
 * What the sandbox driver reads: the kernels of this machine and what they need to be seen.
 * @typedef {object} Manifest
 * @property {string[]} directories           to be bound read-only into sandboxes
 * @property {string[]} kernelspecDirectories each holds kernels/<name>/kernel.json
 * @property {{ name: string, displayName: string, language: string, version: string }[]} kernels
 * @property {{ name: string, version: string, language: string }[]} packages
 * @property {string[]} notes                 what is missing and how to add it, a sentence each
 */

export const manifestFile = join(kernelsDirectory, 'manifest.json');
const jupyterDirectory = join(kernelsDirectory, 'share/jupyter');

/** @returns {Manifest | undefined} */
export function readManifest() {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Writes the kernelspecs, then the manifest.
 * @param {readonly import('./python.mjs').FoundKernel[]} found
 * @param {readonly string[]} notes
 */
export function writeManifest(found, notes) {
  const specs = join(jupyterDirectory, 'kernels');
  const staging = `${specs}.new`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  for (const kernel of found) {
    const folder = join(staging, kernel.name);
    if (kernel.resources === undefined) mkdirSync(folder, { recursive: true });
    else cpSync(kernel.resources, folder, { recursive: true, dereference: true });
    writeFileSync(join(folder, 'kernel.json'), `${JSON.stringify(kernel.spec, null, 2)}\n`);
  }
  rmSync(specs, { recursive: true, force: true });
  renameSync(staging, specs);

  // Debian's libraries (R's linear algebra for one) are reached through links in /etc/alternatives.
  const system = ['/etc/alternatives', '/etc/fonts'].filter((path) => existsSync(path));
  /** @type {Manifest} */
  const manifest = {
    directories: [
      ...new Set([join(kernelsDirectory, 'share'), ...found.flatMap((kernel) => kernel.directories), ...system]),
    ],
    kernelspecDirectories: [jupyterDirectory],
    kernels: found.map(({ name, spec, version }) => ({
      name,
      displayName: spec.display_name,
      language: spec.language.toLowerCase() === 'r' ? 'R' : spec.language,
      version,
    })),
    packages: found.flatMap((kernel) => kernel.packages),
    notes: [...notes],
  };
  writeFile(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Further kernelspecs that are installed for everyone on this machine and whose program is visible in a sandbox.
 * @param {readonly string[]} known  names that are taken
 * @returns {import('./python.mjs').FoundKernel[]}
 */
export function findOtherKernels(known) {
  /** @type {Map<string, import('./python.mjs').FoundKernel>} */
  const others = new Map();
  for (const folder of ['/usr/local/share/jupyter/kernels', '/usr/share/jupyter/kernels']) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (known.includes(name) || others.has(name)) continue;
      try {
        const spec = JSON.parse(readFileSync(join(folder, name, 'kernel.json'), 'utf8'));
        const program = String(spec.argv?.[0] ?? '');
        if (typeof spec.display_name !== 'string' || typeof spec.language !== 'string') continue;
        if (!program.startsWith('/usr/') || !isProgram(program)) continue;
        others.set(name, {
          name,
          spec,
          resources: join(folder, name),
          version: '',
          packages: [],
          directories: [],
        });
      } catch {
        // A broken kernelspec is as good as none.
      }
    }
  }
  return [...others.values()];
}
