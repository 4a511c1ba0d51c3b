import fs from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { AppError } from '@terrarium/contract';
import type { DiskDriver, DiskFact } from '../../disks/disk-driver.ts';
import type { Abilities } from './abilities.ts';
import { copyFolder, copyImage } from './disk-copy.ts';
import { canGrowMounted, growImage, makeImage, smallestImageBytes } from './images.ts';
import { insideUser } from './inside.ts';
import type { KeyedLock } from '../../plumbing/keyed-lock.ts';
import type { Volume } from './launch-script.ts';
import { isId, readJson, requireId, writeDurably } from './machine-files.ts';
import { removeTree } from './remove-tree.ts';

const Record = z.object({ sizeBytes: z.number() });
/** ext4 with 4 KiB blocks */
const largestBytes = 16 * 2 ** 40;

export interface RestingMachine {
  readonly id: string;
  /** Lets it go on before the work is done. One that slept before sleeps on. */
  goOn(): void;
}

/** What the compute side tells of a disk's use. */
export interface DiskUse {
  /** The machine that runs with this disk attached, and processes in its mount namespace. */
  attachment(diskId: string): Promise<{ machineId: string; mountedBy: number[]; mountPoint: string } | null>;
  /** Does `work` while the machine that the disk is attached to rests; null when there is none. */
  atRest<R>(diskId: string, work: (resting: RestingMachine | null) => Promise<R>): Promise<R>;
}

export interface SandboxDisks {
  readonly driver: DiskDriver;
  /** What to attach, or null when there is no such disk. */
  volume(id: string): Promise<{ volume: Volume; lock: string; sizeBytes: number } | null>;
}

/**
 * Disks as files below `directory`: `<id>.json` (there is a disk), and `<id>.img` or `<id>.dir` (what is on it).
 * INVARIANT: the json file is written last and removed first, so a disk is either whole or not there; the rest is swept.
 */
export function createDisks(options: {
  directory: string;
  abilities: () => Promise<Abilities>;
  inTurn: KeyedLock;
  use: DiskUse;
}): SandboxDisks {
  const { directory, inTurn, use } = options;
  const at = (id: string, ending: string): string => path.join(directory, `${id}.${ending}`);
  const turn = <R>(id: string, work: () => Promise<R>): Promise<R> => inTurn(`disk ${id}`, work);

  async function inspect(id: string): Promise<DiskFact> {
    const record = isId(id) ? await readJson(at(id, 'json'), Record) : null;
    if (record === null) return { id, state: 'absent' };
    return { id, state: 'ready', sizeBytes: record.sizeBytes, usedBytes: await usedBytes(id) };
  }

  /** Cheap only for an image that is mounted: asked for through the mount namespace of the machine. */
  async function usedBytes(id: string): Promise<number | null> {
    const attached = await use.attachment(id);
    if (attached === null || !(await exists(at(id, 'img')))) return null;
    for (const pid of attached.mountedBy) {
      const place = path.join('/proc', String(pid), 'root', attached.mountPoint);
      const [inner, outer] = await Promise.all([fs.stat(place).catch(() => null), fs.stat(directory)]);
      if (inner === null || inner.dev === outer.dev) continue;
      const { blocks, bfree, bsize } = await fs.statfs(place);
      return (blocks - bfree) * bsize;
    }
    return null;
  }

  async function volume(id: string): Promise<{ volume: Volume; lock: string; sizeBytes: number } | null> {
    const record = await readJson(at(id, 'json'), Record);
    if (record === null) return null;
    const lock = at(id, 'lock');
    await (await fs.open(lock, 'a', 0o600)).close();
    const volume = (await exists(at(id, 'img'))) ? { image: at(id, 'img') } : { directory: at(id, 'dir') };
    return { volume, lock, sizeBytes: record.sizeBytes };
  }

  async function createCopy(id: string, sizeBytes: number, copyOf: string): Promise<void> {
    const isMade = async (): Promise<boolean> => (await readJson(at(id, 'json'), Record)) !== null;
    if (await isMade()) return;
    const absent = new AppError('NotFound', `There is no disk '${copyOf}' to copy.`);
    if (!isId(copyOf) || copyOf === id) throw absent;
    // Sweeps what a crash left, which must not happen in the middle of a copy.
    await options.abilities();
    // In an order that is the same for all, so that no two copies wait for one another.
    const keys = [`disk ${id}`, `disk ${copyOf}`].toSorted();
    const copy = (resting: RestingMachine | null): Promise<void> =>
      inTurns(keys, async () => {
        if (await isMade()) return;
        const record = await readJson(at(copyOf, 'json'), Record);
        const source = await volume(copyOf);
        if (record === null || source === null) throw absent;
        const size = Math.max(sizeBytes, record.sizeBytes);
        const attached = await use.attachment(copyOf);
        if ('image' in source.volume) {
          await removeTree(at(id, 'dir'));
          const from = { image: source.volume.image, lock: source.lock, mounted: attached };
          await copyImage(from, at(id, 'img'), async (making) => {
            if (size > record.sizeBytes) await growImage(making, size, []);
          });
        } else {
          if (attached !== null && attached.machineId !== resting?.id)
            throw new AppError('DriverUnavailable', `Disk '${copyOf}' is just being attached. Try again.`);
          for (const ending of ['dir', 'img']) await removeTree(at(id, ending));
          const from = { folder: source.volume.directory, isInUse: attached !== null };
          await copyFolder(from, at(id, 'dir'), () => resting?.goOn());
        }
        await writeDurably(at(id, 'json'), JSON.stringify({ sizeBytes: size }));
      });
    // An image is frozen in its file system instead, so that its machine goes on.
    await ((await exists(at(copyOf, 'img'))) ? copy(null) : use.atRest(copyOf, copy));
  }

  function inTurns<R>([first, ...rest]: readonly string[], work: () => Promise<R>): Promise<R> {
    return first === undefined ? work() : inTurn(first, () => inTurns(rest, work));
  }

  const driver: DiskDriver = {
    name: 'sandbox',
    async describe() {
      const { images } = await options.abilities();
      return {
        maxBytes: largestBytes,
        growsOnline: !images || (await canGrowMounted()),
        notes: images
          ? []
          : [
              'Disk sizes are not enforced here: disks are plain folders on the host. Run as root on a machine with loop devices to have sized disks.',
            ],
      };
    },
    inspect,

    async create({ id, sizeBytes, copyOf }) {
      requireId(id);
      requireSize(sizeBytes);
      if (copyOf !== undefined) return createCopy(id, sizeBytes, copyOf);
      const { images, isolation } = await options.abilities();
      await turn(id, async () => {
        if ((await readJson(at(id, 'json'), Record)) !== null) return;
        if (images) {
          await fs.rm(at(id, 'dir'), { recursive: true, force: true });
          await makeImage(at(id, 'img'), Math.max(sizeBytes, smallestImageBytes));
        } else {
          await fs.mkdir(at(id, 'dir'), { recursive: true, mode: 0o700 });
          if (isolation === 'root') await fs.chown(at(id, 'dir'), insideUser.uid, insideUser.gid);
        }
        await writeDurably(at(id, 'json'), JSON.stringify({ sizeBytes }));
      });
    },

    async resize(id, sizeBytes) {
      requireSize(sizeBytes);
      await turn(id, async () => {
        const record = isId(id) ? await readJson(at(id, 'json'), Record) : null;
        if (record === null) throw new AppError('NotFound', `There is no disk '${id}'.`);
        if (sizeBytes < record.sizeBytes) {
          throw new AppError('InvalidInput', 'A disk only grows. Give a size that is not below the present one.');
        }
        if (sizeBytes === record.sizeBytes) return;
        if (await exists(at(id, 'img'))) {
          const attached = await use.attachment(id);
          await growImage(at(id, 'img'), sizeBytes, attached?.mountedBy ?? []);
        }
        await writeDurably(at(id, 'json'), JSON.stringify({ sizeBytes }));
      });
    },

    async delete(id) {
      if (!isId(id)) return;
      await turn(id, async () => {
        const attached = await use.attachment(id);
        if (attached !== null) {
          throw new AppError(
            'NotPossibleNow',
            `Disk '${id}' is attached to the running machine '${attached.machineId}'. Stop that one first.`,
          );
        }
        await fs.rm(at(id, 'json'), { force: true });
        await removeTree(at(id, 'dir'));
        for (const ending of ['img', 'img.making', 'lock']) await fs.rm(at(id, ending), { force: true });
      });
    },

    async list() {
      const names = await fs.readdir(directory);
      const ids = names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []));
      const facts = await Promise.all(ids.filter(isId).map(inspect));
      return facts.filter((fact) => fact.state !== 'absent');
    },
  };
  return { driver, volume };
}

/** Removes what a crash left of disks that were being made or deleted. Before anything else runs. */
export async function sweepDisks(directory: string): Promise<void> {
  const names = await fs.readdir(directory);
  for (const name of names) {
    const id = name.split('.')[0] ?? '';
    const isRecord = name === `${id}.json`;
    if (isRecord || !isId(id)) continue;
    // Temporary files of a record hold a random part; images under way end in `making`.
    const partial = name.startsWith(`${id}.json.`) || name.endsWith('.making');
    if (partial || !names.includes(`${id}.json`)) await removeTree(path.join(directory, name));
  }
}

function requireSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > largestBytes) {
    throw new AppError('InvalidInput', 'A disk size is a whole number of bytes, at least 1 and at most 16 TiB.');
  }
}

async function exists(file: string): Promise<boolean> {
  return (await fs.lstat(file).catch(() => null)) !== null;
}
