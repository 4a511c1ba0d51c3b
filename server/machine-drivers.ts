import path from 'node:path';
import { keepsVersions } from './bucket/buckets.ts';
import { builtDirectories } from './built-directories.ts';
import type { Clock } from './plumbing/clock.ts';
import { createFilesystemObjectStore } from './drivers/filesystem/object-store.ts';
import { createSandboxDriver } from './drivers/sandbox/sandbox-driver.ts';

/** The drivers of an installation on one machine. */
export function machineDrivers(dataDirectory: string, clock: Clock) {
  const sandbox = createSandboxDriver({
    dataDirectory,
    agentBundle: builtDirectories.agent,
    nodeBinary: process.execPath,
    kernelsManifest: builtDirectories.kernelsManifest,
    clock,
  });
  const directory = path.join(dataDirectory, 'buckets');
  const objects = createFilesystemObjectStore({ directory, clock, keepsVersions });
  return { ...sandbox, objects, close: objects.close };
}
