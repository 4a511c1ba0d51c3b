import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createInstallation,
  paramsOf,
  untilStatus,
  untilTrue,
  type ControlPlane,
  type Installation,
} from '../testing/control-plane.ts';
import { jupyterSettings, run } from '../testing/jupyter-client.ts';

// The stock client is CommonJS.
const require = createRequire(import.meta.url);
const { ContentsManager, KernelManager, KernelSpecManager, ServerConnection, SessionManager, TerminalManager } =
  require('@jupyterlab/services') as typeof import('@jupyterlab/services');
const { PageConfig } = require('@jupyterlab/coreutils') as typeof import('@jupyterlab/coreutils');
// What a page says about its server; the terminal client looks here before it asks.
PageConfig.setOption('terminalsAvailable', 'true');

const workspace = { namespace: 'my-project', name: 'getting-started' };
let installation: Installation;
let plane: ControlPlane;
let serverSettings: ReturnType<typeof jupyterSettings>;

beforeAll(async () => {
  installation = await createInstallation();
  plane = await installation.start();
  serverSettings = jupyterSettings(plane, workspace.namespace, workspace.name);
});

afterAll(async () => {
  await installation.remove();
});

test('with nothing running: kernelspecs and notebooks are there, kernels are not', async () => {
  const specs = new KernelSpecManager({ serverSettings });
  await specs.ready;
  expect(Object.keys(specs.specs?.kernelspecs ?? {})).toEqual(expect.arrayContaining(['python3', 'ir']));
  const contents = new ContentsManager({ serverSettings });
  const folder = await contents.get('notebooks');
  expect((folder.content as { name: string }[]).map(({ name }) => name)).toContain('r-air-quality.ipynb');
  const notebook = await contents.get('notebooks/r-air-quality.ipynb', { type: 'notebook' });
  await contents.save('notebooks/saved.ipynb', { type: 'notebook', format: 'json', content: notebook.content });
  expect((await contents.get('notebooks/saved.ipynb')).type).toBe('notebook');
  const kernels = new KernelManager({ serverSettings });
  await kernels.ready;
  expect([...kernels.running()]).toEqual([]);
  kernels.dispose();
  specs.dispose();
  contents.dispose();
});

test('a program that starts a session starts the environment; Python and R answer', async () => {
  const kernelManager = new KernelManager({ serverSettings });
  const sessions = new SessionManager({ serverSettings, kernelManager });
  await sessions.ready;
  for (const [name, code, answer] of [
    ['python3', 'print(6 * 7)', '42\n'],
    ['ir', 'cat(6 * 7)', '42'],
  ] as const) {
    const session = await sessions.startNew({
      name,
      path: `notebooks/${name}.ipynb`,
      type: 'notebook',
      kernel: { name },
    });
    const { kernel } = session;
    if (kernel === null) throw new Error('The session has no kernel.');
    expect(await run(kernel, code)).toBe(answer);
    await kernel.interrupt();
    await kernel.restart();
    expect(await run(kernel, code)).toBe(answer);
    await session.setPath(`notebooks/${name}-renamed.ipynb`);
    expect((await sessions.findByPath(`notebooks/${name}-renamed.ipynb`))?.id).toBe(session.id);
    await session.shutdown();
  }
  sessions.dispose();
  kernelManager.dispose();
});

test('files on the disk, and a terminal that sees them', async () => {
  const contents = new ContentsManager({ serverSettings });
  const made = await contents.newUntitled({ path: '', type: 'directory' });
  const file = `${made.path}/räksmörgås.txt`;
  await contents.save(file, { type: 'file', format: 'text', content: 'hej\n' });
  const terminals = new TerminalManager({ serverSettings });
  const terminal = await terminals.startNew();
  let shown = '';
  terminal.messageReceived.connect((_, message) => {
    if (message.type === 'stdout') shown += String(message.content?.[0] ?? '');
  });
  terminal.send({ type: 'stdin', content: [`cat "$HOME/${file}" | tr a-z A-Z\r`] });
  await untilTrue(async () => shown.includes('HEJ'), 'the terminal shows the file');
  await terminal.shutdown();
  terminals.dispose();
  await contents.delete(made.path);
  contents.dispose();
});

test('the token alone opens the door', async () => {
  const { signInUrl, url } = plane;
  const ticket = new URL(signInUrl).searchParams.get('ticket');
  const signedIn = await fetch(`${url}/api/session`, {
    method: 'POST',
    body: JSON.stringify({ ticket }),
    headers: { 'content-type': 'application/json', origin: url },
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect(cookie).not.toBe('');
  expect((await fetch(`${url}/api/session`, { headers: { cookie } })).status).toBe(200);
  const door = `${url}/jupyter/${workspace.namespace}/${workspace.name}/api/contents`;
  expect((await fetch(door, { headers: { cookie, origin: url } })).status).toBe(401);
  expect((await fetch(door, { headers: { authorization: 'token wrong' } })).status).toBe(401);
  expect((await fetch(`${door}?token=${plane.token}`)).status).toBe(200);
  const other = ServerConnection.makeSettings({ ...serverSettings, token: 'wrong' });
  const contents = new ContentsManager({ serverSettings: other });
  await expect(contents.get('')).rejects.toThrow(/token/);
  contents.dispose();
});

test('while the environment is paused, a request for its files says so', async () => {
  const [environment] = await plane.client.listAllEnvironments();
  if (environment === undefined) throw new Error('No environment was started.');
  await plane.client.stopEnvironment({ params: paramsOf(environment) });
  await untilStatus(plane.client, environment, 'Stopped');
  const contents = new ContentsManager({ serverSettings });
  await expect(contents.get('somewhere.txt')).rejects.toThrow(/paused/);
  expect((await contents.get('notebooks/saved.ipynb')).type).toBe('notebook');
  contents.dispose();
});
