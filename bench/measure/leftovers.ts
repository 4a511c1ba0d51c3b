import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Ends what a run left behind and removes its folder: processes that carry its mark or name its folder, then mounts
 * inside it. After a run without errors there is nothing but the folder.
 * @returns what was found, a line each
 */
export async function removeLeftovers(directory: string, mark: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const isOurs = command.includes(directory) || readText(`/proc/${pid}/environ`).split('\0').includes(mark);
    if (!isOurs) continue;
    found.push(`process ${pid}: ${command.slice(0, 120)}`);
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended by itself.
    }
  }
  const mounts = readText('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mount) => mount.startsWith(directory + path.sep));
  for (const mount of mounts.reverse()) {
    found.push(`mount ${mount}`);
    execFileSync('umount', ['-l', mount], { stdio: 'ignore' });
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  return found;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
