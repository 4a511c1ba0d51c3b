import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

async function startKernel(name: string): Promise<string> {
  const answer = await agent.call('POST', '/api/kernels', { name });
  expect(answer.status).toBe(201);
  expect(answer.headers.location).toBe(`/api/kernels/${String(answer.json.id)}`);
  return String(answer.json.id);
}

describe.each(['python3', 'ir'])('a real %s kernel', (name) => {
  const say = (text: string): string => (name === 'ir' ? `cat("${text}")` : `print("${text}", end="")`);

  test.each(['json', 'v1'] as const)('answers in the %s framing', async (framing) => {
    const id = await startKernel(name);
    const client = await connectKernel(agent, id, { framing });
    expect(await client.run(say('hello'))).toBe('hello');
    expect(await client.run('6 * 7')).toContain('42');
    await client.close();
    expect((await agent.call('DELETE', `/api/kernels/${id}`)).status).toBe(204);
    expect((await agent.call('GET', `/api/kernels/${id}`)).status).toBe(404);
  });

  test('is interrupted, restarted, and comes back after it dies', async () => {
    const id = await startKernel(name);
    const client = await connectKernel(agent, id);
    const sleeping = client.execute(
      `${say('asleep')}\n${name === 'ir' ? 'flush.console(); Sys.sleep(60)' : 'import time; time.sleep(60)'}`,
    );
    // IRkernel ends when it is interrupted before the evaluation has begun
    await client.find(({ content, parentId }) => content['text'] === 'asleep' && parentId === sleeping);
    expect((await agent.call('GET', `/api/kernels/${id}`)).json.execution_state).toBe('busy');
    const late = await connectKernel(agent, id);
    await late.find(({ type, content }) => type === 'status' && content['execution_state'] === 'busy');
    await late.close();
    expect((await agent.call('POST', `/api/kernels/${id}/interrupt`)).status).toBe(204);
    await client.done(sleeping);

    await client.run('x <- 1'.replace('<-', name === 'ir' ? '<-' : '='));
    const restarted = await agent.call('POST', `/api/kernels/${id}/restart`);
    expect(restarted.status).toBe(200);
    expect(restarted.json.execution_state).toBe('idle');
    expect(await client.run(name === 'ir' ? 'exists("x")' : '"x" in globals()')).toMatch(/false/i);

    const dying = client.execute(
      name === 'ir' ? 'tools::pskill(Sys.getpid(), 9)' : 'import os; os.kill(os.getpid(), 9)',
    );
    const words = await client.find(({ type, parentId }) => type === 'stream' && parentId === dying);
    expect(words.content['text']).toContain('was killed from outside (SIGKILL), most likely because memory ran out');
    const reply = await client.find(({ type, parentId }) => type === 'execute_reply' && parentId === dying);
    expect(reply.content).toMatchObject({ status: 'error', ename: 'KernelDied' });
    await client.find(({ type, content }) => type === 'status' && content['execution_state'] === 'restarting');
    expect(await client.run(say('back'))).toBe('back');
    const { executions } = (await agent.call('GET', `/agent/kernels/${id}/executions`)).json;
    expect(executions.find(({ msgId }: { msgId: string }) => msgId === dying)).toMatchObject({
      state: 'done',
      outcome: 'died',
    });
    await client.close();
  });

  test('works in the folder of its notebook, which the mirror may not have made yet', async () => {
    const body = { path: 'notebooks/deep/a.ipynb', name: 'a', type: 'notebook', kernel: { name } };
    const { json, status } = await agent.call('POST', '/api/sessions', body);
    expect(status).toBe(201);
    const client = await connectKernel(agent, json.kernel.id);
    expect(await client.run(name === 'ir' ? 'getwd()' : 'import os; os.getcwd()')).toContain('home/notebooks/deep');
    await client.close();
    expect((await agent.call('DELETE', `/api/sessions/${String(json.id)}`)).status).toBe(204);
  });
});

test('input() asks the session that runs the cell, and nobody else', async () => {
  const id = await startKernel('python3');
  const asking = await connectKernel(agent, id);
  const watching = await connectKernel(agent, id, { framing: 'v1' });
  const cell = asking.execute('print("hello " + input("who? "), end="")');
  const request = await asking.find(({ type }) => type === 'input_request');
  expect(request.channel).toBe('stdin');
  asking.send('stdin', 'input_reply', { value: 'world' });
  await asking.done(cell);
  await until(() => watching.received.find(({ content }) => content['text'] === 'hello world'), 'the broadcast output');
  expect(watching.received.some(({ channel }) => channel !== 'iopub')).toBe(false);
  await asking.close();
  await watching.close();
});

test.each(['json', 'v1'] as const)('binary buffers go both ways in the %s framing', async (framing) => {
  const id = await startKernel('python3');
  const client = await connectKernel(agent, id, { framing });
  await client.run(
    `def opened(comm, message):
    comm.on_msg(lambda m: comm.send({'n': len(m['buffers'])}, buffers=[bytes(reversed(bytes(b))) for b in m['buffers']]))
get_ipython().kernel.comm_manager.register_target('echo', opened)`,
  );
  client.send('shell', 'comm_open', { comm_id: 'c1', target_name: 'echo', data: {} });
  client.send(
    'shell',
    'comm_msg',
    { comm_id: 'c1', data: {} },
    { buffers: [Buffer.from([1, 2, 3]), Buffer.from([0, 255])] },
  );
  const echo = await client.find(({ type }) => type === 'comm_msg');
  expect(echo.buffers.map((buffer) => [...buffer])).toEqual([
    [3, 2, 1],
    [255, 0],
  ]);
  await client.close();
});
