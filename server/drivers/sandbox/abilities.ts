import fs from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './command.ts';

/**
 * What this machine lets us do, found out by doing it.
 * isolation: 'root' = own namespaces and mounts, an unprivileged user inside; 'user' = bubblewrap's own user namespace;
 * 'plain' = processes of the control plane's user, nothing hidden from them.
 */
export interface Abilities {
  readonly isolation: 'root' | 'user' | 'plain';
  /** Whether sized disks work: ext4 images on loop devices. */
  readonly images: boolean;
  /** Why bubblewrap cannot be used, or null. */
  readonly bubblewrapProblem: string | null;
  readonly isRoot: boolean;
}

export interface Withheld {
  /**
   * Act as on a machine without these; for tests and for people who want plain disks. The groups are control groups of
   * version 2, and the freezer of version 1.
   */
  readonly without?: readonly ('bubblewrap' | 'images' | 'unified-groups' | 'freezer-groups')[];
}

export async function findAbilities(scratchDirectory: string, { without = [] }: Withheld): Promise<Abilities> {
  const isRoot = process.getuid?.() === 0;
  const bubblewrapProblem = without.includes('bubblewrap') ? 'it is turned off' : await tryBubblewrap(isRoot);
  const isolation = bubblewrapProblem !== null ? 'plain' : isRoot ? 'root' : 'user';
  const images = isolation === 'root' && !without.includes('images') && (await tryImages(scratchDirectory));
  return { isolation, images, bubblewrapProblem, isRoot };
}

async function tryBubblewrap(isRoot: boolean): Promise<string | null> {
  const view = [
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
  ];
  const bubblewrap = ['bwrap', ...view, ...(isRoot ? [] : ['--unshare-user']), '--hostname', 'probe', 'true'];
  const [program = '', ...args] = isRoot
    ? ['unshare', '--mount', '--propagation', 'private', ...bubblewrap]
    : bubblewrap;
  const result = await runCommand(program, args, { timeoutMs: 10_000 });
  if (result.code === 0) return null;
  return result.code === 127 || /No such file/.test(result.error)
    ? 'it is not installed'
    : result.error.split('\n').at(-1) || 'it does not start';
}

async function tryImages(scratchDirectory: string): Promise<boolean> {
  const scratch = await fs.mkdtemp(path.join(scratchDirectory, 'probe-'));
  try {
    const image = path.join(scratch, 'image');
    await fs.writeFile(image, '');
    await fs.truncate(image, 4 * 2 ** 20);
    const script = 'mkfs.ext4 -q -F "$1" && mkdir "$2" && mount -o loop "$1" "$2"';
    const args = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
      'probe',
      image,
      path.join(scratch, 'mounted'),
    ];
    return (await runCommand('unshare', args, { timeoutMs: 20_000 })).code === 0;
  } finally {
    await fs.rm(scratch, { recursive: true, force: true });
  }
}
