import path from 'node:path';

/** Where the built parts are, from the root of the repository. */
const root = path.resolve(import.meta.dirname, '..');
export const builtDirectories = {
  web: path.join(root, 'web/dist'),
  lab: path.join(root, 'lab/dist'),
  agent: path.join(root, 'agent/dist'),
  kernelsManifest: path.join(root, '.kernels/manifest.json'),
} as const;
