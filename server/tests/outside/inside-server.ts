import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { accountStore } from '../../accounts/store.ts';
import { readConfig } from '../../config.ts';
import type { ObjectStore } from '../../bucket/object-store.ts';
import type { Drivers } from '../../context.ts';
import { createFilesystemObjectStore } from '../../drivers/filesystem/object-store.ts';
import { createMemoryDriver } from '../../drivers/memory/memory-driver.ts';
import { systemClock } from '../../plumbing/clock.ts';
import { createLog } from '../../plumbing/log.ts';
import { startServer, type RunningServer } from '../../server.ts';
import { freePort } from '../../testing/control-plane.ts';

/** A whole control plane in this process, its machines and disks in memory where nothing else is said. */
export interface InsideServer {
  /** The one that runs now. */
  readonly server: RunningServer;
  readonly port: number;
  /** Makes a further account; resolves to its API token. */
  addAccount(id: string): Promise<string>;
  /** Stops it and starts another one on the same data. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export async function startInside(
  machines: (directory: string) => Pick<Drivers, 'compute' | 'disks'> = () =>
    createMemoryDriver({ clock: systemClock }),
  wrap: (store: ObjectStore) => ObjectStore = (store) => store,
): Promise<InsideServer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-inside-'));
  const port = await freePort();
  const config = readConfig({ TERRARIUM_PORT: String(port), TERRARIUM_DATA: directory, USER: 'owner' }, '/');
  const { compute, disks } = machines(directory);
  const objects = createFilesystemObjectStore({ directory: path.join(directory, 'buckets') });
  const log = createLog({ level: 'silent' });
  const start = () => startServer({ config, log, drivers: { compute, disks, objects: wrap(objects) } });
  let server = await start();
  return {
    get server() {
      return server;
    },
    port,
    async addAccount(id) {
      await accountStore(server.context.database).insertAccount({
        id,
        email: `${id}@localhost`,
        name: id,
        password_hash: null,
        is_operator: 0,
        created_at: 0,
      });
      return (await server.context.accounts.createToken(id, 'story')).secret;
    },
    async restart() {
      await server.stop();
      server = await start();
    },
    async remove() {
      await server.stop();
      await objects.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
