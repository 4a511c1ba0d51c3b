import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PriceTable } from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import { readConfig } from '../config.ts';
import { createContext, type Context } from '../context.ts';
import { createFilesystemObjectStore } from '../drivers/filesystem/object-store.ts';
import { createMemoryDriver, type MemoryDriver } from '../drivers/memory/memory-driver.ts';
import type { Clock } from '../plumbing/clock.ts';
import { createLog } from '../plumbing/log.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import { createIdleAgents } from './idle-agent.ts';

/** A control plane's nouns over machines that exist in memory, with one account and one workspace; nothing runs yet. */
export interface MemoryInstallation {
  readonly context: Context;
  readonly driver: MemoryDriver;
  readonly owner: Principal;
  readonly access: WorkspaceAccess;
  /** Lets an idle agent answer for the environment from now on. */
  readonly answerFor: (environmentId: string) => Promise<void>;
  remove(): Promise<void>;
}

export async function createMemoryInstallation(options: {
  clock: Clock;
  prices?: PriceTable;
  poolSize?: number;
}): Promise<MemoryInstallation> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-memory-'));
  const driver = createMemoryDriver(options);
  const agents = createIdleAgents(directory);
  const answered = new Set<string>();
  const prices = options.prices === undefined ? {} : { TERRARIUM_PRICES: JSON.stringify(options.prices) };
  const context = await createContext({
    config: readConfig({ TERRARIUM_DATA: directory, TERRARIUM_POOL: String(options.poolSize ?? 0), ...prices }),
    clock: options.clock,
    log: createLog({ level: 'silent' }),
    drivers: { ...driver, objects: createFilesystemObjectStore({ directory: path.join(directory, 'objects') }) },
  });
  const account = await context.accounts.ensureOwner({ email: 'ada@example.org', name: 'Ada' });
  await context.billing.create(account.id, { name: 'lab', description: '' });
  const workspace = await context.workspaces.create(account.id, {
    namespace: 'lab',
    name: 'one',
    description: '',
    withExamples: false,
  });
  return {
    context,
    driver,
    owner: { account, via: { kind: 'token', tokenId: 'test' } },
    access: await context.access.workspaceById(account.id, workspace.id, 'compute'),
    async answerFor(environmentId) {
      if (answered.has(environmentId)) return;
      answered.add(environmentId);
      driver.control.setAddress(environmentId, await agents.answerFor(environmentId));
    },
    async remove() {
      await context.dispose();
      agents.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
