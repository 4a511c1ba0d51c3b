import type { ProgramPlace } from './program-ports.ts';
import { withoutToken } from './visitors.ts';

/**
 * What passes between the outside and a program that somebody runs in an environment. Programs have headers of their own,
 * so these lists name what does not pass: what opens our doors, what is known of the person's machine, what belongs to
 * one connection, and what would reach beyond the program's own path.
 */
const notToProgram = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
]);
const notFromProgram = new Set([
  'alt-svc',
  'clear-site-data',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'public-key-pins',
  'service-worker-allowed',
  'set-cookie2',
  'strict-transport-security',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
]);

/** On an answer that a program has given, and not the agent in its place. */
export const proxiedMark = 'terrarium-proxied';

/** The request's headers for a program, as a flat list, with the agent's credential. The body's length is not in it. */
export function headersToProgram(rawHeaders: readonly string[], secret: string, place: ProgramPlace): string[] {
  const headers = ['host', 'agent', 'authorization', `Bearer ${secret}`];
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase();
    if (notToProgram.has(lower) || lower.startsWith('x-forwarded-') || lower.startsWith('terrarium-')) continue;
    if (lower === 'cookie') {
      const cookies = value.split(/;\s*/).filter((cookie) => !isOurs(nameOfCookie(cookie)));
      if (cookies.length > 0) headers.push(name, cookies.join('; '));
    } else headers.push(name, lower === 'referer' ? withoutToken(value) : value);
  }
  headers.push('x-forwarded-host', place.host, 'x-forwarded-proto', place.protocol.replace(':', ''));
  // One that is told whole paths would put the prefix before them once more.
  if (!place.isAbsolute) headers.push('x-forwarded-prefix', place.prefix.slice(0, -1));
  return headers;
}

/** The same for a WebSocket's handshake. */
export function handshakeToProgram(rawHeaders: readonly string[], secret: string, place: ProgramPlace): string[] {
  return [...headersToProgram(rawHeaders, secret, place), 'connection', 'Upgrade', 'upgrade', 'websocket'];
}

/** The program's headers for the client, as a flat list. */
export function headersFromProgram(rawHeaders: readonly string[], place: ProgramPlace): string[] {
  const headers: string[] = [];
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase();
    const isDropped = notFromProgram.has(lower) || lower.startsWith('access-control-') || lower === proxiedMark;
    if (isDropped) continue;
    if (lower === 'set-cookie') {
      const cookie = confinedCookie(value, place.prefix);
      if (cookie !== null) headers.push(name, cookie);
    } else if (lower === 'location' || lower === 'content-location') {
      const location = rewrittenLocation(value, place);
      if (location !== null) headers.push(name, location);
    } else headers.push(name, value);
  }
  return headers;
}

/**
 * Where a redirect leads: a path stays below the program's own place, and what names the program's own address or ours
 * becomes such a path. Null for what is no address of the web.
 */
export function rewrittenLocation(value: string, place: ProgramPlace): string | null {
  const absolute = /^(?:https?:)?\/\/([^/?#\\]*)([^]*)$/i.exec(value);
  if (absolute !== null) {
    const [, authority = '', rest = ''] = absolute;
    if (!isOwnAddress(authority.toLowerCase(), place)) return value;
    return below(rest.startsWith('/') ? rest : `/${rest}`, place);
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(value)) return null;
  return value.startsWith('/') || value.startsWith('\\') ? below(value, place) : value;
}

function isOwnAddress(authority: string, { port, host }: ProgramPlace): boolean {
  const names = ['127.0.0.1', 'localhost', '0.0.0.0', '[::1]'];
  return authority === host.toLowerCase() || names.some((name) => authority === `${name}:${String(port)}`);
}

function below(path: string, { isAbsolute, prefix }: ProgramPlace): string {
  // Two slashes, or a backslash that browsers take for one, would lead to another host.
  const single = path.replace(/^[/\\]+/, '/');
  // It may know the prefix from a header or its own settings.
  const hasPrefix = single.startsWith(prefix) || single === prefix.slice(0, -1);
  return isAbsolute || hasPrefix ? single : prefix + single.slice(1);
}

/** A cookie that reaches the program's own place and nothing else; null for one that bears a name of ours. */
export function confinedCookie(value: string, prefix: string): string | null {
  const [pair = '', ...attributes] = value.split(';');
  const name = nameOfCookie(pair);
  // A name that begins so demands a path of `/`.
  if (isOurs(name) || /^__host-/i.test(name)) return null;
  const attributeOf = (text: string): string => (text.split('=', 1)[0] ?? '').trim().toLowerCase();
  const asked =
    attributes
      .find((text) => attributeOf(text) === 'path')
      ?.split('=')[1]
      ?.trim() ?? '';
  const path = asked.startsWith(prefix) ? asked : prefix + (asked.startsWith('/') ? asked.slice(1) : '');
  const kept = attributes.filter((text) => !['path', 'domain'].includes(attributeOf(text)));
  return [pair, ...kept, ` Path=${path}`].join(';');
}

function nameOfCookie(pair: string): string {
  return (pair.split('=', 1)[0] ?? '').trim();
}

function isOurs(name: string): boolean {
  return /^(?:__(?:host|secure)-)?terrarium/i.test(name);
}

function pairs(flat: readonly string[]): [name: string, value: string][] {
  const all: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) all.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return all;
}
