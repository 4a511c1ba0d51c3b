import fs from 'node:fs/promises';
import { runCommand } from './command.ts';

/** Removes a tree in which people may have taken away their own permissions. Symbolic links are removed, not followed. */
export async function removeTree(place: string): Promise<void> {
  try {
    await fs.rm(place, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')))
      throw error;
    await runCommand('chmod', ['-R', 'u+rwX', '--', place]);
    await fs.rm(place, { recursive: true, force: true });
  }
}
