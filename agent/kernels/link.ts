import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { log, messageOf } from '../log.ts';
import { decodeWire, encodeWire, type Channel, type WireMessage } from './wire.ts';

export type RequestChannel = Exclude<Channel, 'iopub'>;

/** The ZeroMQ side of one run of a kernel process. */
export interface KernelLink {
  readonly connectionFile: string;
  send(channel: RequestChannel, message: WireMessage): Promise<void>;
  /** Closes the sockets and removes the connection file. */
  close(): Promise<void>;
}

const channels = ['shell', 'iopub', 'stdin', 'control', 'hb'] as const;
type Ports = Record<(typeof channels)[number], number>;

/** sun_path holds 108 bytes with its closing zero. */
const longestSocketPath = 107;

/**
 * Opens the sockets that a kernel about to be spawned will answer on, and writes its connection file (mode 0600).
 * Requests sent before the kernel listens wait in the sockets, so nobody has to poll for readiness.
 * With `ipc` the sockets are files in `socketDirectory`, out of reach of other users: iopub has no authentication.
 */
export async function openLink(options: {
  kernelName: string;
  transport: 'ipc' | 'tcp';
  stateDirectory: string;
  socketDirectory: string;
  onMessage: (channel: Channel, message: WireMessage) => void;
}): Promise<KernelLink> {
  const run = randomBytes(6).toString('hex');
  const prefix = path.join(options.socketDirectory, run);
  const isIpc = options.transport === 'ipc' && Buffer.byteLength(`${prefix}-5`) <= longestSocketPath;
  const ports = isIpc ? { shell: 1, iopub: 2, stdin: 3, control: 4, hb: 5 } : await freePorts();
  const key = randomBytes(32).toString('hex');
  const address = (channel: keyof Ports): string =>
    isIpc ? `ipc://${prefix}-${String(ports[channel])}` : `tcp://127.0.0.1:${String(ports[channel])}`;

  const directory = path.join(options.stateDirectory, 'connections');
  const connectionFile = path.join(directory, `kernel-${run}.json`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const facts = {
    ...Object.fromEntries(channels.map((channel) => [`${channel}_port`, ports[channel]])),
    ip: isIpc ? prefix : '127.0.0.1',
    transport: isIpc ? 'ipc' : 'tcp',
    key,
    signature_scheme: 'hmac-sha256',
    kernel_name: options.kernelName,
  };
  await writeFile(connectionFile, JSON.stringify(facts), { mode: 0o600 });

  // One identity for all three: a kernel sends input_request on stdin to the identity that asked on shell.
  const routingId = randomBytes(8).toString('hex');
  // No high-water marks: messages wait in the journal, which has its own limit, and are never dropped silently here.
  const common = { linger: 0, reconnectInterval: 10, receiveHighWaterMark: 0 };
  const dealer = (): Dealer => new Dealer({ ...common, sendHighWaterMark: 0, routingId });
  const dealers = { shell: dealer(), control: dealer(), stdin: dealer() };
  const iopub = new Subscriber(common);
  iopub.subscribe();

  const listen = async (channel: Channel, socket: AsyncIterable<Buffer[]>): Promise<void> => {
    for await (const frames of socket) {
      const message = decodeWire(key, frames);
      if (message === null) log('warn', 'dropped a kernel message that is malformed or wrongly signed', { channel });
      else options.onMessage(channel, message);
    }
  };
  const open = (channel: Channel, socket: Dealer | Subscriber): void => {
    socket.connect(address(channel));
    listen(channel, socket).catch((error: unknown) => {
      if (!socket.closed) log('error', 'a kernel channel failed', { channel, cause: messageOf(error) });
    });
  };
  open('iopub', iopub);
  for (const channel of ['shell', 'control', 'stdin'] as const) open(channel, dealers[channel]);

  // A ZeroMQ socket takes one send at a time.
  const tails: Record<RequestChannel, Promise<void>> = {
    shell: Promise.resolve(),
    control: Promise.resolve(),
    stdin: Promise.resolve(),
  };
  return {
    connectionFile,
    send(channel, message) {
      const sent = tails[channel].then(() => dealers[channel].send(encodeWire(key, message)));
      tails[channel] = sent.catch(() => undefined);
      return sent;
    },
    async close() {
      for (const socket of [iopub, ...Object.values(dealers)]) socket.close();
      await rm(connectionFile, { force: true });
      if (isIpc)
        await Promise.all(channels.map((channel) => rm(`${prefix}-${String(ports[channel])}`, { force: true })));
    },
  };
}

async function freePorts(): Promise<Ports> {
  const servers = await Promise.all(
    channels.map(
      (channel) =>
        new Promise<{ channel: keyof Ports; port: number; close: () => void }>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const bound = server.address();
            const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
            resolve({ channel, port, close: () => server.close() });
          });
        }),
    ),
  );
  const ports: Ports = { shell: 0, iopub: 0, stdin: 0, control: 0, hb: 0 };
  for (const { channel, port, close } of servers) {
    ports[channel] = port;
    close();
  }
  return ports;
}
