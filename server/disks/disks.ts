import {
  AppError,
  diskDeleteProblem,
  diskPricePerHour,
  diskPricePerMonth,
  type Disk,
  type PriceTable,
} from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { Ledger } from '../billing/ledger.ts';
import { isoMoment, isoMomentOrNull, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId } from '../plumbing/ids.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { diskStore, type DiskRow, type DiskStore } from './store.ts';

export type Disks = ReturnType<typeof createDisks>;

export const gib = 1024 ** 3;
const deadlineMs = 10 * 60_000;

/** Persistent disks: they outlive the environments that they are attached to. */
export function createDisks(options: {
  database: Database;
  accounts: Accounts;
  workspaces: WorkspaceStore;
  /** Environments belong to a later noun. */
  environmentName: (id: string) => Promise<string | null>;
  ledger: Ledger;
  prices: PriceTable;
  events: EventBus;
  clock: Clock;
  nudge: () => void;
}) {
  const { database, accounts, workspaces, ledger, prices, events, clock } = options;
  const store = diskStore(database);

  async function toResource(row: DiskRow): Promise<Disk> {
    const workspace = await workspaces.byId(row.workspace_id);
    const environmentName = row.environment_id === null ? null : await options.environmentName(row.environment_id);
    return {
      id: row.id,
      name: row.name,
      workspace: { id: row.workspace_id, namespace: workspace?.namespace ?? '', name: workspace?.name ?? '' },
      owner: (await accounts.get(row.owner_id))?.email ?? '',
      status: row.status,
      reason: row.reason,
      sizeGiB: row.size_gib,
      usedBytes: row.used_bytes,
      attachedTo: row.environment_id === null ? null : { id: row.environment_id, name: environmentName ?? 'deleted' },
      pricePerMonth: diskPricePerMonth(row.size_gib, prices),
      createdAt: isoMoment(row.created_at),
      lastAttachedAt: isoMomentOrNull(row.last_attached_at),
    };
  }

  async function required(accountId: string, id: string, from: DiskStore = store): Promise<DiskRow> {
    const row = await from.byId(id);
    if (row === undefined || row.owner_id !== accountId || row.status === 'Deleted') {
      throw new AppError('NotFound', 'There is no such disk that you can see.');
    }
    return row;
  }

  return {
    async list(accountId: string): Promise<Disk[]> {
      return Promise.all((await store.listFor(accountId)).map(toResource));
    },

    get: async (accountId: string, id: string): Promise<Disk> => toResource(await required(accountId, id)),

    row: (id: string) => store.byId(id),

    isAnyIn: async (workspaceId: string): Promise<boolean> => (await store.listIn(workspaceId)).length > 0,
    /** Drops what is remembered of the workspace's deleted disks; their charges stay. */
    forgetIn: async (workspaceId: string): Promise<void> => void (await store.forgetIn(workspaceId)),

    /**
     * The disk that a new environment gets, written in the caller's transaction: the named one, else the newest
     * detached one, else a new one.
     * @throws AppError AlreadyExists  the named disk is attached to another environment, or has another size
     */
    async attachFor(
      inside: Database,
      access: WorkspaceAccess,
      ownerId: string,
      environmentId: string,
      wish: { name: string | undefined; sizeGiB: number | undefined; defaultGiB: number },
    ): Promise<DiskRow> {
      const write = diskStore(inside);
      const mine = (await write.ofOwner(access.workspace.id, ownerId)).filter((row) => row.desired === 'present');
      const named = wish.name === undefined ? undefined : mine.find((row) => row.name === wish.name);
      const detached = mine.filter((row) => row.environment_id === null && row.status !== 'Failed');
      const existing = wish.name === undefined ? detached.at(-1) : named;
      const now = clock.now();
      if (existing !== undefined) {
        if (wish.sizeGiB !== undefined && wish.sizeGiB < existing.size_gib) {
          const message = `Disk "${existing.name}" has ${String(existing.size_gib)} GiB and cannot shrink. Leave the size out to attach it as it is, or give a new disk another name.`;
          throw new AppError('InvalidInput', message, { fields: { diskGiB: message } });
        }
        if (!(await write.attach(existing.id, environmentId, now))) {
          const message = `Disk "${existing.name}" is attached to another environment. Delete that environment first (it keeps the disk), or give a new disk another name.`;
          throw new AppError('AlreadyExists', message, { fields: { diskName: message } });
        }
        return { ...existing, environment_id: environmentId };
      }
      const row: DiskRow = {
        id: newId(),
        workspace_id: access.workspace.id,
        owner_id: ownerId,
        name:
          wish.name ??
          freeName(
            access.workspace.name,
            mine.map((disk) => disk.name),
          ),
        size_gib: wish.sizeGiB ?? wish.defaultGiB,
        used_bytes: null,
        desired: 'present',
        status: 'Creating',
        reason: null,
        environment_id: environmentId,
        last_attached_at: now,
        created_at: now,
        deleted_at: null,
        deadline_at: now + deadlineMs,
        run_at: now,
        attempts: 0,
        lease_until: null,
        fence: 0,
      };
      await write.insert(row);
      await ledger.set(
        inside,
        { id: row.id, workspaceId: row.workspace_id, accountId: ownerId },
        [{ category: 'Storage', perHour: diskPricePerHour(row.size_gib, prices) }],
        now,
      );
      return row;
    },

    /** Frees the disk in the caller's transaction; with `thenDelete` it is deleted next. */
    async release(inside: Database, id: string, environmentId: string, thenDelete: boolean): Promise<void> {
      const write = diskStore(inside);
      await write.detach(id, environmentId);
      const row = await write.byId(id);
      if (thenDelete && row !== undefined && row.environment_id === null) {
        await write.update(id, deletion(clock.now()));
      }
    },

    async requestDelete(accountId: string, id: string): Promise<Disk> {
      const { environment_id: environmentId } = await required(accountId, id);
      const name = environmentId === null ? null : await options.environmentName(environmentId);
      await database.transaction(async (inside) => {
        const row = await required(accountId, id, diskStore(inside));
        const attachedTo = row.environment_id === null ? null : { name: name ?? 'deleted' };
        const problem = diskDeleteProblem({ status: row.status, attachedTo });
        if (problem !== undefined) throw new AppError('NotPossibleNow', problem);
        await diskStore(inside).update(id, deletion(clock.now()));
      });
      events.publish({ kind: 'disk', id, workspaceId: null }, accountId);
      options.nudge();
      return toResource(await required(accountId, id));
    },

    /** Asks for another try of a disk that failed to be made. */
    async retry(inside: Database, id: string): Promise<void> {
      const write = diskStore(inside);
      const row = await write.byId(id);
      if (row?.status !== 'Failed' && row?.status !== 'Creating') return;
      const now = clock.now();
      await write.update(id, { run_at: now, attempts: 0, deadline_at: now + deadlineMs });
    },

    recordUse: (id: string, usedBytes: number) => store.update(id, { used_bytes: usedBytes }),
  };
}

function deletion(now: number) {
  return {
    desired: 'deleted',
    status: 'Deleting',
    reason: null,
    run_at: now,
    attempts: 0,
    deadline_at: now + deadlineMs,
  } as const;
}

/** A name that says where the disk belongs, since it outlives its environment: getting-started-disk. */
function freeName(workspaceName: string, taken: string[]): string {
  const words = workspaceName.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const stem = words
    .join('-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-$/, '');
  const base = stem === '' ? 'disk' : `${stem}-disk`;
  let name = base;
  for (let count = 2; taken.includes(name); count++) name = `${base}-${String(count)}`;
  return name;
}
