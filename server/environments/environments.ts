import {
  AppError,
  diskPricePerMonth,
  environmentActionProblem,
  environmentPrice,
  type ComputeOffer,
  type DiskFolders,
  type Environment,
  type EnvironmentAction,
  type EnvironmentCreate,
  type EnvironmentUpdate,
  type PriceTable,
  type UpdatedEnvironment,
} from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { BillingProjects } from '../billing/projects.ts';
import type { Disks } from '../disks/disks.ts';
import { gib } from '../disks/plan.ts';
import type { Images } from '../images/images.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId, newSecret } from '../plumbing/ids.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { agentClient } from './agent-client.ts';
import type { Doors } from './doors.ts';
import type { FittingDefaults } from './fitting-defaults.ts';
import type { Pool } from './pool/pool.ts';
import { operationStore } from './timeline/store.ts';
import type { Meter } from './meter.ts';
import type { EnvironmentView, Viewer } from './resource.ts';
import { appliedBeforeOwner, specOf, type ShapeDefaults } from './spec.ts';
import { environmentStore, type EnvironmentRow, type EnvironmentStore } from './store.ts';
import { createUpdating } from './updating.ts';
import {
  deadlineMs,
  wishToCreate,
  wishToDelete,
  wishToSleep,
  wishToStart,
  wishToStop,
  wishToWake,
  type Wish,
} from './wishes.ts';

/** Whose environment it is; how they proved it does not matter here. */
type Who = Pick<Principal, 'account'>;

/** An environment as somebody may reach it: their own, by name or id, or by id alone one that they pay for. */
export interface Reach {
  readonly accountId: string;
  readonly workspaceId: string;
  readonly nameOrId: string;
  readonly isPayer: boolean;
}

/** What an installation offers: what its drivers do, and what is taken where nothing is asked for. */
export interface Offer {
  readonly notes: string[];
  readonly maxCpus: number;
  readonly maxMemoryBytes: number;
  readonly maxGpus: number;
  readonly maxBytes: number;
  readonly canSleep: boolean;
  readonly canLimitLive: boolean;
  readonly growsOnline: boolean;
}

export type Environments = ReturnType<typeof createEnvironments>;

const longestKeepMs = 7 * 24 * 3_600_000;
const usualKeepMs = 3_600_000;

/** Cloud Environments: what people may ask of them. Requests write what is wanted; the reconciler does it. */
export function createEnvironments(options: {
  database: Database;
  describe: () => Promise<Offer>;
  billing: Pick<BillingProjects, 'get' | 'roleOf'>;
  workspaces: WorkspaceStore;
  images: Images;
  disks: Disks;
  view: EnvironmentView;
  meter: Meter;
  doors: Doors;
  prices: PriceTable;
  defaults: ShapeDefaults & { diskGiB: number };
  fittingDefaults: FittingDefaults;
  pool: Pick<Pool, 'take'>;
  events: EventBus;
  clock: Clock;
  nudge: () => void;
}) {
  const { database, images, disks, view, doors, prices, defaults, fittingDefaults, events, clock } = options;
  const store = environmentStore(database);
  const updating = createUpdating(options);

  /** What does not exist for somebody and what is not theirs is the same to them. */
  async function required(reach: Reach, from: EnvironmentStore = store): Promise<EnvironmentRow> {
    const { accountId, workspaceId, nameOrId } = reach;
    const mine = await from.ofOwner(workspaceId, accountId);
    const own = mine.find(({ id }) => id === nameOrId) ?? mine.find(({ name }) => name === nameOrId);
    if (own !== undefined) return own;
    const other = reach.isPayer ? await from.byId(nameOrId) : undefined;
    if (other !== undefined && other.workspace_id === workspaceId && other.status !== 'Deleted') return other;
    throw new AppError('NotFound', `There is no environment "${nameOrId.slice(0, 80)}" of yours in this workspace.`);
  }

  const viewerOf = (row: EnvironmentRow, accountId: string): Viewer => (row.owner_id === accountId ? 'owner' : 'payer');

  /** Says that it changed, and shows it. */
  async function told(row: EnvironmentRow, accountId: string): Promise<Environment> {
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    options.nudge();
    return view.whole((await store.byId(row.id)) ?? row, viewerOf(row, accountId));
  }

  /** Does it where the table of statuses allows `action`. Check and write see the same row: of two opposite requests at once the second finds what the first has made of it. */
  async function change(
    reach: Reach,
    action: EnvironmentAction,
    write: (row: EnvironmentRow, inside: Database) => Promise<void>,
  ): Promise<Environment> {
    const row = await database.transaction(async (inside) => {
      const found = await required(reach, environmentStore(inside));
      const problem = environmentActionProblem(found.status, action);
      if (problem !== undefined) throw new AppError('NotPossibleNow', problem);
      await write(found, inside);
      return found;
    });
    return told(row, reach.accountId);
  }

  const wish = (reach: Reach, action: EnvironmentAction, of: (row: EnvironmentRow) => Wish): Promise<Environment> =>
    change(reach, action, async (row, inside) => {
      if (action === 'start') await disks.retry(inside, row.disk_id);
      await environmentStore(inside).wish(row, of(row), clock.now());
    });

  /** Why somebody else's environment was paused or deleted; null for one's own. */
  async function onWhoseBehalf(who: Who, row: EnvironmentRow): Promise<string | null> {
    if (row.owner_id === who.account.id) return null;
    const workspace = await options.workspaces.byId(row.workspace_id);
    return `By ${who.account.email}, who owns billing project "${workspace?.namespace ?? ''}".`;
  }

  const own = (accountId: string, workspaceId: string, nameOrId: string): Reach => ({
    accountId,
    workspaceId,
    nameOrId,
    isPayer: false,
  });

  return {
    async list(accountId: string): Promise<Environment[]> {
      return view.briefs(await store.listFor(accountId));
    },
    async listIn(accountId: string, workspaceId: string): Promise<Environment[]> {
      return Promise.all((await store.ofOwner(workspaceId, accountId)).map((row) => view.whole(row)));
    },
    /** Everybody's that the billing project pays for. @throws AppError NotAllowed  who asks is not an owner of it */
    async listOfProject(accountId: string, project: string): Promise<Environment[]> {
      const { role } = await options.billing.get(accountId, project);
      if (role !== 'owner') {
        throw new AppError('NotAllowed', 'Only an owner of the billing project sees what runs at its expense.');
      }
      const workspaces = await options.workspaces.everIn(project);
      const rows = await store.listIn(...workspaces.map(({ id }) => id));
      return view.briefs(rows, (row) => viewerOf(row, accountId));
    },
    async get(reach: Reach): Promise<Environment> {
      const row = await required(reach);
      return view.whole(row, viewerOf(row, reach.accountId));
    },

    /** Who has environments in the workspace, by account. */
    async ownersIn(workspaceId: string): Promise<string[]> {
      return [...new Set((await store.listIn(workspaceId)).map((row) => row.owner_id))];
    },
    /** Drops what is remembered of the workspace's deleted environments; their charges stay. */
    forgetIn: async (workspaceId: string): Promise<void> => void (await store.forgetIn(workspaceId)),
    nameOf: async (id: string): Promise<string | null> => (await store.byId(id))?.name ?? null,

    /** The environment that a workspace's page and JupyterLab show: the one that the caller has chosen last. */
    async defaultFor(accountId: string, workspaceId: string): Promise<Environment | null> {
      const row = await store.chosen(workspaceId, accountId);
      return row === undefined ? null : view.whole(row);
    },

    async offer(): Promise<ComputeOffer> {
      const { maxMemoryBytes, maxBytes, ...offer } = await options.describe();
      const maxMemoryGiB = Math.floor((maxMemoryBytes / gib) * 10) / 10;
      return {
        ...offer,
        maxMemoryGiB,
        maxDiskGiB: Math.min(64_000, Math.floor(maxBytes / gib)),
        defaults: await fittingDefaults(),
      };
    },

    async estimate() {
      const image = await images.default();
      const fitting = await fittingDefaults();
      return {
        currency: prices.currency,
        ...environmentPrice(specOf({}, image.reference, fitting), prices),
        diskPerMonth: diskPricePerMonth(fitting.diskGiB, prices),
      };
    },

    async create(who: Who, access: WorkspaceAccess, request: EnvironmentCreate): Promise<Environment> {
      const image = request.image === undefined ? await images.default() : await images.required(request.image);
      await updating.checkShape(request);
      const fitting = await fittingDefaults();
      const ownerId = who.account.id;
      const spec = specOf(request, image.reference, fitting);
      const id = await database.transaction(async (inside) => {
        const write = environmentStore(inside);
        const mine = await write.ofOwner(access.workspace.id, ownerId);
        const name = request.name ?? 'main';
        updating.requireFreeName(name, mine);
        const diskGiB = request.diskGiB ?? defaults.diskGiB;
        const prepared = (await disks.isNewFor(inside, access, ownerId, request.diskName))
          ? await options.pool.take(inside, { ...spec, diskGiB })
          : null;
        const environmentId = prepared?.id ?? newId();
        const disk = await disks.attachFor(inside, access, ownerId, environmentId, {
          name: request.diskName,
          sizeGiB: request.diskGiB,
          defaultGiB: defaults.diskGiB,
          madeId: prepared?.diskId,
        });
        const now = clock.now();
        await write.insert({
          id: environmentId,
          workspace_id: access.workspace.id,
          owner_id: ownerId,
          name,
          spec: JSON.stringify(spec),
          disk_id: disk.id,
          agent_secret: prepared?.agentSecret ?? newSecret(),
          desired: 'running',
          delete_disk: 0,
          intent: 0,
          status: 'Creating',
          reason: null,
          created_at: now,
          started_at: null,
          last_activity_at: now,
          deleted_at: null,
          deadline_at: now + deadlineMs('Creating'),
          applied: prepared === null ? null : JSON.stringify(appliedBeforeOwner(spec, disk.id)),
          script_outcome: null,
          keep_until: null,
          pauses_when_idle: 0,
          chosen_at: now,
          asleep_lists: null,
          run_at: now,
          attempts: 0,
          lease_until: null,
          fence: 0,
        });
        await operationStore(inside).begin(environmentId, wishToCreate(now), now);
        return environmentId;
      });
      const row = await required(own(ownerId, access.workspace.id, id));
      return told(row, ownerId);
    },

    update: (
      reach: Reach,
      access: WorkspaceAccess,
      request: EnvironmentUpdate,
      how: { isDryRun: boolean },
    ): Promise<UpdatedEnvironment> =>
      updating.update(access, request, how, {
        find: (inside) => required(reach, environmentStore(inside)),
        told: (row) => told(row, reach.accountId),
      }),

    start: (who: Who, access: WorkspaceAccess, nameOrId: string) =>
      wish(own(who.account.id, access.workspace.id, nameOrId), 'start', ({ status }) =>
        status === 'Asleep' ? wishToWake(clock.now(), null) : wishToStart(clock.now()),
      ),

    wake: (who: Who, access: WorkspaceAccess, nameOrId: string) =>
      wish(own(who.account.id, access.workspace.id, nameOrId), 'wake', () => wishToWake(clock.now(), null)),

    /** @throws AppError NotPossibleNow  it does not run, or processes cannot be frozen here */
    async sleep(reach: Reach): Promise<Environment> {
      if (!(await options.describe()).canSleep) {
        throw new AppError(
          'NotPossibleNow',
          'Processes cannot be frozen on this machine. Pause the environment instead.',
        );
      }
      return wish(reach, 'sleep', () => wishToSleep(clock.now(), null));
    },

    async stop(who: Who, reach: Reach): Promise<Environment> {
      const reason = await onWhoseBehalf(who, await required(reach));
      return wish(reach, 'stop', () => wishToStop(clock.now(), reason));
    },

    /** Paused as soon as what runs now has ended; the meter sees to it. */
    stopWhenIdle: (reach: Reach) =>
      change(reach, 'keepRunning', (row, inside) =>
        environmentStore(inside)
          .update(row.id, { pauses_when_idle: 1, keep_until: null })
          .then(() => undefined),
      ),

    /** Neither sleeps nor pauses by itself before `until`; null takes that back, and a wish to be paused when idle. */
    async keepRunning(reach: Reach, until: number | null | undefined): Promise<Environment> {
      const now = clock.now();
      const problem =
        until === null || until === undefined
          ? undefined
          : until <= now
            ? 'That moment is over. Give one to come.'
            : until > now + longestKeepMs
              ? 'An environment can be kept running for a week at most. Turn autopause off for longer.'
              : undefined;
      if (problem !== undefined) throw new AppError('InvalidInput', problem, { fields: { until: problem } });
      const keepUntil = until === undefined ? now + usualKeepMs : until;
      return change(reach, 'keepRunning', (row, inside) =>
        environmentStore(inside)
          .update(row.id, { keep_until: keepUntil, pauses_when_idle: 0 })
          .then(() => undefined),
      );
    },

    async stopAll(who: Who): Promise<Environment[]> {
      const rows = (await store.listFor(who.account.id)).filter(
        ({ status }) => environmentActionProblem(status, 'stop') === undefined && status !== 'Error',
      );
      return Promise.all(
        rows.map((row) =>
          wish(own(row.owner_id, row.workspace_id, row.id), 'stop', () => wishToStop(clock.now(), null)),
        ),
      );
    },

    async delete(who: Who, reach: Reach, deleteDisk: boolean): Promise<Environment> {
      const row = await required(reach);
      const reason = await onWhoseBehalf(who, row);
      if (deleteDisk && reason !== null) {
        throw new AppError('NotAllowed', "Somebody else's disk is theirs to delete. Delete the environment alone.");
      }
      return wish(reach, 'delete', () => wishToDelete(clock.now(), deleteDisk, reason));
    },

    /** From now on notebooks of the workspace run here. */
    choose: (reach: Reach) =>
      change(reach, 'open', (row, inside) =>
        environmentStore(inside)
          .update(row.id, { chosen_at: clock.now() })
          .then(() => undefined),
      ),

    /** What takes the most room on its disk. @throws AppError EnvironmentPaused */
    async folders(reach: Reach): Promise<DiskFolders> {
      const { entries, isComplete } = await agentClient.folders(await doors.required(await required(reach)));
      return {
        entries: entries.map(({ path, kind, bytes }) => ({ path, bytes, isFolder: kind === 'folder' })),
        isComplete,
      };
    },

    /** The workspace of that name, if the account has an environment in it, whether or not it can be seen; else null. */
    async placeOfOwn(accountId: string, namespace: string, name: string): Promise<string | null> {
      const workspace = await options.workspaces.byName(namespace, name);
      if (workspace === undefined) return null;
      return (await store.ofOwner(workspace.id, accountId)).length === 0 ? null : workspace.id;
    },

    /** The same for somebody who owns the billing project that pays for the workspace. */
    async placeOfPayer(accountId: string, namespace: string, name: string): Promise<string | null> {
      if ((await options.billing.roleOf(accountId, namespace)) !== 'owner') return null;
      return (await options.workspaces.byName(namespace, name))?.id ?? null;
    },

    /** Whether the account owns the billing project that pays for what runs in the workspace. */
    async isPaidBy(accountId: string, workspaceId: string | null): Promise<boolean> {
      const workspace = workspaceId === null ? undefined : await options.workspaces.byId(workspaceId);
      return workspace !== undefined && (await options.billing.roleOf(accountId, workspace.namespace)) === 'owner';
    },

    agentFor: doors.agentFor,
    runningIn: doors.runningIn,
    untilRunning: doors.untilRunning,

    /** Told by the disks' reconciler: an environment that waits for its disk goes on now. */
    async diskSettled(environmentId: string): Promise<void> {
      const row = await store.byId(environmentId);
      if (row?.run_at == null) return;
      await store.update(environmentId, { run_at: clock.now() });
      options.nudge();
    },
  };
}
