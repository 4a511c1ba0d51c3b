import fs from 'node:fs/promises';
import { AppError } from '@terrarium/contract';
import { runCommand } from './command.ts';
import { insideUser } from './inside.ts';

/** Less than this leaves no room beside the journal. */
export const smallestImageBytes = 16 * 2 ** 20;

/**
 * Makes a sparse ext4 image whose root belongs to the person inside.
 * @throws AppError DriverUnavailable
 */
export async function makeImage(file: string, sizeBytes: number): Promise<void> {
  const making = `${file}.making`;
  await fs.rm(making, { force: true });
  await fs.writeFile(making, '', { mode: 0o600 });
  await fs.truncate(making, sizeBytes);
  const owner = `root_owner=${String(insideUser.uid)}:${String(insideUser.gid)}`;
  const made = await runCommand('mkfs.ext4', [
    '-q',
    '-F',
    '-m',
    '0',
    '-E',
    `lazy_itable_init=1,lazy_journal_init=1,nodiscard,${owner}`,
    making,
  ]);
  if (made.code !== 0) {
    await fs.rm(making, { force: true });
    throw new AppError('DriverUnavailable', `A disk could not be made: ${made.error || 'mkfs.ext4 failed'}.`);
  }
  // A person's home starts empty. What lost+found is for, e2fsck makes again when it needs it.
  await runCommand('debugfs', ['-w', '-R', 'rmdir lost+found', making]);
  const handle = await fs.open(making, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(making, file);
}

/**
 * Grows an image and the file system in it, mounted or not. Repeating it finishes what a crash cut short.
 * @param mountedBy  processes in whose mount namespace the image may be mounted
 * @throws AppError NotPossibleNow  it is mounted, and the host does not let a mounted file system grow
 */
export async function growImage(file: string, sizeBytes: number, mountedBy: readonly number[]): Promise<void> {
  const loop = await loopOf(file, { waitMs: mountedBy.length === 0 ? 5000 : 0 });
  if (loop !== '' && !(await canGrowMounted())) {
    throw new AppError(
      'NotPossibleNow',
      'This host does not let a disk grow while it is attached. Pause the environment first.',
    );
  }
  if ((await fs.stat(file)).size < sizeBytes) await fs.truncate(file, sizeBytes);
  if (loop === '') {
    const checked = await runCommand('e2fsck', ['-f', '-p', file], { timeoutMs: 600_000 });
    // 1 is "errors were corrected". e2fsck(8)
    if (checked.code > 1)
      throw new AppError('DriverUnavailable', `The disk could not be checked before growing: ${checked.error}.`);
    await mustRun('resize2fs', [file]);
    return;
  }
  await mustRun('losetup', ['-c', loop]);
  // The file system grows through its mount point, which only exists where the machine mounted it. From outside, resize2fs
  // would take the device for unmounted and write to it under the kernel's feet.
  for (const pid of mountedBy) {
    const args = [
      '--target',
      String(pid),
      '--mount',
      '--',
      'sh',
      '-c',
      'grep -q "^$1 " /proc/self/mounts && exec resize2fs "$1"',
      'sh',
      loop,
    ];
    if ((await runCommand('nsenter', args, { timeoutMs: 600_000 })).code === 0) return;
  }
  throw new AppError(
    'DriverUnavailable',
    'The disk is in use in a way that does not let it grow now. Try again, or pause the environment first.',
  );
}

/** The loop device of a file, or ''. The kernel lets go of it a moment after the last mount went: `waitMs` is for that. */
async function loopOf(file: string, { waitMs }: { waitMs: number }): Promise<string> {
  const end = performance.now() + waitMs;
  for (;;) {
    const loop = (await runCommand('losetup', ['-j', file, '-O', 'NAME', '-n'])).output.trim().split('\n')[0] ?? '';
    if (loop === '' || performance.now() >= end) return loop;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** ext4 asks for CAP_SYS_RESOURCE, which root does not have everywhere. capabilities(7) */
export async function canGrowMounted(): Promise<boolean> {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(await fs.readFile('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> 24n) & 1n) === 1n;
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const result = await runCommand(program, args, { timeoutMs: 600_000 });
  if (result.code !== 0)
    throw new AppError('DriverUnavailable', `The disk could not be grown: ${result.error || program}.`);
}
