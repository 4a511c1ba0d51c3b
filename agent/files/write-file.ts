import { randomBytes } from 'node:crypto';
import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes a whole file or nothing: the bytes reach the disk under another name first, so that a full disk, a crash or a
 * reader never meets half a file. The mode of a file that exists is kept.
 */
export async function writeWhole(target: string, bytes: Buffer): Promise<void> {
  const temporary = temporaryBeside(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await replaceWith(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Gives a finished temporary file its name. */
export async function replaceWith(temporary: string, target: string): Promise<void> {
  const before = await stat(target).catch(() => null);
  if (before !== null) await chmod(temporary, before.mode & 0o7777);
  await rename(temporary, target);
  const folder = await open(path.dirname(target), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** In the same folder, because a rename does not cross file systems; hidden, so that no listing shows it. */
export function temporaryBeside(target: string): string {
  return path.join(path.dirname(target), `.${randomBytes(6).toString('hex')}.part`);
}
