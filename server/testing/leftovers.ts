import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What is there of an installation's machines and disks, and may not be when all are deleted. */
export async function leftoversOf(
  dataDirectory: string,
): Promise<{ processes: string[]; mounts: string[]; loopDevices: string[] }> {
  const processes: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (/^\d+$/.test(pid) && Number(pid) !== process.pid && (await commandLine(pid)).includes(dataDirectory))
      processes.push(pid);
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(dataDirectory));
  const loops = await promisify(execFile)('losetup', ['-l', '-n', '-O', 'BACK-FILE']).catch(() => ({ stdout: '' }));
  return { processes, mounts, loopDevices: loops.stdout.split('\n').filter((line) => line.includes(dataDirectory)) };
}

/** The arguments of a process, with spaces between; empty when it is gone. */
export async function commandLine(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}
