import {
  AppError,
  diskPricePerMonth,
  environmentActionProblem,
  environmentPrice,
  type Environment,
  type EnvironmentCreate,
  type PriceTable,
} from '@terrarium/contract';
import type { Accounts, Principal } from '../accounts/accounts.ts';
import type { Ledger } from '../billing/ledger.ts';
import type { Disks } from '../disks/disks.ts';
import type { Images } from '../images/images.ts';
import { isoMoment, isoMomentOrNull, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId, newSecret } from '../plumbing/ids.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import type { AgentDoor } from './agent-client.ts';
import type { ComputeDriver } from './compute-driver.ts';
import { specIn } from './execute.ts';
import type { Meter } from './meter.ts';
import { stepTitles } from './plan.ts';
import { specOf, type ShapeDefaults } from './spec.ts';
import { environmentStore, type EnvironmentChange, type EnvironmentRow, type EnvironmentStore } from './store.ts';
import { deadlinesMs, wishToDelete, wishToStart, wishToStop } from './wishes.ts';

/** Whose environment it is; how they proved it does not matter here. */
type Who = Pick<Principal, 'account'>;

export type Environments = ReturnType<typeof createEnvironments>;

/** Cloud Environments: what people may ask of them. Requests write what is wanted; the reconciler does it. */
export function createEnvironments(options: {
  database: Database;
  driver: ComputeDriver;
  describe: () => Promise<{ notes: string[]; maxCpus: number; maxMemoryBytes: number }>;
  accounts: Accounts;
  workspaces: WorkspaceStore;
  images: Images;
  disks: Disks;
  meter: Meter;
  ledger: Ledger;
  prices: PriceTable;
  defaults: ShapeDefaults & { diskGiB: number };
  events: EventBus;
  clock: Clock;
  nudge: () => void;
}) {
  const { database, driver, accounts, images, disks, meter, ledger, prices, defaults, events, clock } = options;
  const store = environmentStore(database);

  async function toResource(row: EnvironmentRow): Promise<Environment> {
    const spec = specIn(row);
    const [workspace, owner, disk, steps, soFar, imageTitle, { notes }] = await Promise.all([
      options.workspaces.byId(row.workspace_id),
      accounts.get(row.owner_id),
      disks.row(row.disk_id),
      store.steps(row.id),
      ledger.costOf(row.id, clock.now()),
      images.titleOf(spec.image),
      options.describe(),
    ]);
    const reading = row.status === 'Running' ? meter.reading(row.id) : null;
    return {
      id: row.id,
      name: row.name,
      workspace: { id: row.workspace_id, namespace: workspace?.namespace ?? '', name: workspace?.name ?? '' },
      owner: owner?.email ?? '',
      status: row.status,
      reason: row.reason,
      image: spec.image,
      imageTitle,
      cpus: spec.cpus,
      memoryGiB: spec.memoryGiB,
      gpus: spec.gpus,
      bootDiskGiB: spec.bootDiskGiB,
      environmentVariables: { ...spec.environmentVariables },
      autopauseMinutes: spec.autopauseMinutes,
      disk: disk === undefined ? null : { id: disk.id, name: disk.name, sizeGiB: disk.size_gib, status: disk.status },
      timeline: steps.map((step) => ({
        step: step.step,
        // A step of an older version may have gone from the table.
        title: (stepTitles as Record<string, string>)[step.step] ?? step.step,
        startedAt: isoMoment(step.started_at),
        endedAt: isoMomentOrNull(step.ended_at),
        outcome: step.outcome,
        log: step.log,
      })),
      usage: reading?.usage ?? null,
      cost: {
        currency: prices.currency,
        ...environmentPrice(spec, prices),
        diskPerMonth: diskPricePerMonth(disk?.size_gib ?? 0, prices),
        soFar,
      },
      notes,
      createdAt: isoMoment(row.created_at),
      startedAt: isoMomentOrNull(row.started_at),
      lastActivityAt: isoMomentOrNull(reading?.lastActivityAt ?? row.last_activity_at),
      pausesAt: isoMomentOrNull(reading?.pausesAt ?? null),
    };
  }

  /** Null when the machine does not run. */
  async function doorOf(row: EnvironmentRow): Promise<AgentDoor | null> {
    const address = await driver.address(row.id);
    return address === null ? null : { environmentId: row.id, address, secret: row.agent_secret };
  }

  /** The caller's environment of that name or id. Other people's do not exist for them. */
  async function required(
    accountId: string,
    workspaceId: string,
    nameOrId: string,
    from: EnvironmentStore = store,
  ): Promise<EnvironmentRow> {
    const mine = await from.ofOwner(workspaceId, accountId);
    const row =
      mine.find((candidate) => candidate.id === nameOrId) ?? mine.find((candidate) => candidate.name === nameOrId);
    if (row === undefined)
      throw new AppError('NotFound', `There is no environment "${nameOrId.slice(0, 80)}" of yours in this workspace.`);
    return row;
  }

  async function wish(
    accountId: string,
    workspaceId: string,
    nameOrId: string,
    action: 'start' | 'stop' | 'delete',
    change: EnvironmentChange,
  ): Promise<Environment> {
    // Check and write see the same row: two opposite requests at once are taken one after the other.
    const id = await database.transaction(async (inside) => {
      const row = await required(accountId, workspaceId, nameOrId, environmentStore(inside));
      const problem = environmentActionProblem(row.status, action);
      if (problem !== undefined) throw new AppError('NotPossibleNow', problem);
      if (action === 'start') await disks.retry(inside, row.disk_id);
      await environmentStore(inside).wish(row, change);
      return row.id;
    });
    events.publish({ kind: 'environment', id, workspaceId }, accountId);
    options.nudge();
    return toResource(await required(accountId, workspaceId, id));
  }

  async function checkShape(request: EnvironmentCreate): Promise<void> {
    const { maxCpus, maxMemoryBytes } = await options.describe();
    const fields: Record<string, string> = {};
    if (request.cpus !== undefined && request.cpus > maxCpus) {
      fields['cpus'] = `This machine has ${String(maxCpus)} CPUs; ask for at most that.`;
    }
    const maxGiB = Math.floor((maxMemoryBytes / 1024 ** 3) * 10) / 10;
    if (request.memoryGiB !== undefined && request.memoryGiB > maxGiB) {
      fields['memoryGiB'] = `This machine has ${String(maxGiB)} GiB of memory; ask for at most that.`;
    }
    const [message] = Object.values(fields);
    if (message !== undefined) throw new AppError('InvalidInput', message, { fields });
  }

  return {
    async list(accountId: string): Promise<Environment[]> {
      return Promise.all((await store.listFor(accountId)).map(toResource));
    },
    async listIn(accountId: string, workspaceId: string): Promise<Environment[]> {
      return Promise.all((await store.ofOwner(workspaceId, accountId)).map(toResource));
    },
    get: async (accountId: string, workspaceId: string, nameOrId: string): Promise<Environment> =>
      toResource(await required(accountId, workspaceId, nameOrId)),

    isAnyIn: async (workspaceId: string): Promise<boolean> => (await store.listIn(workspaceId)).length > 0,
    /** Drops what is remembered of the workspace's deleted environments; their charges stay. */
    forgetIn: async (workspaceId: string): Promise<void> => void (await store.forgetIn(workspaceId)),
    nameOf: async (id: string): Promise<string | null> => (await store.byId(id))?.name ?? null,

    /** The environment that a workspace's page and JupyterLab show: the caller's newest. */
    async defaultFor(accountId: string, workspaceId: string): Promise<Environment | null> {
      const row = (await store.ofOwner(workspaceId, accountId)).at(-1);
      return row === undefined ? null : toResource(row);
    },

    async estimate() {
      const image = await images.default();
      const spec = specOf({}, image.reference, defaults);
      return {
        currency: prices.currency,
        ...environmentPrice(spec, prices),
        diskPerMonth: diskPricePerMonth(defaults.diskGiB, prices),
      };
    },

    async create(principal: Who, access: WorkspaceAccess, request: EnvironmentCreate): Promise<Environment> {
      const image = request.image === undefined ? await images.default() : await images.required(request.image);
      await checkShape(request);
      const { maxCpus, maxMemoryBytes } = await options.describe();
      const fitting = {
        ...defaults,
        cpus: Math.min(defaults.cpus, maxCpus),
        memoryGiB: Math.min(defaults.memoryGiB, Math.max(0.25, Math.floor(maxMemoryBytes / 1024 ** 3))),
      };
      const ownerId = principal.account.id;
      const id = newId();
      await database.transaction(async (inside) => {
        const write = environmentStore(inside);
        const mine = await write.ofOwner(access.workspace.id, ownerId);
        const name = request.name ?? 'main';
        if (mine.some((row) => row.name === name)) {
          const message = `You have an environment "${name}" in this workspace already. Start that one, or choose another name.`;
          throw new AppError('AlreadyExists', message, { fields: { name: message } });
        }
        const disk = await disks.attachFor(inside, access, ownerId, id, {
          name: request.diskName,
          sizeGiB: request.diskGiB,
          defaultGiB: defaults.diskGiB,
        });
        const now = clock.now();
        await write.insert({
          id,
          workspace_id: access.workspace.id,
          owner_id: ownerId,
          name,
          spec: JSON.stringify(specOf(request, image.reference, fitting)),
          disk_id: disk.id,
          agent_secret: newSecret(),
          desired: 'running',
          delete_disk: 0,
          intent: 0,
          status: 'Creating',
          reason: null,
          created_at: now,
          started_at: null,
          last_activity_at: now,
          deleted_at: null,
          deadline_at: now + deadlinesMs.Creating,
          run_at: now,
          attempts: 0,
          lease_until: null,
          fence: 0,
        });
      });
      events.publish({ kind: 'environment', id, workspaceId: access.workspace.id }, ownerId);
      options.nudge();
      return toResource(await required(ownerId, access.workspace.id, id));
    },

    start: (principal: Who, access: WorkspaceAccess, nameOrId: string) =>
      wish(principal.account.id, access.workspace.id, nameOrId, 'start', wishToStart(clock.now())),

    stop: (principal: Who, workspaceId: string, nameOrId: string) =>
      wish(principal.account.id, workspaceId, nameOrId, 'stop', wishToStop(clock.now(), null)),

    delete: (principal: Who, workspaceId: string, nameOrId: string, deleteDisk: boolean) =>
      wish(principal.account.id, workspaceId, nameOrId, 'delete', wishToDelete(clock.now(), deleteDisk)),

    /** The workspace of that name, if the account has an environment in it, whether or not it can be seen; else null. */
    async placeOfOwn(accountId: string, namespace: string, name: string): Promise<string | null> {
      const workspace = await options.workspaces.byName(namespace, name);
      if (workspace === undefined) return null;
      return (await store.ofOwner(workspace.id, accountId)).length === 0 ? null : workspace.id;
    },

    /** Where the caller's running environment in a workspace answers, or null when none runs. */
    async agentFor(accountId: string, workspaceId: string): Promise<AgentDoor | null> {
      const row = (await store.ofOwner(workspaceId, accountId)).findLast((candidate) => candidate.status === 'Running');
      return row === undefined ? null : doorOf(row);
    },

    /** The caller's running environments in a workspace, oldest first, and where each answers. */
    async runningIn(accountId: string, workspaceId: string): Promise<{ id: string; name: string; door: AgentDoor }[]> {
      const rows = (await store.ofOwner(workspaceId, accountId)).filter(({ status }) => status === 'Running');
      const found = await Promise.all(
        rows.map(async (row) => {
          const door = await doorOf(row);
          return door === null ? [] : [{ id: row.id, name: row.name, door }];
        }),
      );
      return found.flat();
    },

    /**
     * Resolves when the environment runs, to where it answers.
     * @throws AppError EnvironmentNotReady  it ended otherwise, with the reason; or `signal` was aborted
     */
    async untilRunning(environmentId: string, signal: AbortSignal): Promise<AgentDoor> {
      return new Promise((resolve, reject) => {
        const finish = (outcome: AgentDoor | AppError) => {
          stopListening();
          signal.removeEventListener('abort', onAbort);
          if (outcome instanceof AppError) reject(outcome);
          else resolve(outcome);
        };
        const onAbort = () => {
          finish(new AppError('EnvironmentNotReady', 'The environment is still starting. Try again in a moment.'));
        };
        const look = async () => {
          const row = await store.byId(environmentId);
          const door = row?.status === 'Running' ? await doorOf(row) : null;
          if (door !== null) finish(door);
          else if (row === undefined || row.desired !== 'running' || row.status === 'Error') {
            finish(new AppError('EnvironmentNotReady', row?.reason ?? endingOf(row)));
          }
        };
        const stopListening = events.subscribe(({ event }) => {
          if (event.kind === 'environment' && event.id === environmentId) look().catch(reject);
        });
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) onAbort();
        else look().catch(reject);
      });
    },

    /** Told by the disks' reconciler: an environment that waits for its disk goes on now. */
    async diskSettled(environmentId: string): Promise<void> {
      const row = await store.byId(environmentId);
      if (row?.run_at == null) return;
      await store.update(environmentId, { run_at: clock.now() });
      options.nudge();
    },
  };
}

/** Why nobody waits for it any more, where nothing else says so. */
function endingOf(row: EnvironmentRow | undefined): string {
  return row?.desired === 'stopped'
    ? 'The Cloud Environment was paused before it had started.'
    : 'The Cloud Environment was deleted before it had started.';
}
