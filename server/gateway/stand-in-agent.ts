import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { agentPaths } from '@terrarium/contract/agent';
import type { DiskDriver, DiskFact } from '../disks/disk-driver.ts';
import type { ComputeDriver, MachineFact } from '../environments/compute-driver.ts';

/** What a test wants the far side of the proxy to do; the default echoes what it was sent. */
export interface FarSide {
  request: (request: IncomingMessage, response: ServerResponse) => void;
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface StandIn {
  readonly compute: ComputeDriver;
  readonly disks: DiskDriver;
  readonly far: FarSide;
  readonly echo: FarSide;
  /** Sockets that the proxy holds open to the far side now. */
  openSockets(): number;
  close(): Promise<void>;
}

/** Machines that are an HTTP server on a Unix socket each: a peer for the gateway's tests, in the agent's place. */
export function createStandIn(directory: string): StandIn {
  const machines = new Map<string, Server | null>();
  const disks = new Map<string, number>();
  const sockets = new Set<Socket>();
  const echo: FarSide = { request: echoRequest, upgrade: echoUpgrade };
  const far: FarSide = { ...echo };
  const socketPath = (id: string) => path.join(directory, `${id}.sock`);

  async function listen(environmentId: string): Promise<Server> {
    const server = http.createServer((request, response) => {
      if (request.url === agentPaths.health) {
        answer(response, { status: 'ready', environmentId, startedAt: new Date(0).toISOString() });
      } else if (request.url === agentPaths.activity) answer(response, { lastActivityAt: 0, busyReasons: [] });
      else far.request(request, response);
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      far.upgrade(request, socket, head);
    });
    await new Promise<void>((resolve) => server.listen(socketPath(environmentId), resolve));
    return server;
  }

  async function halt(id: string): Promise<void> {
    const server = machines.get(id);
    if (server == null) return;
    machines.set(id, null);
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  const factOf = (id: string): MachineFact => {
    const server = machines.get(id);
    if (server === undefined) return { id, state: 'absent' };
    const createdAt = new Date(0);
    return server === null
      ? { id, state: 'stopped', createdAt, endedAt: null, exit: null }
      : { id, state: 'running', createdAt, startedAt: createdAt };
  };
  const diskFact = (id: string): DiskFact => {
    const sizeBytes = disks.get(id);
    return sizeBytes === undefined ? { id, state: 'absent' } : { id, state: 'ready', sizeBytes, usedBytes: null };
  };

  return {
    far,
    echo,
    openSockets: () => sockets.size,
    async close() {
      await Promise.all([...machines.keys()].map(halt));
    },
    compute: {
      name: 'stand-in',
      describe: async () => ({
        images: [
          {
            reference: 'stand-in',
            title: 'Stand-in',
            description: '',
            kernels: [{ name: 'python3', displayName: 'Python 3', language: 'python' }],
            packages: [],
            isDefault: true,
          },
        ],
        notes: [],
        maxCpus: 4,
        maxMemoryBytes: 8 * 1024 ** 3,
        maxGpus: 0,
        canSleep: false,
        build: '',
        canLimitLive: false,
      }),
      inspect: async (id) => factOf(id),
      create: async ({ id }) => {
        if (!machines.has(id)) machines.set(id, null);
      },
      start: async ({ id }) => {
        if (machines.get(id) == null) machines.set(id, await listen(id));
      },
      sleep: async () => undefined,
      wake: async () => undefined,
      limit: async () => undefined,
      stop: halt,
      delete: async (id) => {
        await halt(id);
        machines.delete(id);
      },
      list: async () => [...machines.keys()].map(factOf),
      address: async (id) => (machines.get(id) == null ? null : { socketPath: socketPath(id) }),
      logs: async () => '',
    },
    disks: {
      name: 'stand-in',
      describe: async () => ({ notes: [], maxBytes: 2 ** 40, growsOnline: false }),
      inspect: async (id) => diskFact(id),
      create: async ({ id, sizeBytes }) => {
        disks.set(id, sizeBytes);
      },
      resize: async (id, sizeBytes) => {
        disks.set(id, sizeBytes);
      },
      delete: async (id) => {
        disks.delete(id);
      },
      list: async () => [...disks.keys()].map(diskFact),
    },
  };
}

function answer(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function echoRequest(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('error', () => undefined);
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('set-cookie', 'terrarium=stolen');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('content-security-policy', 'default-src *');
    const { method, url, headers } = request;
    answer(response, { method, url, headers, body: Buffer.concat(chunks).toString('utf8') });
  });
}

/** Accepts the handshake as RFC 6455 says, then sends back every byte it gets. */
function echoUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const protocol = request.headers['sec-websocket-protocol'];
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: any\r\n' +
      `set-cookie: terrarium=stolen\r\n${protocol === undefined ? '' : `sec-websocket-protocol: ${protocol}\r\n`}\r\n`,
  );
  socket.write(`${JSON.stringify({ url: request.url, headers: request.headers })}\n`);
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
}
