import {
  AppError,
  type DiskFolders,
  type Environment,
  type EnvironmentCreate,
  type EnvironmentUpdate,
  type PriceTable,
  type UpdatedEnvironment,
} from '@terrarium/contract';
import type { Principal } from '../accounts/accounts.ts';
import type { BillingProjects } from '../billing/projects.ts';
import type { Disks } from '../disks/disks.ts';
import type { Images } from '../images/images.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { EventBus } from '../plumbing/events.ts';
import { newId, newSecret } from '../plumbing/ids.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import { agentClient } from './agent-client.ts';
import { createAsking } from './asking.ts';
import type { Doors } from './doors.ts';
import type { FittingDefaults } from './fitting-defaults.ts';
import { createOffer, type Offer } from './offer.ts';
import type { Pool } from './pool/pool.ts';
import { operationStore } from './timeline/store.ts';
import type { Meter } from './meter.ts';
import { ownReach, viewerOf, type Reach, type Reaching } from './reaching.ts';
import type { EnvironmentView } from './resource.ts';
import { appliedBeforeOwner, specOf, type ShapeDefaults } from './spec.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';
import { createUpdating } from './updating.ts';
import { deadlineMs, wishToCreate } from './wishes.ts';

/** Whose environment it is; how they proved it does not matter here. */
type Who = Pick<Principal, 'account'>;

export type Environments = ReturnType<typeof createEnvironments>;

/** Cloud Environments: what people may ask of them. Requests write what is wanted; the reconciler does it. */
export function createEnvironments(options: {
  database: Database;
  describe: () => Promise<Offer>;
  billing: Pick<BillingProjects, 'get'>;
  reaching: Reaching;
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
  const { database, images, disks, view, doors, defaults, fittingDefaults, events, clock } = options;
  const store = environmentStore(database);
  const updating = createUpdating(options);
  const { reaching } = options;
  const { required } = reaching;

  /** Says that it changed, and shows it. */
  async function told(row: EnvironmentRow, accountId: string): Promise<Environment> {
    events.publish({ kind: 'environment', id: row.id, workspaceId: row.workspace_id }, row.owner_id);
    options.nudge();
    return view.whole((await store.byId(row.id)) ?? row, viewerOf(row, accountId));
  }

  const asking = createAsking({ ...options, told });

  return {
    ...reaching,
    ...asking,
    ...createOffer(options),

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
      const row = await required(ownReach(ownerId, access.workspace.id, id));
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

    /** What takes the most room on its disk. @throws AppError EnvironmentPaused */
    async folders(reach: Reach): Promise<DiskFolders> {
      const { entries, isComplete } = await agentClient.folders(await doors.required(await required(reach)));
      return {
        entries: entries.map(({ path, kind, bytes }) => ({ path, bytes, isFolder: kind === 'folder' })),
        isComplete,
      };
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
