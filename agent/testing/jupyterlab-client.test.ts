import { createRequire } from 'node:module';
import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent, until, type TestAgent } from './test-agent.ts';

// The stock client is CommonJS.
const require = createRequire(import.meta.url);
const { ContentsManager, KernelManager, KernelSpecManager, ServerConnection, SessionManager, TerminalManager } =
  require('@jupyterlab/services') as typeof import('@jupyterlab/services');

const { PageConfig } = require('@jupyterlab/coreutils') as typeof import('@jupyterlab/coreutils');
// What a page says about its server; the terminal client looks here before it asks.
PageConfig.setOption('terminalsAvailable', 'true');

let agent: TestAgent;
let proxy: net.Server;
let serverSettings: ReturnType<typeof ServerConnection.makeSettings>;

/** The door in miniature: turns the client's `token …` into the agent's bearer secret. */
beforeAll(async () => {
  agent = await startTestAgent();
  proxy = net.createServer((client) => {
    const upstream = net.connect(agent.socketPath);
    client.setNoDelay(true);
    client.on('data', (data: Buffer) => {
      const text = data.toString('latin1');
      const isHead = /^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(text);
      const isUpgrade = isHead && /\r\nupgrade: websocket/i.test(text);
      const bearer = `Bearer ${agent.secret}`;
      const rewritten = isUpgrade
        ? text.replace('\r\n', `\r\nAuthorization: ${bearer}\r\n`)
        : text.replace(/authorization: token \S+/i, `Authorization: ${bearer}`);
      upstream.write(isHead ? Buffer.from(rewritten, 'latin1') : data);
    });
    upstream.pipe(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('close', () => to.destroy()).on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  serverSettings = ServerConnection.makeSettings({
    baseUrl: `http://127.0.0.1:${String(port)}/`,
    wsUrl: `ws://127.0.0.1:${String(port)}/`,
    token: 't',
    init: { cache: 'no-store', credentials: 'same-origin' },
  });
});
afterAll(async () => {
  proxy.close();
  await agent[Symbol.asyncDispose]();
});

test('KernelSpecManager, KernelManager and SessionManager', async () => {
  const specs = new KernelSpecManager({ serverSettings });
  await specs.ready;
  expect(Object.keys(specs.specs?.kernelspecs ?? {})).toEqual(expect.arrayContaining(['python3', 'ir']));
  const kernels = new KernelManager({ serverSettings });
  const sessions = new SessionManager({ kernelManager: kernels, serverSettings });
  await sessions.ready;
  const session = await sessions.startNew({
    path: 'a.ipynb',
    name: 'a',
    type: 'notebook',
    kernel: { name: 'python3' },
  });
  const kernel = session.kernel;
  if (kernel === null) throw new Error('the session has no kernel');
  expect((await kernel.info).implementation).toBe('ipython');

  const run = async (code: string): Promise<string> => {
    let text = '';
    const future = kernel.requestExecute({ code });
    future.onIOPub = (message) => {
      if ('text' in message.content) text += String(message.content.text);
    };
    const reply = await future.done;
    expect(reply.content.status).toBe('ok');
    return text;
  };
  expect(await run('print("hello")')).toBe('hello\n');

  const future = kernel.requestExecute({ code: 'print(input("? "))' });
  future.onStdin = () => {
    kernel.sendInputReply(
      { value: 'typed', status: 'ok' },
      { msg_id: '', username: '', session: '', date: '', version: '', msg_type: 'input_request' },
    );
  };
  expect((await future.done).content.status).toBe('ok');

  const asleep = kernel.requestExecute({ code: 'print("go", flush=True)\nimport time\ntime.sleep(60)' });
  await new Promise<void>((resolve) => {
    asleep.onIOPub = (message) => {
      if ('text' in message.content) resolve();
    };
  });
  await kernel.interrupt();
  expect((await asleep.done).content.status).toBe('error');
  await kernel.restart();
  expect(await run('print("again")')).toBe('again\n');

  // a kernel that dies: the client learns of it, reconnects and goes on
  const statuses: string[] = [];
  kernel.statusChanged.connect((_, status) => statuses.push(status));
  kernel.requestExecute({ code: 'import os; os._exit(1)' }).done.catch(() => undefined);
  await until(() => statuses.includes('autorestarting') && statuses.at(-1) === 'idle', 'the automatic restart');
  expect(await run('print("once more")')).toBe('once more\n');

  await session.setPath('b.ipynb');
  await sessions.refreshRunning();
  expect([...sessions.running()].map(({ path }) => path)).toEqual(['b.ipynb']);
  await session.shutdown();
  await kernels.refreshRunning();
  expect([...kernels.running()]).toEqual([]);
  for (const one of [sessions, kernels, specs]) one.dispose();
});

test('ContentsManager', async () => {
  const contents = new ContentsManager({ serverSettings });
  const made = await contents.newUntitled({ path: '', type: 'notebook' });
  expect(made.path).toBe('Untitled.ipynb');
  const saved = await contents.save('y.txt', {
    type: 'file',
    format: 'text',
    content: 'text',
  });
  expect(saved.size).toBe(4);
  expect((await contents.get('y.txt', { content: true, hash: true })).content).toBe('text');
  expect((await contents.rename('y.txt', 'z.txt')).path).toBe('z.txt');
  expect((await contents.copy('z.txt', '')).path).toBe('z-Copy1.txt');
  const checkpoint = await contents.createCheckpoint('z.txt');
  expect(await contents.listCheckpoints('z.txt')).toHaveLength(1);
  await contents.restoreCheckpoint('z.txt', checkpoint.id);
  await contents.deleteCheckpoint('z.txt', checkpoint.id);
  await contents.delete('z.txt');
  await expect(contents.get('z.txt')).rejects.toThrow(/does not exist/);
  contents.dispose();
});

test('TerminalManager', async () => {
  const terminals = new TerminalManager({ serverSettings });
  const terminal = await terminals.startNew();
  let text = '';
  terminal.messageReceived.connect((_, { type, content }) => {
    if (type === 'stdout') text += String(content?.[0]);
  });
  terminal.send({ type: 'stdin', content: ['echo $((6 * 7))\r'] });
  await until(() => text.includes('42\r\n'), 'the answer');
  await terminal.shutdown();
  expect((await agent.call('GET', '/api/terminals')).json).toEqual([]);
  terminals.dispose();
});
