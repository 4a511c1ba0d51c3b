import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildAgent } from './build.mjs';
import { connectKernel } from './testing/kernel-client.ts';
import { callSocket, makeKernelspecs, until, type TestAgent } from './testing/test-agent.ts';
import { WebSocket } from 'ws';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the bundle runs from an empty folder, serves a kernel and a terminal, and ends on SIGTERM', async () => {
  const { directory } = await buildAgent();
  expect((await buildAgent()).isFresh).toBe(false);
  cpSync(directory, path.join(folder, 'dist'), { recursive: true });
  const home = path.join(folder, 'home');
  const socketPath = path.join(folder, 'agent.sock');
  const secret = 's';
  const config = {
    environmentId: path.basename(folder),
    secret,
    listen: { socketPath },
    home,
    stateDirectory: path.join(folder, 'state'),
    unenforcedDiskBytes: null,
    environmentVariables: {},
    kernelspecDirectories: [await makeKernelspecs(path.join(folder, 'specs'))],
    warmKernel: 'python3',
  };
  const file = path.join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const child = spawn(process.execPath, [path.join(folder, 'dist/agent.mjs'), file], {
    cwd: folder,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await until(() => log.includes('agent ready'), 'the agent to listen');
    const call: TestAgent['call'] = (method, target, body) => callSocket({ socketPath, secret }, method, target, body);
    const socket: TestAgent['socket'] = (target, protocols = []) =>
      new WebSocket(`ws+unix://${socketPath}:${target}`, protocols, { headers: { authorization: `Bearer ${secret}` } });
    const agent = { home, folder, socketPath, secret, call, socket, [Symbol.asyncDispose]: () => Promise.resolve() };
    const { json } = await call('POST', '/api/kernels', { name: 'python3' });
    const client = await connectKernel(agent, json.id);
    expect(
      await client.run(
        'import subprocess, os; p = subprocess.Popen(["sleep", "1000"]); print(os.getpid(), p.pid, end="")',
      ),
    ).toMatch(/^\d+ \d+$/);
    expect((await call('POST', '/api/terminals')).status).toBe(200);
    // the secret and where it is kept are in no child's environment or arguments
    const seen = await client.run(
      'print(open("/proc/self/environ").read(), open(f"/proc/{os.getppid()}/cmdline").read(), end="")',
    );
    expect(seen).not.toContain('"secret"');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    const left = execFileSync('ps', ['-eo', 'args']).toString();
    expect(left).not.toContain(path.join(folder, 'state'));
    expect(log.split('\n').filter((line) => line.includes('"level":"error"'))).toEqual([]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a wrong configuration is told in a sentence', () => {
  const file = path.join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ secret: 1 }));
  let message = '';
  try {
    execFileSync(process.execPath, [path.join(import.meta.dirname, 'main.ts'), file], { stdio: 'pipe' });
  } catch (error) {
    if (error instanceof Error && 'stderr' in error) message = String(error.stderr);
  }
  expect(message).toContain('is not a valid agent configuration');
  expect(message).toContain('environmentId');
  expect(readFileSync(file, 'utf8')).toContain('secret');
});
