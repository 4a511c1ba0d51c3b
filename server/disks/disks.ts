import {
  AppError,
  diskDeleteProblem,
  diskPricePerHour,
  diskPricePerMonth,
  type Disk,
  type DiskCopy,
  type DiskUpdate,
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
import { gib } from './plan.ts';
import { diskStore, type DiskRow, type DiskStore } from './store.ts';

export type Disks = ReturnType<typeof createDisks>;

const deadlineMs = 10 * 60_000;

/** Persistent disks: they outlive the environments that they are attached to. */
export function createDisks(options: {
  database: Database;
  accounts: Accounts;
  workspaces: WorkspaceStore;
  /** Environments belong to a later noun. */
  environmentName: (id: string) => Promise<string | null>;
  /** The largest disk that can be had here, in bytes. */
  maxBytes: () => Promise<number>;
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
      kind: row.kind,
      copyOf: row.copy_of === null ? null : ((await store.byId(row.copy_of))?.name ?? 'deleted'),
      sizeGiB: row.size_gib,
      growsToGiB: row.grows_to_gib,
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

  async function requireSize(sizeGiB: number): Promise<void> {
    const maxGiB = Math.floor((await options.maxBytes()) / gib);
    if (sizeGiB <= maxGiB) return;
    const message = `A disk has at most ${String(maxGiB)} GiB here.`;
    throw new AppError('InvalidInput', message, { fields: { sizeGiB: message, diskGiB: message } });
  }

  function requireFreeName(name: string, others: readonly DiskRow[]): void {
    if (!others.some((row) => row.name === name)) return;
    const message = `You have a disk or snapshot "${name}" in this workspace already. Choose another name.`;
    throw new AppError('AlreadyExists', message, { fields: { name: message } });
  }

  /** What a new environment would get: the disk of that name, or the newest detached one; else a new one. */
  async function choiceFor(
    inside: Database,
    access: WorkspaceAccess,
    ownerId: string,
    name: string | undefined,
  ): Promise<{ all: DiskRow[]; existing: DiskRow | undefined }> {
    const rows = await diskStore(inside).ofOwner(access.workspace.id, ownerId);
    const all = rows.filter((row) => row.desired === 'present');
    const mine = all.filter((row) => row.kind === 'disk');
    const detached = mine.filter((row) => row.environment_id === null && row.status !== 'Failed');
    const existing = name === undefined ? detached.at(-1) : mine.find((row) => row.name === name);
    return { all, existing };
  }

  /** Writes a new disk that is to be made, charged from now on. */
  async function insert(
    inside: Database,
    disk: Pick<DiskRow, 'workspace_id' | 'owner_id' | 'name' | 'size_gib'> & Partial<DiskRow>,
  ): Promise<DiskRow> {
    const now = clock.now();
    const row: DiskRow = {
      id: newId(),
      kind: 'disk',
      copy_of: null,
      grows_to_gib: null,
      used_bytes: null,
      desired: 'present',
      status: 'Creating',
      reason: null,
      environment_id: null,
      last_attached_at: null,
      created_at: now,
      deleted_at: null,
      deadline_at: now + deadlineMs,
      run_at: now,
      attempts: 0,
      lease_until: null,
      fence: 0,
      ...disk,
    };
    await diskStore(inside).insert(row);
    await ledger.set(
      inside,
      { id: row.id, workspaceId: row.workspace_id, accountId: row.owner_id },
      [{ category: 'Storage', perHour: diskPricePerHour(row.size_gib, prices) }],
      { since: now, now },
    );
    return row;
  }

  async function grow(inside: Database, row: DiskRow, sizeGiB: number): Promise<void> {
    if (sizeGiB < row.size_gib) throw cannotShrink(row, 'sizeGiB');
    if (sizeGiB === row.size_gib) return;
    await requireSize(sizeGiB);
    if (row.status !== 'Ready') {
      throw new AppError('NotPossibleNow', `Disk "${row.name}" can grow when it is ready.`);
    }
    const now = clock.now();
    const change = { grows_to_gib: sizeGiB, reason: null, run_at: now, attempts: 0, deadline_at: now + deadlineMs };
    await diskStore(inside).update(row.id, change);
  }

  /** Says that it changed, and gives it back. */
  async function told(accountId: string, id: string): Promise<Disk> {
    const row = await required(accountId, id);
    events.publish({ kind: 'disk', id, workspaceId: row.workspace_id }, accountId);
    if (row.environment_id !== null) {
      events.publish({ kind: 'environment', id: row.environment_id, workspaceId: row.workspace_id }, accountId);
    }
    options.nudge();
    return toResource(row);
  }

  return {
    async list(accountId: string): Promise<Disk[]> {
      return Promise.all((await store.listFor(accountId)).map(toResource));
    },

    get: async (accountId: string, id: string): Promise<Disk> => toResource(await required(accountId, id)),

    rows: store.byIds,
    row: (id: string, inside: Database = database) => diskStore(inside).byId(id),

    isAnyIn: async (workspaceId: string): Promise<boolean> => (await store.listIn(workspaceId)).length > 0,
    /** Drops what is remembered of the workspace's deleted disks; their charges stay. */
    forgetIn: async (workspaceId: string): Promise<void> => void (await store.forgetIn(workspaceId)),

    /** Whether `attachFor` would make a new disk. */
    async isNewFor(inside: Database, access: WorkspaceAccess, ownerId: string, name: string | undefined) {
      return (await choiceFor(inside, access, ownerId, name)).existing === undefined;
    },

    /**
     * The disk that a new environment gets, written in the caller's transaction: the named one, else the newest
     * detached one, else a new one.
     * @param wish.madeId  of a disk that is there already and nobody's, which the new one is then
     * @throws AppError AlreadyExists  the named disk is attached to another environment, or has another size
     */
    async attachFor(
      inside: Database,
      access: WorkspaceAccess,
      ownerId: string,
      environmentId: string,
      wish: { name: string | undefined; sizeGiB: number | undefined; defaultGiB: number; madeId?: string | undefined },
    ): Promise<DiskRow> {
      const write = diskStore(inside);
      const { all, existing } = await choiceFor(inside, access, ownerId, wish.name);
      if (existing !== undefined) {
        if (wish.sizeGiB !== undefined && wish.sizeGiB < existing.size_gib) throw cannotShrink(existing, 'diskGiB');
        if (!(await write.attach(existing.id, environmentId, clock.now()))) {
          const message = `Disk "${existing.name}" is attached to another environment. Delete that environment first (it keeps the disk), or give a new disk another name.`;
          throw new AppError('AlreadyExists', message, { fields: { diskName: message } });
        }
        if (wish.sizeGiB !== undefined) await grow(inside, existing, wish.sizeGiB);
        return { ...existing, environment_id: environmentId };
      }
      if (wish.name !== undefined) requireFreeName(wish.name, all);
      const sizeGiB = wish.sizeGiB ?? wish.defaultGiB;
      await requireSize(sizeGiB);
      const taken = all.map((disk) => disk.name);
      return insert(inside, {
        workspace_id: access.workspace.id,
        owner_id: ownerId,
        name: wish.name ?? freeName(diskStem(access.workspace.name), taken),
        size_gib: sizeGiB,
        environment_id: environmentId,
        last_attached_at: clock.now(),
        ...(wish.madeId === undefined
          ? {}
          : { id: wish.madeId, status: 'Ready' as const, deadline_at: null, run_at: null }),
      });
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

    /** Frees what is attached to the environment besides `diskId`: what a change of disks has left. */
    async releaseOthers(environmentId: string, diskId: string, inside: Database = database): Promise<void> {
      for (const id of await diskStore(inside).detachOthers(environmentId, diskId)) {
        const row = await diskStore(inside).byId(id);
        if (row !== undefined) events.publish({ kind: 'disk', id, workspaceId: row.workspace_id }, row.owner_id);
      }
    },

    /** A disk that could not grow while it was in use tries again. */
    async growNow(id: string): Promise<void> {
      const row = await store.byId(id);
      if (row?.grows_to_gib == null || row.run_at !== null) return;
      const now = clock.now();
      await store.update(id, { run_at: now, deadline_at: now + deadlineMs });
      options.nudge();
    },

    /** Asks in the caller's transaction for a disk to have that size. @throws AppError InvalidInput, NotPossibleNow */
    async requestGrowth(inside: Database, id: string, sizeGiB: number): Promise<void> {
      const row = await diskStore(inside).byId(id);
      if (row !== undefined) await grow(inside, row, sizeGiB);
    },

    async update(accountId: string, id: string, change: DiskUpdate): Promise<Disk> {
      await database.transaction(async (inside) => {
        const write = diskStore(inside);
        const row = await required(accountId, id, write);
        if (row.status === 'Deleting') throw new AppError('NotPossibleNow', 'The disk is being deleted.');
        if (change.name !== undefined && change.name !== row.name) {
          requireFreeName(change.name, await write.ofOwner(row.workspace_id, accountId));
          await write.update(id, { name: change.name });
        }
        if (change.sizeGiB === undefined) return;
        if (row.kind === 'snapshot') {
          throw new AppError('InvalidInput', 'A snapshot keeps its size. Clone it into a disk of the size you need.');
        }
        await grow(inside, row, change.sizeGiB);
      });
      return told(accountId, id);
    },

    /** Makes a snapshot or another disk that begins with what this one holds. */
    async copy(accountId: string, id: string, kind: 'disk' | 'snapshot', copy: DiskCopy): Promise<Disk> {
      const made = await database.transaction(async (inside) => {
        const write = diskStore(inside);
        const row = await required(accountId, id, write);
        if (row.status !== 'Ready') {
          throw new AppError('NotPossibleNow', `"${row.name}" can be copied when it is ready.`);
        }
        const others = await write.ofOwner(row.workspace_id, accountId);
        if (copy.name !== undefined) requireFreeName(copy.name, others);
        const sizeGiB = copy.sizeGiB ?? row.size_gib;
        if (sizeGiB < row.size_gib) throw cannotShrink(row, 'sizeGiB');
        await requireSize(sizeGiB);
        const stem = `${row.name.slice(0, 30).replace(/-$/, '')}-${kind === 'snapshot' ? 'snapshot' : 'copy'}`;
        return insert(inside, {
          workspace_id: row.workspace_id,
          owner_id: accountId,
          name:
            copy.name ??
            freeName(
              stem,
              others.map((other) => other.name),
            ),
          size_gib: sizeGiB,
          used_bytes: row.used_bytes,
          kind,
          copy_of: row.id,
        });
      });
      return told(accountId, made.id);
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

    /** Measured again and again, so that it need not survive a loss of power. */
    recordUse: (id: string, usedBytes: number): Promise<void> =>
      database.quickTransaction(async (inside) => {
        await diskStore(inside).recordUse(id, usedBytes);
      }),
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

function cannotShrink(row: DiskRow, field: 'sizeGiB' | 'diskGiB'): AppError {
  const message = `Disk "${row.name}" has ${String(row.size_gib)} GiB and cannot shrink. For a smaller one, make a disk with another name, copy what you need to it, and delete this one.`;
  return new AppError('InvalidInput', message, { fields: { [field]: message } });
}

/** A name that says where the disk belongs, since it outlives its environment: getting-started-disk. */
function diskStem(workspaceName: string): string {
  const words = workspaceName.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const stem = words
    .join('-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-$/, '');
  return stem === '' ? 'disk' : `${stem}-disk`;
}

function freeName(base: string, taken: readonly string[]): string {
  let name = base;
  for (let count = 2; taken.includes(name); count++) name = `${base}-${String(count)}`;
  return name;
}
