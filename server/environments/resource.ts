import { diskPricePerMonth, environmentPrice, type Environment, type PriceTable } from '@terrarium/contract';
import type { Accounts } from '../accounts/accounts.ts';
import type { Ledger } from '../billing/ledger.ts';
import type { Disks } from '../disks/disks.ts';
import type { Images } from '../images/images.ts';
import { isoMoment, isoMomentOrNull, type Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { WorkspaceStore } from '../workspaces/store.ts';
import type { Meter } from './meter.ts';
import { operationStore, operationTitles, type OperationRow, type StepRow } from './timeline/store.ts';
import { stepTitles } from './plan.ts';
import { specIn } from './spec.ts';
import { environmentStore, type EnvironmentRow } from './store.ts';

/** Who is shown an environment: its owner, or somebody who pays for it and sees nothing of what is in it. */
export type Viewer = 'owner' | 'payer';

/** Environments as the API shows them. */
export function createEnvironmentView(options: {
  database: Database;
  describe: () => Promise<{ notes: string[] }>;
  accounts: Accounts;
  workspaces: WorkspaceStore;
  images: Images;
  disks: Disks;
  meter: Meter;
  ledger: Ledger;
  prices: PriceTable;
  clock: Clock;
}) {
  const store = environmentStore(options.database);
  const { accounts, disks, images, ledger, meter, prices, clock } = options;
  const operations = operationStore(options.database);

  /** One environment, with its timeline. */
  async function whole(row: EnvironmentRow, viewer: Viewer = 'owner'): Promise<Environment> {
    const [steps, past] = await Promise.all([operations.steps(row.id), operations.list(row.id)]);
    const timeline = steps.map((step) => toStep(step, viewer));
    return { ...(await brief(row, viewer)), timeline, operations: past.map(toOperation) };
  }

  /** One of many, without its timeline. */
  async function brief(row: EnvironmentRow, viewer: Viewer = 'owner'): Promise<Environment> {
    const spec = specIn(row);
    const now = clock.now();
    const [workspace, owner, disk, cost, imageTitle, { notes }] = await Promise.all([
      options.workspaces.byId(row.workspace_id),
      accounts.get(row.owner_id),
      disks.row(row.disk_id),
      ledger.costOf(row.id, now),
      images.titleOf(spec.image),
      options.describe(),
    ]);
    const isAlive = row.status === 'Running' || row.status === 'Asleep';
    const reading = isAlive ? meter.reading(row.id) : null;
    const isOwner = viewer === 'owner';
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
      environmentVariables: isOwner ? { ...spec.environmentVariables } : {},
      startupScript: isOwner ? spec.startupScript : '',
      startupScriptRuns: spec.startupScriptRuns,
      autopauseMinutes: spec.autopauseMinutes,
      sleepMinutes: spec.sleepMinutes,
      isChosen: (await store.chosen(row.workspace_id, row.owner_id))?.id === row.id,
      disk:
        disk === undefined
          ? null
          : {
              id: disk.id,
              name: disk.name,
              sizeGiB: disk.size_gib,
              growsToGiB: disk.grows_to_gib,
              status: disk.status,
            },
      timeline: [],
      operations: [],
      usage: reading?.usage ?? null,
      cost: {
        currency: prices.currency,
        ...environmentPrice(spec, prices),
        perHourNow: cost.perHour,
        diskPerMonth: diskPricePerMonth(disk?.size_gib ?? 0, prices),
        soFar: cost.soFar,
      },
      notes,
      createdAt: isoMoment(row.created_at),
      startedAt: isoMomentOrNull(row.started_at),
      lastActivityAt: isoMomentOrNull(reading?.lastActivityAt ?? row.last_activity_at),
      busyReasons: isOwner ? [...(reading?.busyReasons ?? [])] : [],
      sleepsAt: isoMomentOrNull(reading?.sleepsAt ?? null),
      pausesAt: isoMomentOrNull(reading?.pausesAt ?? null),
      keepRunningUntil: isoMomentOrNull(row.keep_until !== null && row.keep_until > now ? row.keep_until : null),
      pausesWhenIdle: row.pauses_when_idle === 1,
    };
  }

  return { whole, brief };
}

export type EnvironmentView = ReturnType<typeof createEnvironmentView>;

function toStep(row: StepRow, viewer: Viewer): Environment['timeline'][number] {
  return {
    operation: row.operation_id,
    step: row.step,
    // A step of an older version may have gone from the table.
    title: (stepTitles as Record<string, string>)[row.step] ?? row.step,
    startedAt: isoMoment(row.started_at),
    endedAt: isoMomentOrNull(row.ended_at),
    outcome: row.outcome,
    log: viewer === 'owner' ? row.log : '',
  };
}

function toOperation(row: OperationRow): Environment['operations'][number] {
  return {
    id: row.id,
    kind: row.kind,
    title: operationTitles[row.kind],
    reason: row.reason,
    startedAt: isoMoment(row.started_at),
    endedAt: isoMomentOrNull(row.ended_at),
    deadlineAt: isoMomentOrNull(row.deadline_at),
    outcome: row.outcome,
  };
}
