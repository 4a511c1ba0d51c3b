import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectKernel } from '../testing/kernel-client.ts';
import { startTestAgent, until, type TestAgent } from '../testing/test-agent.ts';

let agent: TestAgent;
beforeEach(async () => {
  agent = await startTestAgent({ warmKernel: 'python3', environmentVariables: { COLOUR: 'red', SHAPE: 'round' } });
});
afterEach(() => agent[Symbol.asyncDispose]());

const put = (environmentVariables: unknown) => agent.call('PUT', '/agent/variables', { environmentVariables });
const show = 'import os; print(os.environ.get("COLOUR"), os.environ.get("SHAPE"), os.environ["HOME"], end="")';

async function start(): Promise<string> {
  return String((await agent.call('POST', '/api/kernels', { name: 'python3' })).json.id);
}

async function seenBy(id: string): Promise<string> {
  const client = await connectKernel(agent, id);
  const text = await client.run(show);
  await client.close();
  return text;
}

test('kernels, terminals and scripts that start from now on get them; one that runs keeps its own until it is restarted', async () => {
  const old = await start();
  expect(await seenBy(old)).toBe(`red round ${agent.home}`);
  expect((await put({ COLOUR: 'blue' })).status).toBe(204);
  expect(await seenBy(await start())).toBe(`blue None ${agent.home}`);
  expect(await seenBy(old)).toBe(`red round ${agent.home}`);
  await agent.call('POST', `/api/kernels/${old}/restart`);
  expect(await seenBy(old)).toBe(`blue None ${agent.home}`);

  const terminal = (await agent.call('POST', '/api/terminals')).json;
  const socket = agent.socket(`/terminals/websocket/${String(terminal.name)}`);
  let text = '';
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data)) text += data.toString();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify(['stdin', 'echo "<$COLOUR/$SHAPE>"\r']));
  await until(() => text.includes('<blue/>'), 'the terminal to have them');
  socket.close();

  await agent.call('PUT', '/agent/startup', { script: 'echo "<$COLOUR/$SHAPE>"', timeoutMs: 10_000 });
  await until(
    async () => (await agent.call('GET', '/agent/startup')).json.output === '<blue/>\n',
    'the script to have them',
  );
});

test('the kernel that is kept warm is made anew when they differ, and only then', async () => {
  const before = await untilWarm();
  await put({ SHAPE: 'round', COLOUR: 'red' });
  expect(await warmProcess()).toBe(before);
  await put({ COLOUR: 'blue' });
  const after = await untilWarm();
  expect(after).not.toBe(before);
  const id = await start();
  const client = await connectKernel(agent, id);
  expect(await client.run(`${show}; print("", os.getpid(), end="")`)).toBe(`blue None ${agent.home} ${String(after)}`);
});

test('what marks processes as ours and where home is cannot be replaced', async () => {
  await put({ TERRARIUM_ENVIRONMENT: 'another', HOME: '/tmp', COLOUR: 'blue' });
  const id = await start();
  const client = await connectKernel(agent, id);
  expect(await client.run('import os; print(os.environ["TERRARIUM_ENVIRONMENT"], os.environ["HOME"], end="")')).toMatch(
    new RegExp(`^agent-\\w+ ${agent.home}$`),
  );
});

test.each([{ COLOUR: 1 }, null, 'text', ['a']])('%j is refused', async (variables) => {
  expect((await put(variables)).status).toBe(400);
});

/** The one Python kernel that no client knows of. */
async function warmProcess(): Promise<number | null> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('ipykernel_launcher') && command.includes(agent.folder)) return Number(pid);
  }
  return null;
}

const untilWarm = (): Promise<number> => until(warmProcess, 'a kernel to be warm');
