import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, constants, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { createClient } from '@terrarium/contract';
import { builtDirectories } from '../built-directories.ts';
import { createSandboxDriver } from '../drivers/sandbox/sandbox-driver.ts';
import { systemClock } from '../plumbing/clock.ts';
import {
  freePort,
  paramsOf,
  removeMachines,
  startControlPlane,
  untilStatus,
  untilTrue,
  type ControlPlane,
} from '../testing/control-plane.ts';
import { kernelManager, run } from '../testing/jupyter-client.ts';
import { joinRoom, openSession } from '../testing/room-typist.ts';
import { startInside } from './outside/inside-server.ts';

const main = path.resolve(import.meta.dirname, '../main.ts');
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const workspace = { namespace: 'my-project', name: 'getting-started' };
const command = promisify(execFile);
const isCheckoutOpen = isRoot && (await canRead(main));
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'terrarium-faults-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A small file system of its own, so that it can be full. */
async function smallFileSystem(size: string): Promise<string> {
  const directory = await temporaryDirectory();
  await command('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', directory]);
  cleanups.push(() => command('umount', [directory]));
  return directory;
}

async function start(options: {
  dataDirectory: string;
  settings?: Record<string, string>;
  uid?: number;
  through?: readonly string[];
}): Promise<ControlPlane> {
  const plane = await startControlPlane({ ...options, port: await freePort() });
  cleanups.push(async () => {
    if (plane.process.signalCode !== null) return;
    await removeMachines(plane.client);
    await plane.stop();
  });
  return plane;
}

/** Runs the control plane to its early end. */
async function failToStart(settings: Record<string, string>, uid?: number): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const giveUp = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await once(child, 'close');
  clearTimeout(giveUp);
  return { code: child.exitCode ?? -1, said };
}

function expectOneSentence(said: string): void {
  expect(said.trimEnd().split('\n')).toHaveLength(1);
  expect(said).not.toMatch(/\bat .*:\d+|Error:|errno/);
}

describe('what cannot start says why in one sentence, with the next step', () => {
  test('the port is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    cleanups.push(async () => holder.close());
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const dataDirectory = await temporaryDirectory();
    const { code, said } = await failToStart({ TERRARIUM_PORT: port, TERRARIUM_DATA: dataDirectory });
    expect(code).toBe(1);
    expectOneSentence(said);
    expect(said).toContain(`Port ${port} is in use`);
    expect(said).toContain('TERRARIUM_PORT=');
    expect(await readdir(dataDirectory)).not.toContain('server.json');
  });

  test('another control plane has the data directory; it goes on', async () => {
    const dataDirectory = await temporaryDirectory();
    const plane = await start({ dataDirectory });
    const door = { ...plane, workspace };
    const editor = joinRoom(door, await openSession(door, 'notebooks/python-elevation-map.ipynb'));
    cleanups.push(() => editor.close());
    await editor.synced();
    editor.source(0).insert(0, 'before ');
    await editor.saved();
    const { code, said } = await failToStart({
      TERRARIUM_PORT: String(await freePort()),
      TERRARIUM_DATA: dataDirectory,
    });
    expect(code).toBe(1);
    expectOneSentence(said);
    expect(said).toContain(`Another Terrarium is running on ${dataDirectory}`);
    expect(await plane.client.listWorkspaces()).toHaveLength(1);
    // Over the connection it had, into the journal it had.
    editor.source(0).insert(0, 'after ');
    await editor.saved();
    await plane.kill();
    const again = await start({ dataDirectory });
    const fresh = joinRoom(
      { ...again, workspace },
      await openSession({ ...again, workspace }, 'notebooks/python-elevation-map.ipynb'),
    );
    cleanups.push(() => fresh.close());
    await fresh.synced();
    expect(fresh.text(0)).toMatch(/^after before /);
  });

  test('the data directory is a file', async () => {
    const file = path.join(await temporaryDirectory(), 'data');
    await writeFile(file, 'x');
    for (const place of [file, path.join(file, 'below')]) {
      const { code, said } = await failToStart({ TERRARIUM_PORT: '0', TERRARIUM_DATA: place });
      expect(code).toBe(1);
      expectOneSentence(said);
      expect(said).toContain('TERRARIUM_DATA');
    }
  });

  test.skipIf(!isRoot)('the data directory is read-only, or not ours', async () => {
    const readOnly = await smallFileSystem('1m');
    await command('mount', ['-o', 'remount,ro', readOnly]);
    const foreign = path.join(await temporaryDirectory(), 'data');
    await mkdir(foreign, { mode: 0o700 });
    for (const [directory, uid] of [
      [readOnly, undefined],
      [path.join(readOnly, 'data'), undefined],
      [foreign, nobody],
    ] as const) {
      const { code, said } = await failToStart({ TERRARIUM_PORT: '0', TERRARIUM_DATA: directory }, uid);
      expect(code, directory).toBe(1);
      expectOneSentence(said);
      expect(said).toContain('TERRARIUM_DATA');
    }
  });

  test.skipIf(!isRoot)('the disk of the data directory is full', async () => {
    for (const size of ['8k', '40k', '200k', '400k', '600k']) {
      const directory = await smallFileSystem(size);
      const { code, said } = await failToStart({ TERRARIUM_PORT: '0', TERRARIUM_DATA: directory });
      expect(code, size).toBe(1);
      expectOneSentence(said);
      expect(said).toMatch(/is full\. Free some space/);
    }
  });

  test('every mistake in the configuration is named at once', async () => {
    const { code, said } = await failToStart({
      TERRARIUM_PORT: '99999999',
      TERRARIUM_PUBLIC_URL: 'nonsense',
      TERRARIUM_PROT: '1',
      TERRARIUM_LOG_LEVEL: 'loud',
    });
    expect(code).toBe(2);
    for (const name of ['TERRARIUM_PORT', 'TERRARIUM_PUBLIC_URL', 'TERRARIUM_PROT', 'TERRARIUM_LOG_LEVEL'])
      expect(said).toContain(name);
    expect(said).not.toMatch(/\bat .*:\d+/);
  });
});

describe('what can still work does', () => {
  /** An environment comes up, says what is weaker, and runs a cell. */
  async function expectWorking(plane: ControlPlane, note: RegExp): Promise<void> {
    const made = await plane.client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 1 } });
    const environment = await untilStatus(plane.client, made, 'Running');
    expect(environment.notes.join('\n')).toMatch(note);
    for (const sentence of environment.notes) expect(sentence).toMatch(/^[A-Z"].*\.$/);
    const manager = kernelManager(plane, workspace.namespace, workspace.name);
    const kernel = await manager.startNew({ name: 'python3' });
    expect(await run(kernel, 'import os; print(6 * 7, os.path.basename(os.environ["HOME"]))')).toMatch(/^42 \w+/);
    manager.dispose();
    await plane.client.deleteEnvironment({ params: paramsOf(environment), query: { deleteDisk: 'true' } });
    await untilTrue(async () => (await plane.client.listDisks()).length === 0, 'the disk is gone');
  }

  test.skipIf(!isRoot)('without bubblewrap', async () => {
    // In this process's own view of the machine alone, it is a file that cannot be run.
    const hide =
      'for file in /usr/bin/bwrap /usr/local/bin/bwrap; do [ ! -e $file ] || mount --bind /dev/null $file; done';
    const through = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${hide}; exec "$@"`, 'hide'];
    const plane = await start({ dataDirectory: await temporaryDirectory(), through });
    await expectWorking(plane, /bubblewrap/i);
  });

  test('without any kernel: environments, terminals and notebooks do, and say what to install', async () => {
    const inside = await startInside((dataDirectory) =>
      createSandboxDriver({
        dataDirectory,
        agentBundle: builtDirectories.agent,
        nodeBinary: process.execPath,
        kernelsManifest: path.join(dataDirectory, 'nothing-was-prepared.json'),
        clock: systemClock,
      }),
    );
    const client = createClient({ baseUrl: inside.server.url, token: inside.server.token });
    cleanups.push(async () => {
      await removeMachines(client);
      await inside.remove();
    });
    expect(await client.listNotebooks({ params: workspace })).toHaveLength(2);
    const made = await client.createEnvironment({ params: workspace, body: { diskGiB: 1, memoryGiB: 1 } });
    const { notes } = await untilStatus(client, made, 'Running');
    for (const language of ['Python', 'R']) expect(notes.join('\n')).toContain(`There is no ${language} kernel here.`);
    const ask = (what: string, body: object) =>
      fetch(`${inside.server.url}/jupyter/my-project/getting-started/api/${what}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { authorization: `token ${inside.server.token}` },
      });
    expect((await ask('terminals', {})).status).toBe(200);
    const kernel = await ask('kernels', { name: 'no-such-kernel' });
    expect(kernel.status).toBe(404);
    expect(((await kernel.json()) as { message: string }).message).toContain('no-such-kernel');
    await client.deleteEnvironment({ params: paramsOf(made), query: { deleteDisk: 'true' } });
    await untilTrue(async () => (await client.listDisks()).length === 0, 'the disk is gone');
  });

  test.skipIf(!isCheckoutOpen)('without root', async () => {
    const dataDirectory = await temporaryDirectory();
    await chown(dataDirectory, nobody, nobody);
    const plane = await start({ dataDirectory, uid: nobody, settings: { HOME: dataDirectory, USER: 'nobody' } });
    await expectWorking(plane, /root/i);
  });

  test.skipIf(!isRoot)('on a full disk: reading does, writing says so, and goes on once there is room', async () => {
    const dataDirectory = await smallFileSystem('24m');
    const plane = await start({ dataDirectory });
    const at = (key: string) => `${plane.url}/api/workspaces/my-project/getting-started/bucket/objects/${key}`;
    const put = (key: string, body: BodyInit, token = plane.token) =>
      fetch(at(key), { method: 'PUT', body, headers: { authorization: `Bearer ${token}` } });
    expect((await put('before.txt', 'kept')).status).toBe(200);
    const fresh = await plane.client.createToken({ body: { label: 'never used before the disk is full' } });

    const ballast = path.join(dataDirectory, 'ballast');
    await command('sh', ['-c', 'cat /dev/zero > "$1" 2>/dev/null || true', 'fill', ballast]);
    const answers = [await put('too-late.txt', 'x'), await put('big.bin', new Uint8Array(200_000), fresh.secret)];
    for (const answer of answers) {
      expect(answer.status).toBe(507);
      expect(((await answer.json()) as { message: string }).message).toMatch(/full|no room.*\.$/);
    }
    await expect(
      plane.client.createWorkspace({ body: { namespace: 'my-project', name: 'late' } }),
    ).rejects.toMatchObject({ code: 'StorageFull' });
    for (const token of [plane.token, fresh.secret]) {
      const kept = await fetch(at('before.txt'), { headers: { authorization: `Bearer ${token}` } });
      expect(await kept.text()).toBe('kept');
    }
    expect(await plane.client.listNotebooks({ params: workspace })).toHaveLength(2);
    expect(await plane.client.listWorkspaces()).toHaveLength(1);

    await rm(ballast);
    expect((await put('after.txt', 'x')).status).toBe(200);
    expect((await plane.client.listObjects({ params: workspace })).objects.map(({ key }) => key)).not.toContain(
      'too-late.txt',
    );
    await plane.client.createWorkspace({ body: { namespace: 'my-project', name: 'late' } });
  });
});

/** Whether an ordinary user can run what is checked out here. */
async function canRead(file: string): Promise<boolean> {
  const tried = await command('setpriv', [
    `--reuid=${String(nobody)}`,
    `--regid=${String(nobody)}`,
    '--clear-groups',
    'test',
    '-r',
    file,
  ]).catch(() => null);
  return tried !== null && (await access(process.execPath, constants.X_OK).then(() => true));
}
