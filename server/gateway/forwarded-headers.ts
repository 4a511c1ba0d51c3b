/**
 * What passes between the outside and an environment. Both lists are closed. Inside the environment runs code that
 * people bring: our cookies, tokens and addresses never reach it, and it cannot set cookies, lift policies or redirect
 * on our origins.
 */
const toEnvironment = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
]);

const fromEnvironment = new Set([
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'retry-after',
  'vary',
]);

/** The request's headers for the agent, as a flat list, with our own credential in place of the sender's. */
export function headersToAgent(rawHeaders: readonly string[], secret: string): string[] {
  const headers = ['host', 'agent', 'authorization', `Bearer ${secret}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (toEnvironment.has(name)) headers.push(name, rawHeaders[at + 1] ?? '');
  }
  return headers;
}

/** The same for a WebSocket's handshake. */
export function handshakeToAgent(rawHeaders: readonly string[], secret: string): string[] {
  const headers = headersToAgent(rawHeaders, secret);
  headers.push('connection', 'Upgrade', 'upgrade', 'websocket');
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name.startsWith('sec-websocket-')) headers.push(name, rawHeaders[at + 1] ?? '');
  }
  return headers;
}

/** The agent's headers for the client, as a flat list. A path in `location` gets the door's base path back. */
export function headersFromAgent(rawHeaders: readonly string[], basePath: string): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (!fromEnvironment.has(name)) continue;
    if (name !== 'location') headers.push(name, value);
    else if (/^\/[^/\\]/.test(value)) headers.push(name, basePath + value);
  }
  return headers;
}

/** The agent's answer to a handshake, for the client. */
export function handshakeFromAgent(rawHeaders: readonly string[]): string {
  let lines = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n';
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name.startsWith('sec-websocket-')) lines += `${name}: ${rawHeaders[at + 1] ?? ''}\r\n`;
  }
  return `${lines}\r\n`;
}
