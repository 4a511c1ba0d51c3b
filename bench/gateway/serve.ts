/**
 * The real control plane with the upstream in place of machines: gateway, sign-in, access and database as always.
 * Argument: the port that the upstream listens on besides its socket.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from '../../server/config.ts';
import { createFilesystemObjectStore } from '../../server/drivers/filesystem/object-store.ts';
import { createMemoryDriver } from '../../server/drivers/memory/memory-driver.ts';
import type { ComputeDriver } from '../../server/environments/compute-driver.ts';
import { systemClock as clock } from '../../server/plumbing/clock.ts';
import { createLog } from '../../server/plumbing/log.ts';
import { startServer } from '../../server/server.ts';

const [port = ''] = process.argv.slice(2);
const config = readConfig();
const sockets = path.join(config.dataDirectory, 'm');
mkdirSync(sockets, { recursive: true });

const memory = createMemoryDriver({ clock });
const compute: ComputeDriver = {
  ...memory.compute,
  async start(spec) {
    const socketPath = path.join(sockets, `${spec.id}.sock`);
    const script = path.join(import.meta.dirname, 'upstream.ts');
    const upstream = spawn(process.execPath, [script, socketPath, port, spec.id], { stdio: 'inherit' });
    process.once('exit', () => upstream.kill('SIGKILL'));
    memory.control.setAddress(spec.id, { socketPath });
    await memory.compute.start(spec);
  },
};
const server = await startServer({
  config,
  log: createLog({ level: config.logLevel }),
  drivers: {
    compute,
    disks: memory.disks,
    objects: createFilesystemObjectStore({ directory: path.join(config.dataDirectory, 'buckets'), clock }),
  },
});
process.once('SIGTERM', () => {
  server.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
