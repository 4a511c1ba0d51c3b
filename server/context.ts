import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import { createAccounts } from './accounts/accounts.ts';
import { createInvitations } from './accounts/invitations.ts';
import { createBillingProjects } from './billing/projects.ts';
import { billingStore } from './billing/store.ts';
import { createBuckets } from './bucket/buckets.ts';
import type { Config } from './config.ts';
import { createLedger } from './cost/ledger.ts';
import { createSpend } from './cost/spend.ts';
import { createDisks } from './disks/disks.ts';
import { reconcileDisks } from './disks/execute.ts';
import { diskStore } from './disks/store.ts';
import { createDocuments } from './documents/documents.ts';
import { createLiveBuckets } from './documents/live-buckets.ts';
import { documentStore } from './documents/store.ts';
import { createEntitlements } from './environments/entitlements.ts';
import { createAvailability } from './environments/availability.ts';
import { createDoors } from './environments/doors.ts';
import { createEnvironments } from './environments/environments.ts';
import { reconcileEnvironments } from './environments/execute.ts';
import { createFittingDefaults } from './environments/fitting-defaults.ts';
import { createMachineSpecs } from './environments/machine-spec.ts';
import { createMeter } from './environments/meter.ts';
import { reconcilePool } from './environments/pool/execute.ts';
import { createPool } from './environments/pool/pool.ts';
import { preparedStore } from './environments/pool/store.ts';
import { createReaching } from './environments/reaching.ts';
import { createEnvironmentView } from './environments/resource.ts';
import { createSleepers } from './environments/sleeping.ts';
import { environmentStore } from './environments/store.ts';
import { createWatch } from './environments/watch.ts';
import { createImages } from './images/images.ts';
import { createKernels } from './kernels/kernels.ts';
import { migrations } from './migrations/index.ts';
import { machineDrivers } from './machine-drivers.ts';
import type { ObjectStore } from './bucket/object-store.ts';
import type { DiskDriver } from './disks/disk-driver.ts';
import type { ComputeDriver } from './environments/compute-driver.ts';
import { createMirrors } from './mirror/mirrors.ts';
import { createCheckpoints } from './notebooks/checkpoints.ts';
import { createNotebooks } from './notebooks/notebooks.ts';
import { createPlaygrounds } from './notebooks/playgrounds.ts';
import { createUploads } from './notebooks/uploads.ts';
import { systemClock, type Clock } from './plumbing/clock.ts';
import { openSqlite } from './plumbing/db/database.ts';
import { lockDirectory } from './plumbing/db/exclusive-lock.ts';
import { migrate } from './plumbing/db/migrate.ts';
import { createEventBus } from './plumbing/events.ts';
import { newId } from './plumbing/ids.ts';
import type { Log } from './plumbing/log.ts';
import { createReconciler } from './plumbing/reconciler/reconciler.ts';
import { remembered } from './plumbing/remembered.ts';
import { createDeletedNotebooks } from './versions/deleted-notebooks.ts';
import { createGoingBack } from './versions/going-back.ts';
import { versionStore } from './versions/store.ts';
import { createVersionedBuckets } from './versions/versioned-buckets.ts';
import { createVersions } from './versions/versions.ts';
import { answerInRooms } from './runs/room-messages.ts';
import { createRuns } from './runs/runs.ts';
import { createAccess } from './workspaces/access.ts';
import { exampleNotebooks } from './workspaces/examples.ts';
import { createSharing } from './workspaces/sharing.ts';
import { workspaceStore } from './workspaces/store.ts';
import { createWorkspaces } from './workspaces/workspaces.ts';

export interface Drivers {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  readonly objects: ObjectStore;
  /** Lets go of what the drivers hold open; environments keep running. */
  readonly close?: () => Promise<void>;
}

export type Context = Awaited<ReturnType<typeof createContext>>;

/**
 * The composition root: every noun with what it needs, nothing running yet.
 * @throws AppError NotPossibleNow  another control plane has the data directory
 */
export async function createContext(options: { config: Config; log: Log; clock?: Clock; drivers?: Drivers }) {
  const { config, log } = options;
  const clock = options.clock ?? systemClock;
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const lock = lockDirectory(config.dataDirectory);
  if (lock === null) {
    throw new AppError(
      'NotPossibleNow',
      `Another Terrarium is running on ${config.dataDirectory}. Use that one, stop it, or give another folder in TERRARIUM_DATA.`,
    );
  }
  const database = openSqlite(path.join(config.dataDirectory, 'terrarium.db'));
  await migrate(database, migrations);
  // The lock above says that nobody else works on these rows.
  await environmentStore(database).leases.releaseAll();
  await diskStore(database).leases.releaseAll();
  await preparedStore(database).leases.releaseAll();

  const drivers = options.drivers ?? machineDrivers(config.dataDirectory, clock);
  const { compute, disks: diskDriver, objects } = drivers;
  const events = createEventBus(newId());
  const nudge = (): void => {
    reconciler.nudge();
  };
  const describe = remembered(async () => {
    const [machine, disk] = await Promise.all([compute.describe(), diskDriver.describe()]);
    return { ...disk, ...machine, notes: [...machine.notes, ...disk.notes] };
  }, clock);

  const accounts = createAccounts({
    database,
    clock,
    acceptInvitation: (inside, invitation) => sharing.acceptInvitation(inside, invitation),
    renamed: (accountId) => sharing.renamed(accountId),
  });
  const workspaceRows = workspaceStore(database);
  const access = createAccess(workspaceRows);
  const ledger = createLedger(database);
  const billing = createBillingProjects({
    store: billingStore(database),
    accounts,
    countWorkspaces: workspaceRows.countIn,
    events,
    clock,
  });
  const images = createImages({ describe });
  const disks = createDisks({
    database,
    accounts,
    workspaces: workspaceRows,
    environmentName: (id) => environments.nameOf(id),
    maxBytes: async () => (await describe()).maxBytes,
    ledger,
    prices: config.prices,
    events,
    clock,
    nudge,
  });
  const meter = createMeter({
    database,
    driver: compute,
    describe,
    recordDiskUse: disks.recordUse,
    events,
    clock,
    log,
    nudge,
  });
  const { prices } = config;
  const fittingDefaults = createFittingDefaults({ describe, defaults: config.defaults });
  const pool = createPool({ database, size: config.poolSize, images, fittingDefaults, describe, clock, nudge });
  const environments = createEnvironments({
    database,
    describe,
    billing,
    reaching: createReaching({ database, billing, workspaces: workspaceRows }),
    workspaces: workspaceRows,
    images,
    disks,
    view: createEnvironmentView({
      database,
      describe,
      accounts,
      workspaces: workspaceRows,
      images,
      disks,
      meter,
      ledger,
      prices,
      clock,
    }),
    meter,
    doors: createDoors({ database, driver: compute, events }),
    prices,
    defaults: config.defaults,
    fittingDefaults,
    pool,
    events,
    clock,
    nudge,
  });
  const sleepers = await createSleepers({ database, events, clock, log, nudge });
  const kernels = createKernels({ environments, sleepers, events });
  const watch = createWatch({ database, driver: compute, ledger, prices, clock, log, nudge });
  const entitlements = createEntitlements({ database, access, events, clock, log, nudge });
  const sharing = createSharing({
    database,
    accounts,
    invitations: createInvitations({ clock }),
    billing,
    access,
    // After the hash: what comes there is sent to no server, and so is in no log of one.
    invitationUrl: (secret) => `${config.publicUrl}/invitation#${secret}`,
    pauseUnentitled: (workspaceId) =>
      // The rights are written; what could not be paused now is found by the next round.
      entitlements.pauseUnentitled(workspaceId).catch((error: unknown) => {
        log.warn({ err: error, workspaceId }, 'sharing: environments could not be paused yet');
      }),
    events,
  });
  const availability = createAvailability({ environments });
  const storedBuckets = createBuckets({ store: objects, events });
  const documents = createDocuments({
    directory: path.join(config.dataDirectory, 'documents'),
    buckets: storedBuckets,
    store: documentStore(database),
    events,
    clock,
    log,
  });
  documents.onStored(({ owner, authors }) => {
    for (const { accountId } of authors) meter.noteEdit(accountId, owner.id);
  });
  const versionRows = versionStore(database);
  const versions = createVersions({ store: versionRows, buckets: storedBuckets, documents, events, clock, log });
  const versioned = (withPlaygrounds: boolean) =>
    createVersionedBuckets({
      buckets: createLiveBuckets(storedBuckets, documents, { withPlaygrounds }),
      versions,
      log,
    });
  const buckets = versioned(false);
  const notebookBuckets = versioned(true);
  const checkpoints = createCheckpoints({ buckets: notebookBuckets });
  const uploads = createUploads({ directory: path.join(config.dataDirectory, 'uploads'), clock });
  const notebooks = createNotebooks({
    buckets: notebookBuckets,
    checkpoints,
    documents,
    versions,
    kernelSummary: images.kernel,
  });
  const playgrounds = createPlaygrounds({ documents, notebooks, events });
  const runs = createRuns({ documents, environments, availability, sleepers, accounts, access, database, clock, log });
  answerInRooms({ documents, runs, log });
  const workspaces = createWorkspaces({
    store: workspaceRows,
    accounts,
    billing,
    access,
    events,
    clock,
    lifecycle: {
      async provision(bucket, withExamples) {
        await objects.createBucket(bucket);
        for (const { name, content } of withExamples ? await exampleNotebooks() : []) {
          await objects.put(bucket, `notebooks/${name}`, content, { contentType: 'application/x-ipynb+json' });
        }
      },
      async deleteProblem(workspaceId) {
        const owners = await environments.ownersIn(workspaceId);
        if (owners.length > 0) {
          const people = await Promise.all(owners.map(async (id) => (await accounts.get(id))?.email ?? 'somebody'));
          return `This workspace still has environments of ${people.join(', ')}. They can delete them, and so can an owner of the billing project, on its page.`;
        }
        if (await disks.isAnyIn(workspaceId)) return 'This workspace still has persistent disks. Delete them first.';
        return null;
      },
      forgetInvited: (accountIds) => database.transaction((inside) => sharing.forgetUninvited(inside, accountIds)),
      async forget(workspaceId) {
        await environments.forgetIn(workspaceId);
        await disks.forgetIn(workspaceId);
        await documents.forgetIn(workspaceId);
      },
      deprovision: (workspace) => buckets.remove(workspace),
    },
  });
  const spend = createSpend({
    database,
    billing,
    accounts,
    workspacesIn: workspaceRows.everIn,
    currency: config.prices.currency,
    clock,
  });
  const mirrors = createMirrors({
    database,
    driver: compute,
    accounts,
    access,
    workspaces: workspaceRows,
    disks,
    environments,
    stored: storedBuckets,
    buckets,
    documents,
    async keepConflict(owner, key, bytes, author) {
      await versions.keep(owner, key, bytes, { kind: 'conflict', authors: [author], name: null });
    },
    async markFromDisk(owner, key, generation, author) {
      await versions.mark(owner, key, generation, { kind: 'disk', author });
    },
    forgetCheckpoints: checkpoints.deleteAll,
    events,
    clock,
    log,
  });
  const reconciler = createReconciler({
    kinds: [
      reconcileDisks({
        database,
        driver: diskDriver,
        ledger,
        prices,
        events,
        clock,
        onSettled: environments.diskSettled,
      }),
      reconcileEnvironments({
        database,
        driver: compute,
        disks,
        specs: createMachineSpecs({
          accounts,
          workspaces: workspaceRows,
          warmKernel: async (image) => (await images.required(image)).kernels[0]?.name ?? null,
        }),
        ledger,
        prices,
        scriptTimeoutMs: config.startupScriptMinutes * 60_000,
        events,
        clock,
        nudge,
      }),
      reconcilePool({ database, driver: compute, diskDriver, describe, pool, clock, log }),
    ],
    clock,
    log,
  });

  return {
    config,
    log,
    clock,
    database,
    events,
    accounts,
    access,
    billing,
    workspaces,
    sharing,
    images,
    disks,
    environments,
    entitlements,
    availability,
    meter,
    sleepers,
    watch,
    pool,
    kernels,
    buckets,
    notebookBuckets,
    documents,
    versions,
    goingBack: createGoingBack({ versions, buckets: storedBuckets, documents }),
    deletedNotebooks: createDeletedNotebooks({ store: versionRows, versions, buckets: storedBuckets }),
    /** Thins the histories of all workspaces. */
    async sweepVersions() {
      for (const owner of await workspaceRows.everyBucket()) await versions.sweep(owner);
    },
    checkpoints,
    uploads,
    notebooks,
    mirrors,
    playgrounds,
    runs,
    spend,
    reconciler,
    /** Ends what was opened, last first. */
    async dispose() {
      await reconciler.stop();
      await mirrors.stop();
      sleepers.close();
      await runs.close();
      await documents.close();
      await versions.close();
      await drivers.close?.();
      await database.close();
      lock.release();
    },
  };
}
