import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentKernel } from '@terrarium/contract/agent';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

const mebibyte = 1024 ** 2;
let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

async function startFor(path: string, name: string): Promise<string> {
  const body = { path, name: '', type: 'notebook', kernel: { name } };
  return String((await agent.call('POST', '/api/sessions', body)).json.kernel.id);
}

async function look(id: string): Promise<AgentKernel | undefined> {
  // Answered by the agent under test; a wrong shape fails what is expected of it.
  const kernels = (await agent.call('GET', '/agent/kernels')).json as AgentKernel[];
  return kernels.find((kernel) => kernel.id === id);
}

test('each kernel is told with its language, notebook, cell and queue', async () => {
  const python = await startFor('notebooks/a.ipynb', 'python3');
  const r = await startFor('notebooks/deep/b.ipynb', 'ir');
  const client = await connectKernel(agent, python);
  await client.run('1');
  expect(await look(python)).toMatchObject({
    name: 'python3',
    displayName: 'Python 3',
    language: 'python',
    state: 'idle',
    path: 'notebooks/a.ipynb',
    connections: 1,
    execution: null,
    queued: 0,
  });
  expect(await look(r)).toMatchObject({ name: 'ir', language: 'R', path: 'notebooks/deep/b.ipynb', connections: 0 });

  const before = Date.now();
  const first = client.execute('input()', { cellId: 'one' });
  const second = client.execute('2', { cellId: 'two' });
  await client.find(({ type }) => type === 'input_request');
  const busy = await look(python);
  expect(busy).toMatchObject({ state: 'busy', execution: { cell: 'one' }, queued: 1 });
  expect(busy?.execution?.startedAt).toBeGreaterThanOrEqual(before - 1000);
  client.send('stdin', 'input_reply', { value: '' });
  await client.done(first);
  await client.done(second);
  await until(async () => (await look(python))?.state === 'idle', 'the kernel is idle again');
  await client.close();
});

test('memory is of the kernel with what it has started, and goes down again', async () => {
  const id = await startFor('notebooks/m.ipynb', 'python3');
  const client = await connectKernel(agent, id);
  await client.run('1');
  const memory = async (): Promise<number> => (await look(id))?.memoryBytes ?? Number.NaN;
  const empty = await memory();
  expect(empty).toBeGreaterThan(10 * mebibyte);
  await client.run('big = bytearray(b"x" * (150 * 1024 ** 2))');
  expect((await memory()) - empty).toBeGreaterThan(140 * mebibyte);
  await client.run(
    'import subprocess, sys; p = subprocess.Popen([sys.executable, "-c", "b = bytearray(b\'x\' * (100 * 1024 ** 2)); print(1, flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); p.stdout.readline()',
  );
  expect((await memory()) - empty).toBeGreaterThan(240 * mebibyte);
  await client.run('p.kill(); p.wait(); del big');
  expect((await memory()) - empty).toBeLessThan(60 * mebibyte);
  await client.close();
});

test('work shows in cores, and a restarted kernel counts from nothing', async () => {
  const id = await startFor('notebooks/c.ipynb', 'python3');
  const client = await connectKernel(agent, id);
  await client.run('1');
  expect((await look(id))?.cpuCores).toBeNull();
  const cell = client.execute('while True: pass');
  await until(async () => ((await look(id))?.cpuCores ?? 0) > 0.3, 'the loop shows');
  await agent.call('POST', `/api/kernels/${id}/interrupt`);
  await client.done(cell);
  await agent.call('POST', `/api/kernels/${id}/restart`);
  expect((await look(id))?.cpuCores).toBeNull();
  await agent.call('DELETE', `/api/kernels/${id}`);
  expect(await look(id)).toBeUndefined();
  await client.close();
});
