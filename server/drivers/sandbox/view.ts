import fs from 'node:fs';
import path from 'node:path';
import { inside, insidePath, insideUser } from './inside.ts';

/** Everything that decides what a machine sees. Paths are on the host. */
export interface ViewFacts {
  readonly isolation: 'root' | 'user';
  readonly hostname: string;
  readonly etc: string;
  readonly hosts: string;
  readonly hostnameFile: string;
  readonly disk: string;
  readonly boot: string;
  readonly run: string;
  readonly agentConfig: string;
  readonly agentBundle: string;
  readonly nodeBinary: string;
  readonly kernelDirectories: readonly string[];
  readonly groups: readonly { readonly outside: string; readonly inside: string }[];
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Directories of the boot disk that the person inside can write to and that outlive a stop. */
export const bootFolders = ['tmp', 'opt', 'srv', 'mnt'] as const;

/**
 * Arguments for bubblewrap, less those that the launch script decides. An allow-list: a machine starts with an empty root
 * and gets only what is named here. Nothing of other machines, of the data directory, of /root, /home or /var is.
 */
export function viewArguments(facts: ViewFacts): string[] {
  const args: string[] = [
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    '--hostname',
    facts.hostname,
  ];
  if (facts.isolation === 'user')
    args.push('--unshare-user', '--uid', String(insideUser.uid), '--gid', String(insideUser.gid));
  args.push('--ro-bind', '/usr', '/usr');
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    const found = fs.lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) args.push('--symlink', fs.readlinkSync(`/${name}`), `/${name}`);
    else if (found?.isDirectory() === true) args.push('--ro-bind', `/${name}`, `/${name}`);
  }
  args.push(
    '--ro-bind',
    facts.etc,
    '/etc',
    '--ro-bind',
    facts.hosts,
    '/etc/hosts',
    '--ro-bind',
    facts.hostnameFile,
    '/etc/hostname',
  );
  args.push('--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf');
  args.push('--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm');
  args.push(
    ...openFolders('/sys/devices/system/cpu'),
    '--ro-bind-try',
    '/sys/devices/system/cpu',
    '/sys/devices/system/cpu',
  );
  for (const group of facts.groups) args.push(...openFolders(group.inside), '--ro-bind', group.outside, group.inside);
  args.push('--perms', '0755', '--tmpfs', '/run', ...openFolders(inside.run), ...openFolders(insideUser.home));
  for (const folder of bootFolders) args.push('--bind', path.join(facts.boot, folder), `/${folder}`);
  args.push('--bind', path.join(facts.boot, 'var'), '/var', '--bind', path.join(facts.boot, 'state'), inside.state);
  args.push('--bind', facts.disk, insideUser.home);
  // A data directory below /usr would show in what is bound from there.
  if (isWithin(facts.dataDirectory, '/usr')) args.push('--tmpfs', facts.dataDirectory);
  for (const directory of facts.kernelDirectories) {
    if (isWithin(facts.dataDirectory, directory)) continue;
    // Nothing can be added to /etc as it is seen inside; what is there already is kept up to date by binding it.
    if (isWithin(directory, '/etc') && !fs.existsSync(path.join(facts.etc, path.relative('/etc', directory)))) continue;
    if (!isWithin(directory, '/usr') || isWithin(directory, facts.dataDirectory))
      args.push(...openFolders(directory), '--ro-bind', directory, directory);
  }
  args.push('--bind', facts.run, inside.run, '--ro-bind', facts.agentConfig, inside.agentConfig);
  args.push('--ro-bind', facts.nodeBinary, inside.node, '--ro-bind', facts.agentBundle, inside.agent);
  args.push(
    '--remount-ro',
    '/',
    '--remount-ro',
    '/run',
    '--remount-ro',
    '/dev',
    '--chdir',
    insideUser.home,
    '--clearenv',
  );
  for (const [name, value] of Object.entries(insideEnvironment(facts.environment))) args.push('--setenv', name, value);
  return args;
}

/** Makes the folders above `place`. Left to itself bubblewrap gives them the mode of what is bound: often for root alone. */
function openFolders(place: string): string[] {
  const above: string[] = [];
  for (let folder = path.dirname(place); folder !== '/'; folder = path.dirname(folder)) above.unshift(folder);
  return above.flatMap((folder) => ['--perms', '0755', '--dir', folder]);
}

export function insideEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const { name, home } = insideUser;
  return { LANG: 'C.UTF-8', ...extra, PATH: insidePath, HOME: home, USER: name, LOGNAME: name, SHELL: '/bin/bash' };
}

export function isWithin(place: string, directory: string): boolean {
  const relative = path.relative(directory, place);
  return relative === '' || (relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative));
}
