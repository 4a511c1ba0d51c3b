import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

async function reasons(): Promise<string[]> {
  return (await agent.call('GET', '/agent/activity')).json.busyReasons;
}

test('a real kernel, its child, a terminal and a job left behind are seen while they work', async () => {
  const { json } = await agent.call('POST', '/api/sessions', {
    path: 'n.ipynb',
    name: '',
    type: 'notebook',
    kernel: { name: 'python3' },
  });
  const client = await connectKernel(agent, json.kernel.id);
  await client.run('1');
  await until(async () => (await reasons()).length === 0, 'the open but idle kernel to be no reason');
  const cell = client.execute('input()');
  await client.find(({ type }) => type === 'input_request');
  expect(await reasons()).toContain('kernel python3 is busy (n.ipynb)');
  client.send('stdin', 'input_reply', { value: '' });
  await client.done(cell);

  await client.run('import subprocess; p = subprocess.Popen(["sh", "-c", "while :; do :; done"])');
  await until(
    async () => (await reasons()).some((one) => /^process sh .* started by kernel python3/.test(one)),
    'the child',
  );
  await client.run('p.kill(); p.wait()');
  await client.run('q = subprocess.Popen("setsid sh -c \'while :; do :; done\' & echo", shell=True); q.wait()');
  await until(async () => (await reasons()).some((one) => one.startsWith('process sh ')), 'the job left behind');
  await client.run(
    'import os; os.system("pkill -9 -s $(ps -eo sid,args | awk \'/while :; do :; done/ && !/awk/ {print $1; exit}\')")',
  );

  const terminal = await agent.call('POST', '/api/terminals');
  const socket = agent.socket(`/terminals/websocket/${String(terminal.json.name)}`);
  await new Promise((resolve) => socket.once('open', resolve));
  const before = (await agent.call('GET', '/agent/activity')).json.lastActivityAt;
  await setTimeout(5);
  socket.send(JSON.stringify(['stdin', 'sleep 1000\r']));
  await until(async () => (await reasons()).includes('terminal 1 runs sleep'), 'the terminal');
  expect((await agent.call('GET', '/agent/activity')).json.lastActivityAt).toBeGreaterThan(before);
  socket.send(JSON.stringify(['stdin', '\u0003']));
  await until(async () => (await reasons()).length === 0, 'everything to be idle again');
});
