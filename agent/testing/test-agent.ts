import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentConfig } from '@terrarium/contract/agent';
import { WebSocket } from 'ws';
import { startAgent } from '../agent.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  // JSON of an answer under test; a wrong shape fails the assertion that reads it
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export interface TestAgent extends AsyncDisposable {
  readonly home: string;
  readonly folder: string;
  readonly socketPath: string;
  readonly secret: string;
  call(method: string, target: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  socket(target: string, protocols?: string[]): WebSocket;
}

/** The Python that `npm run kernels` has prepared; Debian's where it made none. */
const preparedPython = path.resolve(import.meta.dirname, '../../.kernels/python/bin/python');
const python = existsSync(preparedPython) ? preparedPython : '/usr/bin/python3';

export const kernelspecs = {
  python3: {
    argv: [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
    display_name: 'Python 3',
    language: 'python',
  },
  ir: {
    argv: ['R', '--slave', '-e', 'IRkernel::main()', '--args', '{connection_file}'],
    display_name: 'R',
    language: 'R',
  },
};

export async function makeKernelspecs(folder: string, extra: Record<string, unknown> = {}): Promise<string> {
  for (const [name, spec] of Object.entries({ ...kernelspecs, ...extra })) {
    await mkdir(path.join(folder, 'kernels', name), { recursive: true });
    await writeFile(path.join(folder, 'kernels', name, 'kernel.json'), JSON.stringify(spec));
  }
  return folder;
}

export async function startTestAgent(
  options: Partial<AgentConfig> & { specs?: Record<string, unknown> } = {},
): Promise<TestAgent> {
  const { specs, ...chosen } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'agent-'));
  const secret = 'a test secret';
  const socketPath = path.join(folder, 'agent.sock');
  const home = chosen.home ?? path.join(folder, 'home');
  if (chosen.home === undefined) await mkdir(home);
  const config: AgentConfig = {
    // its own, because an agent that ends also ends what carries its mark
    environmentId: path.basename(folder),
    secret,
    listen: { socketPath },
    home,
    stateDirectory: path.join(folder, 'state'),
    unenforcedDiskBytes: null,
    environmentVariables: {},
    kernelspecDirectories: [await makeKernelspecs(path.join(folder, 'specs'), specs)],
    warmKernel: null,
    ...chosen,
  };
  const agent = await startAgent({ config, inherited: { PATH: process.env['PATH'], LANG: 'C.UTF-8' } });
  return {
    home,
    folder,
    socketPath,
    secret,
    call: (method, target, body, headers = {}) => callSocket({ socketPath, secret }, method, target, body, headers),
    socket: (target, protocols = []) =>
      new WebSocket(`ws+unix://${socketPath}:${target}`, protocols, { headers: { authorization: `Bearer ${secret}` } }),
    async [Symbol.asyncDispose]() {
      await agent.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function callSocket(
  at: { socketPath: string; secret: string },
  method: string,
  target: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        socketPath: at.socketPath,
        method,
        path: target,
        headers: { authorization: `Bearer ${at.secret}`, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const bytes = Buffer.concat(chunks);
          let json: unknown;
          try {
            json = JSON.parse(bytes.toString());
          } catch {
            json = undefined;
          }
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json });
        });
      },
    );
    request.once('error', reject);
    request.end(body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

/** Waits for a condition, looking again soon; fails loudly instead of waiting for ever. */
export async function until<T>(look: () => T | Promise<T>, what: string, timeoutMs = 20_000): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
