import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
afterEach(() => agent[Symbol.asyncDispose]());

const body = (name: string) => ({ path: name, name, type: 'notebook', kernel: { name: 'python3' } });

test('a path has one session, whoever asks and however often', async () => {
  agent = await startTestAgent();
  const [one, two] = await Promise.all([
    agent.call('POST', '/api/sessions', body('a.ipynb')),
    agent.call('POST', '/api/sessions', body('a.ipynb')),
  ]);
  expect([one.status, two.status]).toEqual([201, 201]);
  expect(one.json.id).toBe(two.json.id);
  expect(one.headers.location).toBe(`/api/sessions/${String(one.json.id)}`);
  expect(one.json).toMatchObject({
    path: 'a.ipynb',
    type: 'notebook',
    notebook: { path: 'a.ipynb' },
    kernel: { name: 'python3', connections: 0 },
  });
  expect((await agent.call('POST', '/api/sessions', body('a.ipynb'))).json.id).toBe(one.json.id);
  expect((await agent.call('GET', '/api/sessions')).json).toHaveLength(1);
  expect((await agent.call('GET', '/api/kernels')).json).toHaveLength(1);

  const renamed = await agent.call('PATCH', `/api/sessions/${String(one.json.id)}`, { path: 'b.ipynb', name: 'b' });
  expect(renamed.json).toMatchObject({ path: 'b.ipynb', name: 'b', kernel: { id: one.json.kernel.id } });
  const other = await agent.call('PATCH', `/api/sessions/${String(one.json.id)}`, { kernel: { name: 'ir' } });
  expect(other.json.kernel.name).toBe('ir');
  expect((await agent.call('GET', `/api/kernels/${String(one.json.kernel.id)}`)).status).toBe(404);

  const shared = await agent.call('POST', '/api/sessions', {
    path: 'c.ipynb',
    type: 'console',
    kernel: { id: other.json.kernel.id },
  });
  expect(shared.json.kernel.id).toBe(other.json.kernel.id);
  expect((await agent.call('DELETE', `/api/kernels/${String(other.json.kernel.id)}`)).status).toBe(204);
  expect((await agent.call('GET', '/api/sessions')).json).toEqual([]);
});

test('a kernel that cannot stay alive is given up, with its last words', async () => {
  const broken = {
    argv: ['/bin/sh', '-c', 'echo no module named ipykernel >&2; exit 3'],
    display_name: 'b',
    language: 'python',
  };
  const missing = { argv: ['/no/such/program'], display_name: 'm', language: 'x' };
  agent = await startTestAgent({ specs: { broken, missing } });
  const refused = await agent.call('POST', '/api/kernels', { name: 'missing' });
  expect(refused.status).toBe(500);
  expect(refused.json.message).toContain('Kernel missing could not be started: /no/such/program');
  const { json } = await agent.call('POST', '/api/kernels', { name: 'broken' });
  const client = await connectKernel(agent, json.id);
  const dead = await client.find(({ type, content }) => type === 'status' && content['execution_state'] === 'dead');
  expect(dead.content['reason']).toContain('exit code 3. It said: no module named ipykernel');
  await until(async () => (await agent.call('GET', `/api/kernels/${String(json.id)}`)).status === 404, 'it to be gone');
});

test('the warm kernel is claimed, moved to the folder of the notebook, and replaced', async () => {
  agent = await startTestAgent({ warmKernel: 'python3' });
  await mkdir(path.join(agent.home, 'deep'));
  expect((await agent.call('GET', '/api/kernels')).json).toEqual([]);
  const { json } = await agent.call('POST', '/api/sessions', body('deep/a.ipynb'));
  const client = await connectKernel(agent, json.kernel.id);
  expect(await client.run('import os; print(os.getcwd(), os.environ["JPY_SESSION_NAME"], In[1][:9], end="")')).toBe(
    `${path.join(agent.home, 'deep')} deep/a.ipynb import os`,
  );
  const restarted = await agent.call('POST', `/api/kernels/${String(json.kernel.id)}/restart`);
  expect(restarted.status).toBe(200);
  expect(await client.run('import os; print(os.getcwd(), end="")')).toBe(path.join(agent.home, 'deep'));
  await client.close();
});
