import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { AgentActivity, AgentHealth, AgentUsage } from '@terrarium/contract/agent';
import { callSocket, startTestAgent, type TestAgent } from './testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

test.each(['', 'a test secreT', 'a test secret and more'])('a request with the secret %j is 401', async (secret) => {
  const answer = await callSocket({ socketPath: agent.socketPath, secret }, 'GET', '/agent/health');
  expect(answer.status).toBe(401);
  expect(answer.json).toEqual({ message: 'Unauthorized', reason: null });
});

test('a request or upgrade without any authorization is 401', async () => {
  const status = await new Promise((resolve) => {
    http.get({ socketPath: agent.socketPath, path: '/api/kernels' }, (response) => {
      resolve(response.resume().statusCode);
    });
  });
  expect(status).toBe(401);
  const socket = new WebSocket(`ws+unix://${agent.socketPath}:/api/kernels/x/channels`);
  const refused = await new Promise((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      resolve(response.resume().statusCode);
    });
  });
  expect(refused).toBe(401);
});

test.each(['/api/kernels/nope/channels', '/terminals/websocket/nope', '/api/contents'])(
  'an upgrade of %s is 404',
  async (target) => {
    const socket = agent.socket(target);
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_, response) => {
        resolve(response.resume().statusCode);
      });
    });
    expect(status).toBe(404);
  },
);

test.each([
  ['GET', '/nowhere', 404],
  ['PUT', '/api/kernels', 405],
  ['GET', '/api/kernels/nope', 404],
  ['DELETE', '/api/sessions/nope', 404],
  ['GET', '/api/kernelspecs/nope', 404],
  ['GET', '/kernelspecs/python3/..%2f..%2f..%2foutside', 404],
  ['GET', '/kernelspecs/python3/logo-64x64.png', 404],
  ['GET', '/api/terminals/nope', 404],
])('%s %s is %d with a body of the usual shape', async (method, target, status) => {
  const answer = await agent.call(method, target);
  expect(answer.status).toBe(status);
  expect(Object.keys(answer.json)).toEqual(['message', 'reason']);
});

test.each(['{', '[]', '"x"'])('the body %s is 400', async (body) => {
  expect((await agent.call('POST', '/api/kernels', Buffer.from(body))).status).toBe(400);
});

test('an unknown kernelspec is 404 and a session without its fields 400', async () => {
  expect((await agent.call('POST', '/api/kernels', { name: 'nope' })).status).toBe(404);
  expect((await agent.call('POST', '/api/sessions', {})).json.message).toBe('Missing field in JSON data: path');
  expect((await agent.call('POST', '/api/sessions', { path: 'a' })).json.message).toBe(
    'Missing field in JSON data: type',
  );
  expect((await agent.call('POST', '/api/sessions')).status).toBe(400);
});

test('health, activity, usage and status have the shapes of the contract', async () => {
  expect(AgentHealth.parse((await agent.call('GET', '/agent/health')).json).status).toBe('ready');
  expect(AgentActivity.parse((await agent.call('GET', '/agent/activity')).json).busyReasons).toEqual([]);
  const usage = AgentUsage.parse((await agent.call('GET', '/agent/usage')).json);
  expect(usage.memoryBytes).toBeGreaterThan(10_000_000);
  expect(usage.diskTotalBytes).toBeGreaterThan(usage.diskUsedBytes ?? Infinity);
  expect(Object.keys((await agent.call('GET', '/api/status')).json)).toEqual([
    'started',
    'last_activity',
    'connections',
    'kernels',
  ]);
});

test('the socket is for its owner alone', async () => {
  expect((await stat(agent.socketPath)).mode & 0o777).toBe(0o600);
});

test('kernelspecs name their resources and a default', async () => {
  const { json } = await agent.call('GET', '/api/kernelspecs');
  expect(json.default).toBe('python3');
  expect(json.kernelspecs.python3).toMatchObject({
    name: 'python3',
    spec: { display_name: 'Python 3', language: 'python', interrupt_mode: 'signal' },
  });
  expect((await agent.call('GET', '/api/kernelspecs/ir')).json.spec.language).toBe('R');
});

test('a start leaves the umask alone, which decides what other threads make on the disk in the same moment', async () => {
  const umask = vi.spyOn(process, 'umask');
  await using fresh = await startTestAgent();
  expect(umask).not.toHaveBeenCalledWith(expect.anything());
  umask.mockRestore();
  const { mode } = await stat(path.join(fresh.home, 'packages/bin'));
  expect(mode & 0o777).toBe(0o777 & ~process.umask());
});

test('a folder of ours that nobody can enter is opened again', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'home-'));
  await mkdir(path.join(home, 'packages/bin'), { recursive: true });
  await chmod(path.join(home, 'packages/bin'), 0o600);
  await using fresh = await startTestAgent({ home });
  expect((await fresh.call('GET', '/agent/health')).status).toBe(200);
  const { mode } = await stat(path.join(home, 'packages/bin'));
  expect((mode & 0o777).toString(8)).toBe('700');
  await rm(home, { recursive: true });
});
