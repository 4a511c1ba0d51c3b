import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startTestAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

async function connect(name: string): Promise<{ socket: WebSocket; messages: unknown[][]; text: () => string }> {
  const socket = agent.socket(`/terminals/websocket/${name}`);
  const messages: unknown[][] = [];
  // ws gives text frames as Buffers unless asked otherwise.
  socket.on('message', (data) => messages.push(JSON.parse((data as Buffer).toString())));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const text = (): string =>
    messages
      .filter(([kind]) => kind === 'stdout')
      .map(([, part]) => String(part))
      .join('');
  return { socket, messages, text };
}

test('a terminal speaks terminado, replays its scrollback, and ends with its shell', async () => {
  await mkdir(path.join(agent.home, 'work'));
  const made = await agent.call('POST', '/api/terminals', { cwd: 'work' });
  expect(made.status).toBe(200);
  expect(made.json).toMatchObject({ name: '1' });
  expect((await agent.call('POST', '/api/terminals')).json.name).toBe('2');
  expect((await agent.call('GET', '/api/terminals')).json).toHaveLength(2);
  expect((await agent.call('DELETE', '/api/terminals/2')).status).toBe(204);

  const one = await connect('1');
  await until(() => one.messages[0]?.[0] === 'setup', 'setup');
  one.socket.send(JSON.stringify(['set_size', 40, 123]));
  one.socket.send(JSON.stringify(['stdin', 'stty size; echo "[$HOME|$PWD|$PIP_USER]"\r']));
  await until(
    () => one.text().includes('40 123') && one.text().includes(`[${agent.home}|${agent.home}/work|true]`),
    'the answer',
  );
  for (const junk of ['{', '[]', '7', '["set_size", -1, "x"]', '["stdin", 5]']) one.socket.send(junk);

  const two = await connect('1');
  await until(() => two.text().includes('40 123'), 'the scrollback');
  two.socket.send(JSON.stringify(['stdin', 'exit\r']));
  await until(() => one.messages.some(([kind, code]) => kind === 'disconnect' && code === 1), 'the end');
  await until(() => one.socket.readyState === one.socket.CLOSED, 'the socket to close');
  expect((await agent.call('GET', '/api/terminals')).json).toEqual([]);
});
