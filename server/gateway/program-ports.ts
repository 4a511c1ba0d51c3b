import type { IncomingMessage } from 'node:http';

/** A port of a program inside an environment, as a request names it. */
export interface ProgramPort {
  readonly port: number;
  /** Whether the program is told the whole path, as one that knows where it is served wants it. */
  readonly isAbsolute: boolean;
  /** Where below the door it is served, with a slash at the end: `/proxy/8050/` or `/proxy/absolute/8050/`. */
  readonly place: string;
  /** Path and query after that; without a slash at the beginning where the address has none there. */
  readonly rest: string;
}

const pattern = /^(\/proxy\/(absolute\/)?(\d{1,5}))(?:(\/[^?]*)?(\?.*)?)$/s;
const largestPort = 65_535;

/**
 * Reads a path of the door, as jupyter-server-proxy has them; null for every other path.
 * @param url  path and query as they came, nothing decoded
 */
export function programPort(url: string): ProgramPort | null {
  if (!url.startsWith('/proxy/')) return null;
  const [, base, absolute, digits, path = '', query = ''] = pattern.exec(url) ?? [];
  const port = Number(digits);
  if (base === undefined || !(port >= 1 && port <= largestPort)) return null;
  return { port, isAbsolute: absolute !== undefined, place: `${base}/`, rest: path + query };
}

/** What a program is asked for, as the agent's address. */
export function urlAtAgent({ port, isAbsolute, place, rest }: ProgramPort, basePath: string): string {
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return `/agent/proxy/${String(port)}${isAbsolute ? `${basePath}${place.slice(0, -1)}${path}` : path}`;
}

/** Which program, at which door: what its headers are rewritten for. */
export interface ProgramPlace {
  readonly port: number;
  readonly isAbsolute: boolean;
  /** Path on the origin below which it is served, with a slash at the end. */
  readonly prefix: string;
  /** `http:` or `https:`, as the browser sees it. */
  readonly protocol: string;
  /** As the browser named it. */
  readonly host: string;
}

export function programPlace(
  { port, isAbsolute, place }: ProgramPort,
  door: { basePath: string; protocol: string; request: IncomingMessage },
): ProgramPlace {
  const { basePath, protocol, request } = door;
  return { port, isAbsolute, prefix: basePath + place, protocol, host: request.headers.host ?? '' };
}
