import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '@terrarium/contract';
import { runCommand, type CommandResult } from './command.ts';
import { removeTree } from './remove-tree.ts';

/** For how long programs may wait to write to a disk that is copied while they use it. */
const heldSeconds = 30;
/** What timeout(1) ends with when time is up. */
const timedOut = 124;
/** What we let a command end with that could not see to it that nobody writes. */
const cannotHold = 75;

/** Where an image is mounted: in the mount namespace of these processes. */
export interface MountedImage {
  readonly mountedBy: readonly number[];
  readonly mountPoint: string;
}

/**
 * Copies an image, or a folder, as it is at one moment. The copy is whole when this resolves; a crash leaves a file that
 * ends in `making`, for the sweep.
 * @param source.lock  the file whose lock a machine holds that the disk is attached to
 * @param source.mounted  where the image is mounted now; null when no machine has it
 * @param finish  what else has to be done before the copy takes its place
 * @throws AppError NotPossibleNow  it takes too long to copy what is in use
 */
export async function copyImage(
  source: { image: string; lock: string; mounted: MountedImage | null },
  target: string,
  finish: (making: string) => Promise<void>,
): Promise<void> {
  await underWay(target, async (making) => {
    const copy = ['cp', '--sparse=always', '--reflink=auto', '--', source.image, making];
    if (source.mounted === null)
      await mustCopy(
        await runCommand('flock', ['-w', '3', '-E', String(cannotHold), source.lock, ...copy], {
          timeoutMs: 3_600_000,
        }),
      );
    else await mustCopy(await copyFrozen(source.mounted, copy));
    await fs.chmod(making, 0o600);
    await finish(making);
    const handle = await fs.open(making, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/**
 * @param source.isInUse  programs that could write to it are held meanwhile, so it must not take long
 * @param copied  called when they need not be held any longer
 */
export async function copyFolder(
  source: { folder: string; isInUse: boolean },
  target: string,
  copied: () => void,
): Promise<void> {
  await underWay(target, async (making) => {
    const copy = ['cp', '-a', '--reflink=auto', '--', source.folder, making];
    const seconds = source.isInUse ? heldSeconds : 3600;
    await mustCopy(await runCommand('timeout', [String(seconds), ...copy], { timeoutMs: (seconds + 60) * 1000 }));
    copied();
    // One by one its files would take far longer.
    await runCommand('sync', ['-f', making], { timeoutMs: 600_000 });
  });
}

async function underWay(target: string, make: (making: string) => Promise<void>): Promise<void> {
  // A name of its own each time: a copy that outlived its control plane must not write into the next one.
  const making = path.join(path.dirname(target), `${path.basename(target)}.${randomUUID()}.making`);
  try {
    await make(making);
    await fs.rename(making, target);
  } catch (error) {
    await removeTree(making);
    throw error;
  }
}

/**
 * Copies while the file system is frozen: the kernel completes what is in the image and lets writers wait. Whoever runs
 * this script may be killed at any time, so it is a session of its own, lets go by itself and within its time.
 */
async function copyFrozen({ mountedBy, mountPoint }: MountedImage, copy: readonly string[]): Promise<CommandResult> {
  const script = [
    'place=$1; shift',
    `mountpoint -q "$place" || exit ${String(cannotHold)}`,
    `trap 'fsfreeze -u "$place" 2>/dev/null' EXIT`,
    `trap 'exit 1' HUP INT TERM`,
    `fsfreeze -f "$place" || { trap - EXIT; exit ${String(cannotHold)}; }`,
    `timeout -k 1 ${String(heldSeconds)} "$@"; code=$?`,
    // nsenter ends with 1 when the process is gone, and then the next one may do.
    '[ $code = 1 ] && exit 2; exit $code',
  ].join('\n');
  let result: CommandResult = { code: cannotHold, output: '', error: '' };
  for (const pid of mountedBy) {
    const enter = ['nsenter', '--target', String(pid), '--mount', '--'];
    const args = [...enter, 'sh', '-c', script, 'sh', mountPoint, ...copy];
    result = await runCommand('setsid', ['--wait', ...args], { timeoutMs: (heldSeconds + 60) * 1000 });
    if (result.code !== cannotHold && result.code !== 1) break;
  }
  return result;
}

async function mustCopy({ code, error }: CommandResult): Promise<void> {
  if (code === 0) return;
  if (code === timedOut || code === 137) {
    throw new AppError(
      'NotPossibleNow',
      'The disk holds too much to be copied while an environment uses it. Pause that environment first.',
    );
  }
  if (code === cannotHold)
    throw new AppError('DriverUnavailable', 'The disk could not be held still for a copy just now. Try again.');
  // Such as "cp: error writing '<a path of the host>': No space left on device".
  const why = error.split('\n').at(-1)?.split(': ').at(-1) ?? '';
  throw new AppError('DriverUnavailable', `The disk could not be copied${why === '' ? '' : `: ${why}`}.`);
}
