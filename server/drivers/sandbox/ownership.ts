import fs from 'node:fs/promises';
import { AppError } from '@terrarium/contract';
import type { Abilities } from './abilities.ts';
import { runCommand } from './command.ts';
import { insideUser } from './inside.ts';

/**
 * Makes the folders of a machine that is about to start belong to whom its processes will run as. A host that loses
 * bubblewrap for a while runs machines as root, and what they write then, the person inside could not change later: pip
 * could not replace a program that it had installed itself.
 *
 * INVARIANT: a folder whose own owner is the person inside has nothing in it that was left by root. It changes hands
 * last, so that what a crash cuts short is done again; and before root writes to it, it is made root's.
 * @throws AppError DriverUnavailable
 */
export async function settleOwnership(folders: readonly string[], abilities: Abilities): Promise<void> {
  if (!abilities.isRoot) return;
  for (const folder of folders) {
    const found = await fs.lstat(folder).catch(() => null);
    if (found === null) continue;
    if (abilities.isolation === 'plain') await fs.chown(folder, 0, 0);
    else if (found.uid !== insideUser.uid) await giveToPersonInside(folder);
  }
}

async function giveToPersonInside(folder: string): Promise<void> {
  const owner = `${String(insideUser.uid)}:${String(insideUser.gid)}`;
  const args = [folder, '-xdev', '-mindepth', '1', '-exec', 'chown', '--no-dereference', owner, '{}', '+'];
  const { code, error } = await runCommand('find', args, { timeoutMs: 600_000 });
  if (code !== 0)
    throw new AppError('DriverUnavailable', `A disk's files could not be given to their owner: ${error}.`);
  await fs.chown(folder, insideUser.uid, insideUser.gid);
}
