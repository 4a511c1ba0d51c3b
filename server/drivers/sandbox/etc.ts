import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './command.ts';
import { insideUser } from './inside.ts';

/**
 * What a machine sees of /etc: an allow-list, since what a host keeps there is anybody's guess. Only what every user of
 * the host may read is taken, with no account, key or password among it.
 */
const allowed = [
  'alternatives', 'bash.bashrc', 'bash_completion.d', 'ca-certificates', 'ca-certificates.conf', 'debian_version',
  'dictionaries-common', 'fonts', 'gai.conf', 'ghostscript', 'glvnd', 'gtk-2.0', 'gtk-3.0', 'host.conf', 'inputrc', 'issue',
  'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'libpaper.d', 'locale.alias', 'locale.conf', 'locale.gen', 'localtime', 'magic',
  'magic.mime', 'mailcap', 'manpath.config', 'matplotlibrc', 'mime.types', 'nanorc', 'networks', 'nsswitch.conf', 'odbcinst.ini',
  'OpenCL', 'os-release', 'papersize', 'perl', 'pip.conf', 'pki', 'profile', 'profile.d', 'protocols', 'python3', 'python3.11',
  'python3.12', 'python3.13', 'R', 'rpc', 'services', 'sgml', 'shells', 'skel', 'ssl', 'terminfo', 'texmf', 'timezone', 'vim',
  'vulkan', 'wgetrc', 'X11', 'xdg', 'xml', 'jupyter', 'ipython',
]; // prettier-ignore
const allowedByPrefix = ['ImageMagick-', 'java-', 'openmpi', 'lsb-release'];

/**
 * Makes the directory that machines see as /etc, and gives its path. Its name follows from what is in it, so it is made
 * once, and a machine that runs keeps the one it started with.
 */
export async function makeEtc(parent: string): Promise<string> {
  const names = (await fs.readdir('/etc'))
    .filter((name) => allowed.includes(name) || allowedByPrefix.some((prefix) => name.startsWith(prefix)))
    .toSorted();
  const digest = createHash('sha256');
  for (const name of names) {
    const found = await fs.lstat(path.join('/etc', name));
    digest.update(`${name} ${String(found.mtimeMs)} ${String(found.size)}\n`);
  }
  const made = path.join(parent, `etc-${digest.digest('hex').slice(0, 16)}`);
  if ((await fs.lstat(made).catch(() => null)) !== null) return made;

  const making = await fs.mkdtemp(path.join(parent, 'making-etc-'));
  await fs.chmod(making, 0o755);
  await runCommand('cp', ['-a', '--', ...names.map((name) => path.join('/etc', name)), making]);
  await removePrivate(making);
  const { name, uid, gid, home } = insideUser;
  const generated: Record<string, string> = {
    passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n${name}:x:${String(uid)}:${String(gid)}:${name}:${home}:/bin/bash\n`,
    group: `root:x:0:\ntty:x:5:\nnogroup:x:65534:\n${name}:x:${String(gid)}:\n`,
    // Mount points of what differs from machine to machine, or changes while machines run.
    hosts: '',
    hostname: '',
    'resolv.conf': '',
  };
  for (const [file, text] of Object.entries(generated))
    await fs.writeFile(path.join(making, file), text, { mode: 0o644 });
  await fs.rename(making, made).catch(async () => {
    // Somebody else made the same one in the meantime.
    await fs.rm(making, { recursive: true, force: true });
  });
  return made;
}

/** Takes out whatever other users of the host could not read either, such as private keys of certificates. */
async function removePrivate(directory: string): Promise<void> {
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const place = path.join(directory, entry.name);
    const { mode } = await fs.lstat(place);
    const open = entry.isDirectory() ? (mode & 0o005) === 0o005 : entry.isFile() && (mode & 0o004) !== 0;
    if (!open || (entry.name === 'private' && entry.isDirectory()))
      await fs.rm(place, { recursive: true, force: true });
    else if (entry.isDirectory()) await removePrivate(place);
  }
}
