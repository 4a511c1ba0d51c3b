import type { Images } from '../../images/images.ts';
import type { Clock } from '../../plumbing/clock.ts';
import type { Database } from '../../plumbing/db/database.ts';
import { newId, newSecret } from '../../plumbing/ids.ts';
import type { FittingDefaults } from '../fitting-defaults.ts';
import { environmentStore } from '../store.ts';
import { planPool } from './plan.ts';
import { fits, shapeOf, textOfShape, type AskedShape, type PreparedShape } from './shape.ts';
import { preparedStore } from './store.ts';

/** After a start the first cell comes; nothing is prepared beside it. */
const calmMs = 5_000;

/** Machines that are made ahead of need and asleep until an environment takes one. */
export interface Pool {
  /** Begins with what is missing and removes what is not wanted any more. */
  keep(): Promise<void>;
  /**
   * A machine with its disk for a new environment of that shape, in the caller's transaction; null where none is ready.
   * Whoever takes it has to write rows with its ids.
   */
  take(inside: Database, asked: AskedShape): Promise<{ id: string; diskId: string; agentSecret: string } | null>;
  /** Whether environments are being started, which comes first. */
  isHostBusy(): Promise<boolean>;
}

export function createPool(options: {
  database: Database;
  /** How many are wanted. */
  size: number;
  images: Pick<Images, 'default'>;
  fittingDefaults: FittingDefaults;
  describe: () => Promise<{ build: string }>;
  clock: Clock;
  nudge: () => void;
}): Pool {
  const { database, size, images, fittingDefaults, clock } = options;
  const store = preparedStore(database);
  let lastBusyAt = -Infinity;
  /** Of the latest look; what has another shape is on its way out. */
  let wanted: PreparedShape | null = null;

  async function isHostBusy(): Promise<boolean> {
    const underWay = await environmentStore(database).withStatus('Creating', 'Starting', 'Updating');
    if (underWay.length > 0) lastBusyAt = clock.now();
    return clock.now() - lastBusyAt < calmMs;
  }

  async function look(): Promise<PreparedShape | null> {
    if (size === 0) return null;
    const [image, defaults, { build }] = await Promise.all([images.default(), fittingDefaults(), options.describe()]);
    return shapeOf(image, defaults, build);
  }

  return {
    isHostBusy,

    async keep() {
      const rows = await store.all();
      if (size === 0 && rows.length === 0) return;
      wanted = await look();
      const spec = wanted === null ? null : textOfShape(wanted);
      const { remove, isOneMissing } = planPool(rows, { size, spec });
      const now = clock.now();
      for (const id of remove) await store.remove(id, now);
      const isOneBegun = isOneMissing && spec !== null && !(await isHostBusy());
      if (isOneBegun) {
        await store.insert({
          id: newId(),
          disk_id: newId(),
          agent_secret: newSecret(),
          spec,
          state: 'making',
          created_at: now,
          run_at: now,
          attempts: 0,
          lease_until: null,
          fence: 0,
        });
      }
      if (isOneBegun || remove.length > 0) options.nudge();
    },

    async take(inside, asked) {
      if (wanted === null || !fits(asked, wanted)) return null;
      const row = await preparedStore(inside).take(textOfShape(wanted));
      if (row === undefined) return null;
      lastBusyAt = clock.now();
      return { id: row.id, diskId: row.disk_id, agentSecret: row.agent_secret };
    },
  };
}
