import { processAt, type Processes } from '../activity/processes.ts';
import { listeners, openFiles } from '../activity/sockets.ts';

/** A socket of ours that listens, and the process that holds it. */
interface Held {
  readonly pid: number;
  readonly startedAtTicks: number;
  /** As /proc/<pid>/fd shows it: `socket:[inode]`. */
  readonly socket: string;
  readonly host: string;
}

/**
 * Finds where to reach what listens in this environment. Several environments may share one network, in which the next
 * port is another person's: so only sockets count that a process of ours holds, and the address is that of the socket.
 */
export class OurPorts {
  readonly #processes: Processes;
  /** As long as a process holds the same socket, that listens where it did. */
  readonly #held = new Map<number, Held>();

  constructor(processes: Processes) {
    this.#processes = processes;
  }

  /** The address to connect to, or null when nothing of ours listens on that port. */
  hostOf(port: number): string | null {
    const known = this.#held.get(port);
    if (known !== undefined && isStillHeld(known)) return known.host;
    this.#held.delete(port);
    const found = this.#find(port);
    if (found === null) return null;
    this.#held.set(port, found);
    return found.host;
  }

  #find(port: number): Held | null {
    const wanted = new Map([...listeners()].filter(([, listener]) => listener.port === port));
    if (wanted.size === 0) return null;
    const isTakenIn4 = [...wanted.values()].some(({ address }) => address.length === 8);
    const held: Held[] = [];
    for (const { pid, startedAtTicks } of this.#processes.sample()) {
      for (const socket of openFiles(pid).values()) {
        const listener = wanted.get(/^socket:\[(\d+)\]$/.exec(socket)?.[1] ?? '');
        const host = listener === undefined ? null : hostOf(listener.address, isTakenIn4);
        if (host !== null) held.push({ pid, startedAtTicks, socket, host });
      }
    }
    return held.find(({ host }) => host.includes('.')) ?? held[0] ?? null;
  }
}

function isStillHeld({ pid, startedAtTicks, socket }: Held): boolean {
  return processAt(pid)?.startedAtTicks === startedAtTicks && [...openFiles(pid).values()].includes(socket);
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
