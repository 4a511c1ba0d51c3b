import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { v1Framing, v1Subprotocol } from '../../agent/kernels/framing.ts';
import { Executions } from './executions.ts';
import type { KernelConnection } from './kernel-connection.ts';

/** Opens a kernel's channels over a Jupyter server's WebSocket, in the framing that JupyterLab uses. */
export async function openKernelSocket(options: {
  /** Of the server, with its base path: http://127.0.0.1:8888. */
  url: string;
  kernelId: string;
  authorization: string;
}): Promise<KernelConnection> {
  const address = `${options.url.replace(/^http/, 'ws')}/api/kernels/${options.kernelId}/channels?session_id=${randomUUID()}`;
  const socket = new WebSocket(address, v1Subprotocol, {
    headers: { authorization: options.authorization },
    perMessageDeflate: false,
  });
  const executions = new Executions();
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve).once('error', reject);
  });
  if (socket.protocol !== v1Subprotocol) throw new Error(`${address} does not speak ${v1Subprotocol}.`);
  socket.on('error', () => undefined); // `close` follows and tells
  socket.on('close', (code, reason) => {
    executions.fail(new Error(`The kernel's socket was closed: ${String(code)} ${reason.toString()}`));
  });
  socket.on('message', (data, isBinary) => {
    const message = Buffer.isBuffer(data) ? v1Framing.decode(data, isBinary) : null;
    if (message !== null) executions.receive(message.channel, message);
  });
  return {
    execute(code) {
      const { message, done } = executions.begin(code);
      socket.send(v1Framing.encode({ channel: 'shell', ...message }));
      return done;
    },
    close() {
      socket.terminate();
    },
  };
}
