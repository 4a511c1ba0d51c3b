import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKernel, type Received } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

const counting = (count: number, pause: number): string =>
  `import sys, time
for i in range(${String(count)}):
    print(i)
    sys.stdout.flush()
    time.sleep(${String(pause)})
input('done?')`;

function numbers(messages: readonly Received[]): number[] {
  const text = messages.filter(({ type }) => type === 'stream').map(({ content }) => String(content['text']));
  return text.join('').split('\n').filter(Boolean).map(Number);
}

async function start(): Promise<string> {
  return String((await agent.call('POST', '/api/kernels', { name: 'python3' })).json.id);
}

test('a session that loses its connection again and again gets every message once and in order', async () => {
  const id = await start();
  let client = await connectKernel(agent, id, { session: 's1' });
  const watcher = await connectKernel(agent, id);
  const cell = client.execute(counting(200, 0.005));
  const received: Received[] = [];
  for (let round = 0; round < 6; round++) {
    const seen = watcher.received.length;
    await until(
      () => client.received.length > 2 || watcher.received.some(({ type }) => type === 'input_request'),
      'some output',
    );
    await client.close();
    received.push(...client.received);
    await until(() => watcher.received.length > seen + 20, 'output while away');
    client = await connectKernel(agent, id, { session: 's1', framing: round % 2 === 0 ? 'v1' : 'json' });
  }
  // the kernel asked while the session was or was not there: either way it is told
  await until(() => [...received, ...client.received].some(({ type }) => type === 'input_request'), 'input_request');
  client.send('stdin', 'input_reply', { value: 'yes' });
  await until(() => client.received.some(({ type }) => type === 'execute_reply'), 'the reply');
  await until(
    () => watcher.received.some(({ type, content }) => type === 'status' && content['execution_state'] === 'idle'),
    'idle',
  );
  received.push(...client.received);
  const mine = received.filter(({ parentId }) => parentId === cell);
  expect(numbers(mine)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  expect(mine.filter(({ type }) => type === 'execute_input')).toHaveLength(1);
  expect(mine.filter(({ type }) => type === 'execute_reply')).toHaveLength(1);
  expect(watcher.received.filter(({ channel }) => channel !== 'iopub')).toEqual([]);
  await client.close();
  await watcher.close();
});

test('a page that was reloaded rebuilds a running cell from the journal and follows it from there', async () => {
  const id = await start();
  const first = await connectKernel(agent, id);
  const cell = first.execute(counting(60, 0.01), { cellId: 'cell-1' });
  await until(() => numbers(first.received).length > 10, 'some output');
  first.cut();

  const { executions } = (await agent.call('GET', `/agent/kernels/${id}/executions`)).json;
  expect(executions).toHaveLength(1);
  expect(executions[0]).toMatchObject({
    msgId: cell,
    cellId: 'cell-1',
    state: 'running',
    executionCount: 1,
    endedAt: null,
  });

  const answer = await agent.call('GET', `/agent/kernels/${id}/journal?after=0&parent=${cell}`);
  const lines = answer.bytes
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0].header.msg_type).toBe('execute_request');
  const printed = lines.filter((line) => line.header.msg_type === 'stream').map((line) => line.content.text);
  const second = await connectKernel(agent, id, { after: lines.at(-1).seq });
  await until(() => numbers(second.received).at(-1) === 59, 'the rest');
  const all = `${printed.join('')}${numbers(second.received).join('\n')}`.split('\n').map(Number);
  expect(all).toEqual(Array.from({ length: 60 }, (_, index) => index));
  const sequence = second.received.map(({ metadata }) => Number(metadata['terrarium_seq']));
  expect(sequence).toEqual(sequence.toSorted((a, b) => a - b));
  await second.close();
});

test('while a kernel is busy, its journal tells what it said over comms, and that a restart ended them', async () => {
  const id = await start();
  const client = await connectKernel(agent, id);
  client.execute(
    `from comm import create_comm
comm = create_comm(target_name='t', data={'state': {'value': 0}})
for value in range(1, 4):
    comm.send({'method': 'update', 'state': {'value': value}}, buffers=[b'abc'])
input('busy')`,
  );
  await until(() => client.received.some(({ type }) => type === 'input_request'), 'the cell to wait');
  const told = async () => {
    const answer = await agent.call('GET', `/agent/kernels/${id}/journal?only=comms`);
    return answer.bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const lines = (await told()).filter(({ header }) => header.msg_type !== 'status');
  expect(lines.map(({ header, content }) => [header.msg_type, content.data.state.value])).toEqual([
    ['comm_open', 0],
    ['comm_msg', 1],
    ['comm_msg', 2],
    ['comm_msg', 3],
  ]);
  expect(lines.at(-1).buffers).toEqual([Buffer.from('abc').toString('base64')]);
  await agent.call('POST', `/api/kernels/${id}/restart`);
  await until(async () => (await told()).at(-1).content.execution_state === 'starting', 'the restart to be told');
  await client.close();
});

test('a flood of output reaches a slow reader whole', async () => {
  const id = await start();
  const client = await connectKernel(agent, id, { framing: 'v1' });
  client.socket.pause();
  const line = 'y'.repeat(1000);
  const flood = client.execute(`import sys\nfor i in range(30000):\n    print(i, "${line}")\nprint("the end")`);
  await until(
    async () => (await agent.call('GET', `/agent/kernels/${id}/executions`)).json.executions[0]?.state === 'done',
    'the cell to end without its reader',
    60_000,
  );
  client.socket.resume();
  await until(
    () => String(client.received.findLast(({ type }) => type === 'stream')?.content['text']).endsWith('the end\n'),
    'the end',
  );
  const text = client.received
    // The kernel's own warnings as it starts belong to no cell.
    .filter(({ type, parentId }) => type === 'stream' && parentId === flood)
    .map(({ content }) => String(content['text']))
    .join('');
  const counted = text
    .split('\n')
    .slice(0, 30000)
    .map((one) => Number(one.split(' ')[0]));
  expect(counted).toEqual(Array.from({ length: 30000 }, (_, index) => index));
  await client.close();
});
