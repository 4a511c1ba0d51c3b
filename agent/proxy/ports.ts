import type { Processes } from '../activity/processes.ts';
import { listeners, openFiles, socketsIn } from '../activity/sockets.ts';

/**
 * Where to reach a port on which a process of this environment listens; null when none does. Several environments may
 * share one network, in which the next port is another person's: so the address is that of our own socket.
 */
export function addressOfOurs(port: number, processes: Processes): string | null {
  const wanted = new Map([...listeners()].filter(([, listener]) => listener.port === port));
  if (wanted.size === 0) return null;
  const ours = processes
    .sample()
    .flatMap(({ pid }) => socketsIn(openFiles(pid)))
    .flatMap((inode) => wanted.get(inode)?.address ?? []);
  const isTakenIn4 = [...wanted.values()].some(({ address }) => address.length === 8);
  const reachable = ours.map((address) => hostOf(address, isTakenIn4)).filter((host) => host !== null);
  return reachable.find((host) => host.includes('.')) ?? reachable[0] ?? null;
}

/** @param isTakenIn4  somebody listens on the same port of IPv4, so that what listens on `::` listens on IPv6 alone */
function hostOf(address: string, isTakenIn4: boolean): string | null {
  if (address.length === 8) {
    const parts = Buffer.from(address, 'hex').reverse();
    return parts.every((part) => part === 0) ? '127.0.0.1' : [...parts].join('.');
  }
  if (/^0+$/.test(address)) return isTakenIn4 ? '::1' : '127.0.0.1';
  if (address === '00000000000000000000000001000000') return '::1';
  // ::ffff:127.0.0.1, as some programs write IPv4
  const mapped = /^0{16}FFFF0000([0-9A-F]{8})$/.exec(address)?.[1];
  return mapped === undefined ? null : hostOf(mapped, isTakenIn4);
}
