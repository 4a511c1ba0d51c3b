import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
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

const ready = { COLOUR: 'red', SHAPE: 'round' };
const isWarm = async (): Promise<boolean> => Boolean((await agent.call('GET', '/agent/health')).json.isWarm);
const untilReady = () => until(isWarm, 'the kernel that is kept warm to answer');

test('the kernel that is kept warm is given them, and nothing in it tells that', async () => {
  await untilReady();
  const before = await warmProcess();
  await put({ COLOUR: 'blue "\\\n\u2028 \u{1f98b}', NEW: '' });
  expect(await isWarm()).toBe(true);
  const client = await connectKernel(agent, await start());
  expect(await client.run('import os; print(os.getpid(), end="")')).toBe(String(before));
  expect(await client.run('print(ascii([os.environ.get(n) for n in ("COLOUR", "SHAPE", "NEW")]), end="")')).toBe(
    String.raw`['blue "\\\n\u2028 \U0001f98b', None, '']`,
  );
  expect(await client.run('import subprocess; print(subprocess.getoutput("echo [$SHAPE/$NEW]; pwd"), end="")')).toBe(
    `[/]\n${agent.home}`,
  );
  expect(await client.run('print(len(In), In[1][:9], sorted(n for n in globals() if n[0] != "_"), end="")')).toBe(
    "5 import os ['In', 'Out', 'exit', 'get_ipython', 'open', 'os', 'quit', 'subprocess']",
  );
  await client.close();
});

test('a kernel asked for at the same moment has all of them or none', async () => {
  await untilReady();
  const given = put({ COLOUR: 'green' });
  const id = await start();
  await given;
  const client = await connectKernel(agent, id);
  expect(await client.run(`${show}; print("", os.getpid(), end="")`)).toMatch(/^(green None|red round) /);
  await client.close();
});

test('what counts when a process starts makes it anew, and the same variables do nothing', async () => {
  await untilReady();
  const before = await warmProcess();
  await put(ready);
  expect(await warmProcess()).toBe(before);
  await put({ ...ready, PYTHONHASHSEED: '0' });
  const after = await untilWarm();
  expect(after).not.toBe(before);
  const client = await connectKernel(agent, await start());
  expect(await client.run('import os; print(os.getpid(), hash("a"), end="")')).toMatch(
    new RegExp(`^${String(after)} `),
  );
  await client.close();
});

test('it is made anew where somebody has files that it runs as it starts', async () => {
  await untilReady();
  const before = await warmProcess();
  const folder = path.join(agent.home, '.ipython/profile_default/startup');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'first.py'), 'import os; colour = os.environ.get("COLOUR")');
  await put({ COLOUR: 'blue' });
  expect(await untilWarm()).not.toBe(before);
  const client = await connectKernel(agent, await start());
  expect(await client.run('print(colour, end="")')).toBe('blue');
  await client.close();
});

test('R is given them too', async () => {
  await using other = await startTestAgent({
    warmKernel: 'ir',
    environmentVariables: { COLOUR: 'red', SHAPE: 'round' },
  });
  await until(async () => Boolean((await other.call('GET', '/agent/health')).json.isWarm), 'R to be warm');
  const environmentVariables = { COLOUR: 'blue "\\\n\u{1f98b}', HOME: '/tmp' };
  await other.call('PUT', '/agent/variables', { environmentVariables });
  expect((await other.call('GET', '/agent/health')).json.isWarm).toBe(true);
  const id = String((await other.call('POST', '/api/kernels', { name: 'ir' })).json.id);
  const client = await connectKernel(other, id);
  const seen = 'cat(Sys.getenv("COLOUR"), is.na(Sys.getenv("SHAPE", NA)), Sys.getenv("HOME"), getwd(), length(ls()))';
  expect(await client.run(seen)).toBe(`blue "\\\n\u{1f98b} TRUE ${other.home} ${other.home} 0`);
  await client.close();
}, 60_000);

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
