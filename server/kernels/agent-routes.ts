/**
 * What is answered for a kernel route while no environment runs:
 * emptyList: nothing runs, so the list is empty; start: a program's request starts the environment; refuse: a sentence.
 */
export type WhilePaused = 'emptyList' | 'start' | 'refuse';

export interface AgentRoute {
  readonly permission: 'read' | 'compute';
  readonly whilePaused: WhilePaused;
}

const list: AgentRoute = { permission: 'read', whilePaused: 'emptyList' };
const startKernel: AgentRoute = { permission: 'compute', whilePaused: 'start' };
const other: AgentRoute = { permission: 'compute', whilePaused: 'refuse' };
const drawing: AgentRoute = { permission: 'read', whilePaused: 'refuse' };

const sockets = /^\/(?:api\/kernels\/[^/]+\/channels|terminals\/websocket\/[^/]+)$/;
const journals = /^\/agent\/kernels\/[^/]+\/(?:executions|journal)$/;
const collections = /^\/api\/(kernels|sessions|terminals)(\/.*)?$/;

/**
 * How a request to the door reaches the environment's agent, or null when the control plane answers it. The list is
 * closed: what is not named here never leaves the control plane, the agent's private routes among it.
 * @param path  without query
 */
export function agentRoute(method: string, path: string): AgentRoute | null {
  // Most requests to the door are for something else; one look at the second character sends them on.
  const second = path.charCodeAt(1);
  if (second !== 97 /* a */ && second !== 107 /* k */) return null;
  const collection = collections.exec(path);
  if (collection !== null) {
    if (collection[2] !== undefined && collection[2] !== '/') return other;
    if (method === 'GET' || method === 'HEAD') return list;
    return method === 'POST' ? startKernel : other;
  }
  if (method !== 'GET' && method !== 'HEAD') return null;
  if (path.startsWith('/kernelspecs/')) return drawing;
  return journals.test(path) ? other : null;
}

/** Whether a WebSocket at this path is the agent's: a kernel's channels or a terminal. */
export function isAgentSocket(path: string): boolean {
  return sockets.test(path);
}
