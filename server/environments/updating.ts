import {
  AppError,
  environmentActionProblem,
  hasProcesses,
  type Environment,
  type EnvironmentCreate,
  type EnvironmentUpdate,
  type FieldChange,
  type UpdatedEnvironment,
} from '@terrarium/contract';
import type { Disks } from '../disks/disks.ts';
import { gib } from '../disks/plan.ts';
import type { Images } from '../images/images.ts';
import type { Clock } from '../plumbing/clock.ts';
import type { Database } from '../plumbing/db/database.ts';
import type { WorkspaceAccess } from '../workspaces/access.ts';
import { changesOf, effectOf } from './changes.ts';
import { memoryGiBOf, type Offer } from './offer.ts';
import type { Meter } from './meter.ts';
import type { EnvironmentView } from './resource.ts';
import { changedSpec, givenBy, specIn } from './spec.ts';
import { environmentStore, type EnvironmentChange, type EnvironmentRow } from './store.ts';
import { wishToApply, wishToUpdate } from './wishes.ts';

/** Changes of an environment's configuration, each said beforehand. */
export function createUpdating(options: {
  database: Database;
  describe: () => Promise<Offer>;
  images: Images;
  disks: Disks;
  view: EnvironmentView;
  meter: Pick<Meter, 'reading'>;
  defaults: { diskGiB: number };
  clock: Clock;
}) {
  const { database, disks, clock, view } = options;

  /** @throws AppError InvalidInput  more than this machine has */
  async function checkShape(request: EnvironmentCreate): Promise<void> {
    const { maxCpus, maxMemoryBytes, maxGpus, maxBytes } = await options.describe();
    const fields: Record<string, string> = {};
    const atMost = (field: string, asked: number | undefined, most: number, what: string): void => {
      if (asked !== undefined && asked > most) {
        fields[field] = `This machine has ${String(most)} ${what}; ask for at most that.`;
      }
    };
    atMost('cpus', request.cpus, maxCpus, 'CPUs');
    atMost('memoryGiB', request.memoryGiB, memoryGiBOf(maxMemoryBytes), 'GiB of memory');
    if (request.gpus !== undefined && request.gpus > maxGpus) {
      fields['gpus'] =
        maxGpus === 0 ? 'No GPU can be had on this machine.' : `This machine has ${String(maxGpus)} GPUs.`;
    }
    atMost('bootDiskGiB', request.bootDiskGiB, Math.floor(maxBytes / gib), 'GiB for a disk at most');
    const [message] = Object.values(fields);
    if (message !== undefined) throw new AppError('InvalidInput', message, { fields });
  }

  function requireFreeName(name: string, others: readonly EnvironmentRow[]): void {
    if (!others.some((row) => row.name === name)) return;
    const message = `You have an environment "${name}" in this workspace already. Start that one, or choose another name.`;
    throw new AppError('AlreadyExists', message, { fields: { name: message } });
  }

  async function changesFor(
    inside: Database,
    row: EnvironmentRow,
    request: EnvironmentUpdate,
    offer: Offer,
  ): Promise<FieldChange[]> {
    const disk = await disks.row(row.disk_id, inside);
    if (disk === undefined) throw new AppError('NotPossibleNow', 'The disk of this environment is gone.');
    const memoryBytes = options.meter.reading(row.id)?.usage?.memoryBytes ?? null;
    return changesOf(request, {
      status: row.status,
      name: row.name,
      spec: specIn(row),
      disk: { name: disk.name, sizeGiB: disk.grows_to_gib ?? disk.size_gib },
      memoryUsedGiB: memoryBytes === null ? null : memoryBytes / gib,
      canLimitLive: offer.canLimitLive,
      growsOnline: offer.growsOnline,
    });
  }

  /** Gives the environment another disk, or its own another size, in the caller's transaction. @returns the disk's id */
  async function changeDisk(
    inside: Database,
    access: WorkspaceAccess,
    row: EnvironmentRow,
    request: EnvironmentUpdate,
    changes: readonly FieldChange[],
  ): Promise<string> {
    if (changes.some(({ field }) => field === 'diskName')) {
      const disk = await disks.attachFor(inside, access, row.owner_id, row.id, {
        name: request.diskName,
        sizeGiB: request.diskGiB,
        defaultGiB: options.defaults.diskGiB,
      });
      return disk.id;
    }
    if (request.diskGiB !== undefined) await disks.requestGrowth(inside, row.disk_id, request.diskGiB);
    return row.disk_id;
  }

  return {
    checkShape,
    requireFreeName,

    /**
     * Writes the change, or says what it would do.
     * @param parts.find  the row as it is in a transaction
     * @param parts.told  publishes the change and shows the environment
     */
    async update(
      access: WorkspaceAccess,
      request: EnvironmentUpdate,
      { isDryRun }: { isDryRun: boolean },
      parts: {
        find: (inside: Database) => Promise<EnvironmentRow>;
        told: (row: EnvironmentRow) => Promise<Environment>;
      },
    ): Promise<UpdatedEnvironment> {
      if (request.image !== undefined) await options.images.required(request.image);
      await checkShape(request);
      const offer = await options.describe();
      const { row, changes } = await database
        .transaction(async (inside) => {
          const found = await parts.find(inside);
          const problem = environmentActionProblem(found.status, 'update');
          if (problem !== undefined) throw new AppError('NotPossibleNow', problem);
          const write = environmentStore(inside);
          const mine = await write.ofOwner(found.workspace_id, found.owner_id);
          const others = mine.filter(({ id }) => id !== found.id);
          if (request.name !== undefined) requireFreeName(request.name, others);
          const asked = await changesFor(inside, found, request, offer);
          const diskId = await changeDisk(inside, access, found, request, asked);
          if (isDryRun) throw new DryRun({ row: found, changes: asked });
          if (asked.length > 0) await apply(inside, found, request, asked, diskId);
          return { row: found, changes: asked };
        })
        .catch((error: unknown) => {
          // What was tried is rolled back; what it would have done is known.
          if (error instanceof DryRun) return error.outcome;
          throw error;
        });
      const shown = isDryRun ? await view.whole(row) : await parts.told(row);
      return { ...shown, changes, effect: effectOf(changes) };
    },
  };

  async function apply(
    inside: Database,
    row: EnvironmentRow,
    request: EnvironmentUpdate,
    changes: readonly FieldChange[],
    diskId: string,
  ): Promise<void> {
    const write = environmentStore(inside);
    const now = clock.now();
    const isAlive = hasProcesses(row.status);
    const change: EnvironmentChange = {
      name: request.name ?? row.name,
      spec: JSON.stringify(changedSpec(specIn(row), request)),
      disk_id: diskId,
      // Of a machine from before this was noted: it was given what was wanted until now.
      applied: row.applied ?? JSON.stringify(givenBy(row)),
      // A script that is new to an environment that runs has missed its moment.
      script_outcome: isAlive ? (row.script_outcome ?? '') : row.script_outcome,
    };
    const sentences = changes.map(({ sentence }) => sentence).join(' ');
    const effect = effectOf(changes);
    if (effect !== 'nothing' && row.status !== 'Error') {
      await write.wish(row, wishToUpdate(now, isAlive, change, sentences), now);
    } else if (row.status === 'Running') {
      await write.wish(row, wishToApply(now, change, sentences), now);
    } else await write.update(row.id, change);
    if (row.status === 'Stopped') await disks.releaseOthers(row.id, diskId, inside);
  }
}

/** Leaves a transaction without a trace. */
class DryRun extends Error {
  readonly outcome: { row: EnvironmentRow; changes: FieldChange[] };

  constructor(outcome: { row: EnvironmentRow; changes: FieldChange[] }) {
    super('A dry run changes nothing.');
    this.outcome = outcome;
  }
}
