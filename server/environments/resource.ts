import {
  diskPricePerMonth,
  environmentPrice,
  hasProcesses,
  type Environment,
  type PriceTable,
} from '@terrarium/contract';
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
    const [steps, past, around] = await Promise.all([
      operations.steps(row.id),
      operations.list(row.id),
      whatIsAround([row]),
    ]);
    const timeline = steps.map((step) => toStep(step, viewer));
    return { ...resourceOf(row, viewer, around), timeline, operations: past.map(toOperation) };
  }

  /** Many, without their timelines. */
  async function briefs(
    rows: readonly EnvironmentRow[],
    viewerOf: (row: EnvironmentRow) => Viewer = () => 'owner',
  ): Promise<Environment[]> {
    const around = await whatIsAround(rows);
    return rows.map((row) => resourceOf(row, viewerOf(row), around));
  }

  /** What other nouns know of these environments, asked once for all of them. */
  async function whatIsAround(rows: readonly EnvironmentRow[]) {
    const now = clock.now();
    const ownerIds = rows.map((row) => row.owner_id);
    const [workspaces, emails, diskRows, costs, chosen, imageTitles, { notes }] = await Promise.all([
      options.workspaces.byIds(rows.map((row) => row.workspace_id)),
      accounts.emailsOf(ownerIds),
      disks.rows(rows.map((row) => row.disk_id)),
      ledger.costsOf(
        rows.map(({ id }) => id),
        now,
      ),
      store.chosenOf(ownerIds),
      images.titles(),
      options.describe(),
    ]);
    const byId = <T extends { id: string }>(found: readonly T[]) => new Map(found.map((one) => [one.id, one]));
    return { now, workspaces: byId(workspaces), emails, disks: byId(diskRows), costs, chosen, imageTitles, notes };
  }

  function resourceOf(
    row: EnvironmentRow,
    viewer: Viewer,
    around: Awaited<ReturnType<typeof whatIsAround>>,
  ): Environment {
    const spec = specIn(row);
    const { now, notes } = around;
    const workspace = around.workspaces.get(row.workspace_id);
    const disk = around.disks.get(row.disk_id);
    const cost = around.costs.get(row.id);
    const reading = hasProcesses(row.status) ? meter.reading(row.id) : null;
    const isOwner = viewer === 'owner';
    return {
      id: row.id,
      name: row.name,
      workspace: { id: row.workspace_id, namespace: workspace?.namespace ?? '', name: workspace?.name ?? '' },
      owner: around.emails.get(row.owner_id) ?? '',
      status: row.status,
      reason: row.reason,
      image: spec.image,
      imageTitle: around.imageTitles.get(spec.image) ?? spec.image,
      cpus: spec.cpus,
      memoryGiB: spec.memoryGiB,
      gpus: spec.gpus,
      bootDiskGiB: spec.bootDiskGiB,
      environmentVariables: isOwner ? { ...spec.environmentVariables } : {},
      labels: { ...spec.labels },
      startupScript: isOwner ? spec.startupScript : '',
      startupScriptRuns: spec.startupScriptRuns,
      autopauseMinutes: spec.autopauseMinutes,
      sleepMinutes: spec.sleepMinutes,
      isChosen: around.chosen.has(row.id),
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
        perHourNow: cost?.perHour ?? 0,
        diskPerMonth: diskPricePerMonth(disk?.size_gib ?? 0, prices),
        soFar: cost?.soFar ?? 0,
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

  return { whole, briefs };
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
