import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';

/**
 * Holds the data directory for this process alone, by a lock that the operating system releases when the process ends,
 * however it ends.
 * @returns null when another control plane holds it
 */
export function lockDirectory(directory: string): { release(): void } | null {
  const lock = new DatabaseSync(path.join(directory, 'lock.db'));
  try {
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE;');
  } catch (error) {
    lock.close();
    // SQLITE_BUSY
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return null;
    throw error;
  }
  return {
    release() {
      lock.close();
    },
  };
}
