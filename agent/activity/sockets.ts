import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface Listener {
  /** Null for a Unix socket. */
  readonly port: number | null;
  /** Hexadecimal, as the system writes it; empty for a Unix socket. */
  readonly address: string;
}

/** `TCP_LISTEN`, include/net/tcp_states.h */
const listenState = '0A';
/** `__SO_ACCEPTCON`, include/uapi/linux/net.h */
const acceptFlag = 0x10000;

/** What listens in our network namespace, by the inode of its socket. @see proc_pid_net(5) */
export function listeners(): Map<string, Listener> {
  const found = new Map<string, Listener>();
  for (const file of ['tcp', 'tcp6']) {
    for (const line of lines(`/proc/self/net/${file}`)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== listenState || inode === undefined) continue;
      const colon = local.lastIndexOf(':');
      found.set(inode, { port: Number.parseInt(local.slice(colon + 1), 16), address: local.slice(0, colon) });
    }
  }
  for (const line of lines('/proc/self/net/unix')) {
    const [, , , flags = '', , , inode] = line.trim().split(/\s+/);
    if (inode !== undefined && (Number.parseInt(flags, 16) & acceptFlag) !== 0) {
      found.set(inode, { port: null, address: '' });
    }
  }
  return found;
}

/** What each open file of a process is, by its number; empty where the system does not say. */
export function openFiles(pid: number): Map<number, string> {
  const folder = `/proc/${String(pid)}/fd`;
  const files = new Map<number, string>();
  try {
    for (const name of readdirSync(folder)) files.set(Number(name), linkOf(`${folder}/${name}`));
  } catch {
    // it has ended, or hides from its own user, as ssh-agent does
  }
  return files;
}

/** The inodes of a process's sockets. */
export function socketsIn(files: ReadonlyMap<number, string>): string[] {
  return [...files.values()].flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(1);
  } catch {
    return [];
  }
}
